"""The database: one pool of asyncpg connections, and the schema's migrations.

Every statement of the program is SQL text with bind parameters, named in a room's `queries.py`; asyncpg prepares each
once per connection. Why there is no expression layer between: docs/adr/0001-sql-in-named-statements.md.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import orjson
from alembic import command
from alembic.config import Config
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy

_ROOT = Path(__file__).resolve().parents[2]


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_dumps, decoder=orjson.loads)


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


async def _keep(connection: Any) -> None:
    """Nothing to undo when a connection returns: no statement here changes a session's settings, locks or cursors."""


class Database:
    """The pool. `acquire()` gives a connection, `transaction()` one inside BEGIN … COMMIT."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    @classmethod
    async def open(cls, url: str, size: int) -> Database:
        pool = await asyncpg.create_pool(  # pyright: ignore[reportUnknownMemberType]
            url.replace("postgresql+asyncpg://", "postgresql://"),
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=_keep,
            server_settings={
                "application_name": "gridpatrol",
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",
                "timezone": "UTC",
            },
        )
        return cls(pool)

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        async with self.pool.acquire() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection


def migrate(url: str) -> None:
    """Bring the schema at `url` up to date. Two processes may call this at once: migrations hold an advisory lock."""
    config = Config(str(_ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(_ROOT / "migrations"))
    config.attributes["url"] = url.replace("postgresql://", "postgresql+asyncpg://")
    command.upgrade(config, "head")
