"""Real PostGIS, real commits: each worker clones a migrated template; each test has a town of its own far from the others."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from filelock import FileLock

from app.kit import cluster as cluster_room
from app.kit.db import Database, migrate
from app.main import create_app
from app.people.accounts import add_account
from app.people.sessions import add_session, mint
from tests.described import Described
from tests.pictures import encode, scene

PICTURE = encode(scene(48, 36))
_loop = asyncio.new_event_loop()
_PATIENCE_S = 240


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return _loop.run_until_complete(work)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Async tests run on one loop for the whole worker, with the server's pool on it."""
    if not asyncio.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    # A test that waits for what never comes fails, and the others go on.
    _run(asyncio.wait_for(test, getattr(pyfuncitem.obj, "patience_s", _PATIENCE_S)))
    return True


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A private cluster shared by the workers of this run, with durability off: nothing here outlives it.

    `GRIDPATROL_TESTS_DATA` names the folder of one that is there already, and stays."""
    kept = os.environ.get("GRIDPATROL_TESTS_DATA")
    shared = Path(
        kept or Path(tempfile.gettempdir()) / f"gridpatrol-tests-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    )
    shared.mkdir(mode=0o755, exist_ok=True)
    users = shared / "users"
    with FileLock(shared / "lock"):
        users.touch()
        users.write_text(users.read_text() + "x")
    config = cluster_room._CONFIG
    cluster_room._CONFIG = config + "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
    with cluster_room.private_cluster(shared / "data") as url:
        with FileLock(shared / "lock"):
            if not (shared / "template").exists():
                migrate(url)
                (shared / "template").touch()
        yield url
    cluster_room._CONFIG = config
    with FileLock(shared / "lock"):
        users.write_text(users.read_text()[1:])
        last = not users.read_text()
    if last and not kept:
        shutil.rmtree(shared, ignore_errors=True)


def cloned(cluster: str) -> str:
    """A new database, cloned from the migrated one."""
    name = f"test_{uuid.uuid4().hex}"

    async def clone() -> None:
        connection = await asyncpg.connect(cluster.replace("/gridpatrol?", "/postgres?"))
        for _ in range(100):
            try:
                await connection.execute(f"create database {name} template gridpatrol")
                break
            except asyncpg.ObjectInUseError:  # another worker is cloning
                await asyncio.sleep(0.1)
        await connection.close()

    _run(clone())
    return cluster.replace("/gridpatrol?", f"/{name}?")


@pytest.fixture(scope="session")
def database_url(cluster: str) -> str:
    """A database of this worker's own."""
    return cloned(cluster)


def opened(database_url: str, folder: Path) -> Generator[Any]:
    """The service on a database."""
    app = create_app(database_url, folder)
    context = app.router.lifespan_context(app)
    _run(context.__aenter__())
    yield app
    _run(context.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    yield from opened(database_url, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def database(app: Any) -> Database:
    return app.state.database


@pytest.fixture(scope="session")
def do_jobs(app: Any, database: Database, database_url: str) -> Callable[[], Coroutine[Any, Any, None]]:
    """Does every job that is in the queue, as a worker would."""
    from app.worker import work

    return lambda: work(database_url, database, app.state.photos, until_empty=True)


@asynccontextmanager
async def listening(config: uvicorn.Config) -> AsyncGenerator[str]:
    """A server of real HTTP on a free port, while what is inside runs; its address."""
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    for _ in range(1000):
        if server.started:
            break
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def served(app: Any) -> Generator[str]:
    """The same service over real HTTP, for what needs a connection: streams, and requests cut in the middle."""
    config = uvicorn.Config(app, port=0, lifespan="off", access_log=False, log_config=None, log_level="error")
    server = listening(config)
    yield _run(server.__aenter__())
    _run(server.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def address(app: Any) -> Generator[str]:
    yield from served(app)


@dataclass
class Person:
    """Somebody with a phone."""

    client: httpx.AsyncClient
    id: uuid.UUID
    account: str

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self.client.request(method, path, **options)

    async def get(self, path: str, **parameters: Any) -> Any:
        response = await self.client.get(path, params=parameters)
        assert response.status_code == 200, response.text
        return response.json()

    async def report(self, **changes: Any) -> Any:
        response = await self.client.put(f"/v1/reports/{uuid.uuid4()}", json=changes)
        assert response.status_code == 201, response.text
        return response.json()

    async def act(self, issue: str, action: str, expect: int = 200, arrive: bool = True, **fields: Any) -> Any:
        """Take an action. Photographs that shall prove something have arrived before, unless told otherwise."""
        if arrive and action in ("rectify", "reply"):
            for photo in fields.get("photos", ()):
                await self.client.put(f"/v1/photos/{photo}", content=PICTURE)
        response = await self.client.post(f"/v1/issues/{issue}/actions", json={"action": action, **fields})
        assert response.status_code == expect, response.text
        return response.json()


# What anybody may read and keep.
_PUBLISHED = ("/v1/public/", "/v1/tiles/public/", "/v1/tiles/cells.json", "/v1/map/", "/assets/", "/icons/")


async def headed(response: httpx.Response) -> None:
    """Every answer of every test says who may keep it, frame it and take it for something else."""
    headers, path = response.headers, response.request.url.path
    assert headers["x-content-type-options"] == "nosniff", path
    assert headers.get("x-frame-options") == "DENY" or headers["content-type"].endswith("json"), path
    assert "frame-ancestors 'none'" in headers["content-security-policy"], path
    assert headers["referrer-policy"] and headers["permissions-policy"] and headers["x-request-id"], path
    kept = headers["cache-control"]
    assert kept in ("no-cache", "no-store") or "private" in kept or path.startswith(_PUBLISHED), (path, kept)


_PLACES = itertools.count()


@dataclass
class Town:
    """A community of two cells side by side, with a unit, far from every other test's."""

    app: Any
    database: Database
    lon: float
    lat: float
    area: uuid.UUID = field(default_factory=uuid.uuid4)
    cells: tuple[uuid.UUID, uuid.UUID] = field(default_factory=lambda: (uuid.uuid4(), uuid.uuid4()))
    unit: uuid.UUID = field(default_factory=uuid.uuid4)
    people: list[httpx.AsyncClient] = field(default_factory=list)

    async def build(self) -> None:
        def square(west: float) -> str:
            ring = [(0, 0), (0.01, 0), (0.01, 0.01), (0, 0.01), (0, 0)]
            return "MULTIPOLYGON(((" + ",".join(f"{west + x} {self.lat + y}" for x, y in ring) + ")))"

        async with self.database.transaction() as connection:
            await connection.execute(
                "insert into areas values ($1, null, 'community', $2, st_geomfromtext($3, 4326), 'Asia/Shanghai')",
                self.area, f"社区 {self.area.hex[:8]}", square(self.lon),
            )  # fmt: skip
            await connection.execute("insert into area_tree values ($1, $1)", self.area)
            await connection.execute("insert into units values ($1, $2, '环卫站', 'bureau', '')", self.unit, self.area)
            for number, cell in enumerate(self.cells):
                await connection.execute(
                    "insert into cells (id, area_id, name, geom) values ($1, $2, $3, st_geomfromtext($4, 4326))",
                    cell, self.area, f"网格{number + 1}", square(self.lon + number * 0.01),
                )  # fmt: skip

    async def person(self, role: str | None, cell: int = 0, language: str = "en") -> Person:
        grants: dict[str, Any] = {
            "volunteer": (self.area, self.cells[cell], None), "leader": (self.area, self.cells[cell], None),
            "worker": (self.area, None, self.unit), "staff": (self.area, None, None),
            "inspector": (self.area, None, None), "admin": (None, None, None),
        }  # fmt: skip
        account = f"{role}-{uuid.uuid4().hex[:10]}"
        token = mint(b"")
        async with self.database.transaction() as connection:
            id = await add_account(connection, account, f"{role}某", None, [(role, *grants[role])] if role else [])
            assert id is not None
            await add_session(connection, id, token, "test")
        client = httpx.AsyncClient(
            transport=Described(self.app, raise_app_exceptions=False), base_url="http://test",
            headers={"authorization": f"Bearer {token}", "accept-language": language}, event_hooks={"response": [headed]},
        )  # fmt: skip
        self.people.append(client)
        return Person(client, id, account)

    async def open_to_anybody(self) -> None:
        """From now on whoever is signed in may report here, as the office may have it."""
        async with self.database.acquire() as connection:
            await connection.execute("update areas set open_reports = true where id = $1", self.area)

    async def publish(self, what: str = "places") -> None:
        """Let everybody see what the community publishes."""
        async with self.database.acquire() as connection:
            await connection.execute("update areas set publishes = $2 where id = $1", self.area, what)

    def body(self, cell: int = 0, **changes: Any) -> dict[str, Any]:
        """A report in a cell, a few minutes old."""
        return {
            "category": "litter",
            "position": {"lat": self.lat + 0.005, "lon": self.lon + 0.005 + 0.01 * cell, "accuracy_m": 8},
            "observed_at": (datetime.now(UTC) - timedelta(minutes=3)).isoformat(),
            "note": "路边垃圾",
        } | changes


@pytest.fixture
def town(app: Any, database: Database) -> Generator[Town]:
    # Every test its own place: 20 km apart, on the open sea off Guinea where no real area lies.
    number = next(_PLACES)
    town = Town(app, database, lon=-30 + 0.2 * (number % 100), lat=-20 + 0.2 * (number // 100))
    _run(town.build())
    yield town
    for client in town.people:
        _run(client.aclose())


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return _run


def data(name: str) -> Any:
    return json.loads((Path(__file__).parent / "data" / name).read_text("utf-8"))
