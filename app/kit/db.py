"""The database: one pool of asyncpg connections, and the schema's migrations.

Every statement of the program is SQL text with bind parameters, named in a room's `queries.py`; asyncpg prepares each
once per connection. Why there is no expression layer between: docs/adr/0001-sql-in-named-statements.md.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
import structlog
from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.exc import DBAPIError

from app.settings import settings

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy

log = structlog.get_logger()

_ROOT = Path(__file__).resolve().parents[2]
# How long a request waits for a free connection before it is told to come back later.
_WAIT_S = 10
# A deadlock, and a lock that was not had in time.
_IN_USE = ("40P01", "55P03")
# No such database or user, a wrong password, no connection; not there yet, or not any more.
_NO_ENTRY = ("08", "28", "3D", "53300", "57P")
# Whoever waits for a table lets all others wait behind: a migration rather gives way.
LOCK_TIMEOUT = "3s"


_LINEAGE = "select system_identifier::text || '.' || timeline_id from pg_control_system(), pg_control_checkpoint()"
CHANNEL = "gridpatrol_changes"
_told: dict[Any, set[UUID]] = {}


def _dumps(value: object) -> str:
    return orjson.dumps(value, default=str).decode()  # asyncpg's UUID is a subclass, which orjson does not know


async def _keep(connection: Any) -> None:
    """Nothing to undo when a connection returns: no statement here changes a session's settings, locks or cursors."""


class Database:
    """The pool. `acquire()` gives a connection, `transaction()` one inside BEGIN … COMMIT.

    `changed` gathers whom the committed changes of this process concern (areas, units, accounts) until sync/live.py passes
    them on. They are hints: what is lost of them with a killed process costs a listener some seconds, never a change.
    """

    def __init__(self) -> None:
        self.pool: Any = None
        # Which line of history the numbers of transactions belong to: another server, or one promoted in its place, has its own.
        self.lineage = ""
        self.changed: set[UUID] = set()
        self.has_changed = asyncio.Event()

    @classmethod
    async def open(cls, url: str, size: int, statement_timeout_s: int = 0) -> Database:
        """A pool of at most `size` connections; a statement that runs longer than the timeout (0: none) is cancelled."""
        database = cls()
        database.pool = await asyncpg.create_pool(  # pyright: ignore[reportUnknownMemberType]
            plain(url),
            min_size=1,
            max_size=size,
            init=database._prepare,
            reset=_keep,
            server_settings={
                "application_name": "gridpatrol",
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",
                "timezone": "UTC",
                # What known_zone falls back to.
                "gridpatrol.time_zone": settings().time_zone,
                "statement_timeout": f"{statement_timeout_s}s",
            },
        )
        return database

    async def _prepare(self, connection: Any) -> None:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_dumps, decoder=orjson.loads)
        self.lineage = await connection.fetchval(_LINEAGE)

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        """A connection; TimeoutError (answered as 503) when none comes free in ten seconds."""
        free = self.pool.get_idle_size() > 0 or self.pool.get_size() < self.pool.get_max_size()
        async with self.pool.acquire(timeout=None if free else _WAIT_S) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        async with self.acquire() as connection:
            told = _told[connection] = set()
            try:
                async with connection.transaction():
                    yield connection
                self.tell(told)
            finally:
                del _told[connection]

    def tell(self, audiences: Iterable[UUID | None]) -> None:
        """Whom a committed change concerns."""
        fresh = {a for a in audiences if a is not None}
        if fresh:
            self.changed |= fresh
            self.has_changed.set()

    async def pass_on(self) -> None:
        """Tell the listeners of every process (NOTIFY). Apart from the changes' own transactions, since commits that notify queue up."""
        audiences = [str(a) for a in self.changed]
        self.changed.clear()
        self.has_changed.clear()
        async with self.acquire() as connection:
            for start in range(0, len(audiences), 200):  # a payload is at most 8,000 bytes
                await connection.execute("select pg_notify($1, $2)", CHANNEL, ",".join(audiences[start : start + 200]))


def tell_after_commit(connection: Connection, audiences: Iterable[UUID | None]) -> None:
    """Whom a change made inside `Database.transaction()` concerns; passed on when that has committed."""
    _told[connection].update(a for a in audiences if a is not None)


def plain(url: str) -> str:
    """A PostgreSQL URL without SQLAlchemy's driver in its scheme."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


def run_sql(bind: Any, migration: str) -> None:
    """The SQL beside a migration's file (`migration` is its `__file__`), statement by statement; a blank line ends one."""
    for statement in Path(migration).with_suffix(".sql").read_text("utf-8").split("\n\n"):
        if statement.strip():
            bind.exec_driver_sql(statement)


class SchemaError(Exception):
    """The schema cannot be brought up to date; the message says why and what to do."""


def migrate(url: str, to: str = "head", patience_s: float = 180) -> None:
    """Bring the schema at `url` up to date, or up to a named migration. Two processes may call this at once: migrations hold an advisory lock.

    Others may work with the tables meanwhile: where a migration does not get its locks at once it is undone, lets them pass and is
    tried again. Raises SchemaError after `patience_s`, and for a database that a later version has changed.
    """
    config = Config(str(_ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(_ROOT / "migrations"))
    config.attributes["url"] = url.replace("postgresql://", "postgresql+asyncpg://")
    config.attributes["lock_timeout"] = LOCK_TIMEOUT
    until = time.monotonic() + patience_s
    while True:
        try:
            command.upgrade(config, to)
            return
        except OSError as error:
            raise SchemaError(
                f"The database does not answer: {error.strerror or 'no connection'}. Look at DATABASE_URL."
            ) from None
        except DBAPIError as error:
            state = str(getattr(error.orig, "sqlstate", None))
            if state.startswith(_NO_ENTRY):
                raise SchemaError(f"The database cannot be entered: {error.orig}. Look at DATABASE_URL.") from None
            if state not in _IN_USE:
                raise
            if time.monotonic() > until:
                raise SchemaError(
                    "The schema is not up to date yet: other processes hold its tables, and what was begun is undone. "
                    "Stop them (a long export, a psql, an older server), and start this again."
                ) from None
            log.warning("the schema is in use: its change is tried again")
            time.sleep(random.uniform(0.5, 2))
        except CommandError as error:
            if isinstance(error.__cause__, ResolutionError):
                raise SchemaError(
                    "The database is of a later version than this program. Start that version again, or bring back the backup from before the upgrade."
                ) from None
            raise
