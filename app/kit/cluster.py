"""The private PostGIS: a cluster of the program's own in its data folder, reached by socket alone.

Any number of processes may use one data folder. Each holds a shared lock on `postgres.users` while it does; starting and
stopping happen under an exclusive lock on `postgres.gate`, so two starts at once cannot both run `initdb` or start a
server. The last user to leave stops the server. Locks are the kernel's (flock) and vanish with their process: after a
`kill -9` of the program the server goes on alone, and the next start adopts it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

DATABASE = "gridpatrol"
_CONFIG = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 1GB
max_wal_size = 2GB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = off
"""


class ClusterError(Exception):
    """The private PostGIS cannot be used; the message says why and what to do."""


def find_binaries() -> Path:
    """The folder of `initdb` and `postgres`, the newest version found."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    raise ClusterError(
        "PostgreSQL is not installed. Install it (Debian: apt-get install postgresql-15 postgresql-15-postgis-3) "
        "or set DATABASE_URL to a PostgreSQL database with PostGIS."
    )


class Cluster:
    """One private cluster in `data/postgres`. Use `private_cluster` rather than this class."""

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self.folder = self.data / "postgres"
        self.log = self.data / "postgres.log"
        self.binaries = find_binaries()
        self.identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                raise ClusterError("As root, PostgreSQL is run as the user `postgres`, and this machine has none.") from None
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        socket_folder = self.data / "run"
        if len(str(socket_folder)) > 80:  # a socket's path may have 107 bytes
            digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
            socket_folder = Path(f"/tmp/gridpatrol-{os.geteuid()}-{digest}")
        self.socket = socket_folder

    @property
    def url(self) -> str:
        return f"postgresql://gridpatrol@/{DATABASE}?host={self.socket}"

    def make_data(self) -> None:
        """The data folder: its owner's alone; as root `postgres` may pass through it, and see nothing."""
        if not self.data.is_dir():
            self.data.parent.mkdir(parents=True, exist_ok=True)
            self.data.mkdir(exist_ok=True)
            self.data.chmod(0o711 if self.identity else 0o700)

    def prepare_folders(self) -> None:
        self.make_data()
        for folder in (self.folder, self.socket):
            if folder.is_symlink():
                raise ClusterError(f"{folder} is a symbolic link; the private database refuses to follow it.")
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
            if self.identity:
                os.chown(folder, self.identity["user"], self.identity["group"])
            elif folder.stat().st_uid != os.geteuid():
                raise ClusterError(f"{folder} belongs to another user.")
        if self.identity:
            self._require_reachable()

    def _require_reachable(self) -> None:
        """`postgres` must be able to enter every folder above the cluster."""
        probe = subprocess.run(["test", "-x", str(self.folder)], **self.identity, cwd="/", check=False, capture_output=True)
        if probe.returncode != 0:
            raise ClusterError(
                f"The user `postgres` cannot enter {self.folder}: give every folder above it the right to be entered "
                "(chmod o+x) or choose another with --data or GRIDPATROL_DATA."
            )

    def command(self, *words: str | Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in words],
            **self.identity,
            cwd="/",
            env={"PATH": f"{self.binaries}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def initialise(self) -> None:
        if (self.folder / "PG_VERSION").exists():
            major = (self.folder / "PG_VERSION").read_text().strip()
            if not self.binaries.parts[-2].startswith(major) and (Path("/usr/lib/postgresql") / major / "bin").exists():
                self.binaries = Path("/usr/lib/postgresql") / major / "bin"
            return
        # A cluster is made beside its place and renamed into it: a start that was cut short leaves no half of one.
        fresh = self.data / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self.identity:
            os.chown(fresh, self.identity["user"], self.identity["group"])
        made = self.command(
            self.binaries / "initdb", "-D", fresh, "-U", "gridpatrol", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )
        if made.returncode != 0:
            raise ClusterError(f"initdb failed:\n{made.stdout}")
        with (fresh / "postgresql.conf").open("a") as config:
            config.write(_CONFIG)
        self.folder.rmdir()
        fresh.rename(self.folder)

    def postmaster(self) -> int | None:
        """Process id of the server that runs on this folder, or None. A pid file left behind by a dead one does not count."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (OSError, IndexError, ValueError):
            return None
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            where = Path(f"/proc/{pid}/cwd").resolve()
        except PermissionError:
            command, where = b"postgres", self.folder.resolve()
        except OSError:
            return None
        # The number may have been given to another program since.
        return pid if b"postgres" in command and where == self.folder.resolve() else None

    def start(self) -> None:
        if self.postmaster() is None:
            # Safe under the gate: nothing else starts servers here, and no server runs on this folder.
            (self.folder / "postmaster.pid").unlink(missing_ok=True)
            if not self.log.exists():
                self.log.touch(mode=0o600)
            if self.identity:
                os.chown(self.log, self.identity["user"], self.identity["group"])
            started = self.command(
                self.binaries / "pg_ctl", "start", "-w", "-t", "90", "-s", "-D", self.folder, "-l", self.log,
                # Terse: without the rows and values that a message is about.
                "-o", f"-k {self.socket} -c log_error_verbosity=terse",
            )  # fmt: skip
            if started.returncode != 0:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise ClusterError(f"The private database did not start:\n{started.stdout}{tail}")
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline:
                raise ClusterError(f"The private database runs but does not answer; see {self.log}.")
            time.sleep(0.1)
        self._create_database()

    def _answers(self) -> bool:
        return self.command(self.binaries / "pg_isready", "-q", "-h", self.socket).returncode == 0

    def _create_database(self) -> None:
        psql = [self.binaries / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-U", "gridpatrol"]
        there = self.command(*psql, "-d", "postgres", "-c", f"select 1 from pg_database where datname = '{DATABASE}'")
        if there.stdout.strip() != "1":
            made = self.command(*psql, "-d", "postgres", "-c", f"create database {DATABASE}")
            if made.returncode != 0:
                raise ClusterError(f"The private database could not be created:\n{made.stdout}")

    def stop(self) -> None:
        if self.postmaster() is not None:
            self.command(self.binaries / "pg_ctl", "stop", "-w", "-m", "fast", "-s", "-D", self.folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _locked(path: Path, how: int) -> Generator[IO[bytes]]:
    with open(path, "ab", opener=_private) as file:
        fcntl.flock(file, how)
        yield file


@contextmanager
def private_cluster(data: Path) -> Generator[str]:
    """Bring up (or join) the private PostGIS in `data`; yields its URL and stops it when the last user leaves.

    Raises ClusterError with a sentence for the operator.
    """
    cluster = Cluster(data)
    gate, users = cluster.data / "postgres.gate", cluster.data / "postgres.users"
    try:
        cluster.make_data()
        with _locked(gate, fcntl.LOCK_EX):
            cluster.prepare_folders()
            cluster.initialise()
            membership = open(users, "ab", opener=_private)  # noqa: SIM115 - held as long as the cluster is used
            fcntl.flock(membership, fcntl.LOCK_SH)
            cluster.start()
    except PermissionError as error:
        raise ClusterError(f"The data folder {cluster.data} cannot be written: {error}") from error
    try:
        yield cluster.url
    finally:
        with _locked(gate, fcntl.LOCK_EX):
            try:
                fcntl.flock(membership, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still works with it
            else:
                cluster.stop()
            membership.close()
