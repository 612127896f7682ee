"""Holds a database of tests for as long as its standard input is open."""

import sys
from pathlib import Path

from app.kit import cluster as cluster_room
from app.kit.cluster import private_cluster
from app.kit.db import migrate

NOT_DURABLE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"

if __name__ == "__main__":
    data = Path(sys.argv[1])
    cluster_room._CONFIG += NOT_DURABLE
    with private_cluster(data / "data") as url:
        migrate(url)
        (data / "template").touch()
        print(url, flush=True)
        sys.stdin.read()
