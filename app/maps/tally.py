"""Keeping the map: a follower of the event log, and the figures of cells. How the two are safe with many workers stands in queries.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from app.kit import aside
from app.kit.db import Connection, Database
from app.maps import queries
from app.settings import settings

# How far the map may lag behind the last commit, in seconds: the pulse, and the time that it takes.
DELAY_S = 2


async def follow(database: Database) -> int:
    """Put what changed since the last time on the map; how many issues that touched."""
    return await aside.kept_going("map", lambda: _follow(database), lambda: _sift(database))


async def _follow(database: Database) -> int:
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


async def _sift(database: Database) -> int:
    """The same issue by issue: one that cannot be put on the map is left off it. When the map is made anew, only find those."""
    async with database.transaction() as connection:
        await connection.execute(queries.PATIENT)
        anew: bool | None = await connection.fetchval(queries.LOCK, settings().basemap_datum, settings().public)
        if anew is None:
            return 0
        if anew:
            issues = [row["id"] for row in await connection.fetch(queries.OPEN_ISSUES)]
            await aside.one_by_one(connection, "map", issues, _one_count(queries.CHECK_SOME))
            return 0
        row: Any = await connection.fetchrow(queries.TOUCHED)
        done = await aside.one_by_one(connection, "map", row["ids"], _one_count(queries.FOLLOW_SOME))
        await connection.execute(aside.GO_ON, "map", row["snapshot"])
        return done


def _one_count(statement: str) -> Callable[[Connection, list[Any]], Awaitable[int]]:
    async def do(connection: Connection, subjects: list[Any]) -> int:
        count: Any = await connection.fetchval(statement, subjects)
        return count

    return do


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

    async def batch() -> int:
        async with database.transaction() as connection:
            return len(await connection.fetch(queries.FIGURES))

    async def sift() -> int:
        async with database.transaction() as connection:
            cells = [row["cell_id"] for row in await connection.fetch(queries.FIGURES_DUE)]
            return await aside.one_by_one(connection, "cell figures", cells, _some_figures)

    while True:
        count = await aside.kept_going("cell figures", batch, sift)
        done += count
        if count < 200:
            return done


async def _some_figures(connection: Connection, cells: list[Any]) -> int:
    return len(await connection.fetch(queries.FIGURES_OF_SOME, cells))
