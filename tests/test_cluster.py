"""The private PostGIS under kill, twofold start, and a database of one's own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.issues.lifecycle import STATES
from app.kit import db
from app.kit.db import migrate
from app.kit.policy import ROLES

COMMAND = str(Path(sys.executable).parent / "gridpatrol")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, data: Path, *options: str, **environment: str) -> None:
        self.port = free_port()
        env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | environment
        self.process = subprocess.Popen(
            [COMMAND, "run", "--port", str(self.port), "--data", str(data), *options],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def ready(self) -> "Server":
        for _ in range(600):
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(self.process.stdout.read().decode())

    def end(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


def postmaster(data: Path) -> int | None:
    try:
        pid = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


@pytest.fixture
def folder():
    # A place of its own: pytest shuts its folders again for others, `postgres` among them, whenever another run begins.
    path = Path(tempfile.mkdtemp(prefix="gridpatrol-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_killed_adopted_shared_and_stopped(folder):
    first = Server(folder).ready()
    pid = postmaster(folder)
    assert pid
    # Nobody else reads what lies here, sockets and locks included.
    assert [path for path in folder.rglob("*") if path.parent == folder and path.stat().st_mode & 0o077] == []
    first.end(signal.SIGKILL)
    assert postmaster(folder) == pid  # it goes on alone…
    second, third = Server(folder), Server(folder)  # …and is adopted, by two at once
    second.ready(), third.ready()
    assert postmaster(folder) == pid
    second.end()
    assert postmaster(folder) == pid and third.ready()
    third.end()
    assert postmaster(folder) is None  # the last user stops it
    # A pid file left by a dead postmaster whose number another program has now.
    (folder / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}/postgres\n0\n5432\n\n")
    fourth = Server(folder).ready()
    assert fourth.end() in (0, 128 + 15, -15) and postmaster(folder) is None


def test_two_first_starts_at_once(folder):
    servers = [Server(folder), Server(folder)]
    for server in servers:
        server.ready()
    for server in servers:
        server.end()
    assert postmaster(folder) is None


def test_a_database_of_ones_own(cluster, database_url, folder):
    server = Server(folder, DATABASE_URL=database_url).ready()
    assert not (folder / "postgres").exists()
    assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").json() == {"status": "alive"}
    server.end()


def test_a_data_folder_that_cannot_be_used_is_a_sentence(folder):
    (folder / "run").symlink_to("/tmp")
    done = subprocess.run([COMMAND, "migrate", "--data", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "symbolic link" in done.stderr and "Traceback" not in done.stderr


def test_the_demo_has_an_account_of_every_role_that_can_sign_in(folder):
    server = Server(folder, "--demo").ready()
    path = folder / "demo-accounts.json"
    accounts = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert {a["role"] for a in accounts} == set(ROLES)
    states = set()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        for account in accounts:
            body = {"account": account["account"], "password": account["password"]}
            answer = client.post("/v1/sessions", json=body).json()
            assert answer["account"]["name"] == account["name"] and answer["account"]["roles"][0]["role"] == account["role"]
            if account["role"] == "staff":
                head = {"authorization": f"Bearer {answer['token']}"}
                for state in STATES:
                    items = client.get("/v1/issues", params={"state": state}, headers=head).json()["items"]
                    states |= {item["state"] for item in items}
    assert states >= {"reported", "assigned", "in_progress", "handed_over", "closed", "rejected"}
    server.end()
    again = Server(folder, "--demo").ready()  # a second start makes nothing twice
    assert json.loads(path.read_text()) == accounts
    again.end()


def test_a_schema_in_use_is_told_and_one_of_a_later_version(database_url, run, monkeypatch):
    """A migration gives way to whoever holds a table, tries again, and says at last what to do."""
    monkeypatch.setattr(db, "LOCK_TIMEOUT", "50ms")
    holder = run(asyncpg.connect(database_url))
    held = holder.transaction()
    run(held.start())
    run(holder.execute("lock table alembic_version in access exclusive mode"))
    with pytest.raises(db.SchemaError, match="other processes hold its tables"):
        migrate(database_url, patience_s=0)
    # Let go while it waits for its next try.
    monkeypatch.setattr(db.time, "sleep", lambda _: run(held.rollback()))
    migrate(database_url)
    set_to = "update alembic_version set version_num = $1"
    present = run(holder.fetchval("select version_num from alembic_version"))
    run(holder.execute(set_to, "9999"))
    with pytest.raises(db.SchemaError, match="of a later version"):
        migrate(database_url)
    run(holder.execute(set_to, present))
    run(holder.close())


def test_a_database_that_cannot_be_had_is_told_without_its_password(database_url):
    for url, told in (
        ("postgresql://me:s3cret@127.0.0.1:1/x", "does not answer"),
        (database_url.replace("gridpatrol@", "nobody:s3cret@"), "cannot be entered"),
    ):
        with pytest.raises(db.SchemaError, match=told) as raised:
            migrate(url)
        assert "s3cret" not in str(raised.value)
