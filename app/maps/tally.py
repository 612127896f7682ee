"""Keeping the map: a follower of the event log, and the figures of cells. How the two are safe with many workers stands in queries.py."""

from __future__ import annotations

from typing import Any

from app.kit.db import Connection, Database
from app.maps import queries
from app.settings import settings

# How far the map may lag behind the last commit, in seconds: the pulse, and the time that it takes.
DELAY_S = 2


async def follow(database: Database) -> int:
    """Put what changed since the last time on the map; how many issues that touched."""
    async with database.transaction() as connection:
        wanted = settings().basemap_datum, settings().public
        await connection.execute(queries.PATIENT)
        anew: bool | None = await connection.fetchval(queries.LOCK, *wanted)
        if anew is None:  # another worker is at it
            return 0
        if not anew:
            touched: Any = await connection.fetchval(queries.FOLLOW)
            return touched
        await _rebuild(connection, *wanted)
    async with database.acquire() as connection:
        for statement in queries.ANALYZE:
            await connection.execute(statement)
    return 0


async def _rebuild(connection: Connection, datum: str, public: bool) -> None:
    await connection.execute(queries.SET_UP, datum, public)
    for statement in queries.REBUILD:
        await connection.execute(statement)


async def count_anew(connection: Connection) -> None:
    """Have the next pulse count everything anew: after a category changed its group."""
    await connection.execute(queries.ANEW)


async def figures(database: Database) -> int:
    """Reckon the figures of cells in which something changed, or that are of yesterday; how many."""
    done = 0
    while True:
        async with database.transaction() as connection:
            count = len(await connection.fetch(queries.FIGURES))
        done += count
        if count < 200:
            return done
