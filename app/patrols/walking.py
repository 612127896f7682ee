"""A walk and its track: points come in batches, late and twice; few are kept, and for a time only."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import cos, hypot, radians
from typing import Any
from uuid import UUID

import asyncpg

from app.kit.access import Caller
from app.kit.db import Connection
from app.kit.problems import Problem, invalid, not_found
from app.kit.times import clock_fault, now
from app.patrols import queries

# A point is kept when it lies this far from the last one kept, or this long after it.
_STEP_M, _STEP = 10.0, timedelta(seconds=60)
_METRES_PER_DEGREE = 111_320.0
# Positions worse than this say nothing about which cell it was.
_GOOD_M = 100.0
MOST_POINTS = 20_000

Point = tuple[datetime, float, float, float | None]


def thinned(points: list[Point], last: tuple[datetime, float, float] | None) -> list[Point]:
    """Points (time, lat, lon, accuracy in metres) in the order of their times, without those that add nothing after `last`."""
    kept: list[Point] = []
    for point in sorted(set(points), key=lambda p: p[0]):
        at, lat, lon, _ = point
        if last is not None:
            away = hypot((lat - last[1]) * _METRES_PER_DEGREE, (lon - last[2]) * _METRES_PER_DEGREE * cos(radians(lat)))
            if away < _STEP_M and at - last[0] < _STEP:
                continue
        kept.append(point)
        last = (at, lat, lon)
    return kept


async def put(
    connection: Connection, caller: Caller, id: UUID, started_at: datetime, ended_at: datetime | None, people: int, note: str,
) -> bool:  # fmt: skip
    """Begin a walk, or end one that has begun; True when it is new. Problem 404 for somebody else's or one of a community
    that no role of theirs reaches any more, 422 when it ends before it begins."""
    if ended_at is not None and ended_at < started_at:
        raise invalid("/ended_at", "ends-before")
    received = now()
    clock = clock_fault(started_at, received)
    counted = received if clock else started_at
    try:
        fresh = await connection.fetchval(
            queries.PUT_PATROL, id, caller.account_id, caller.home_id, started_at, ended_at, people, note, counted, clock, caller.is_admin,
            caller.writes,
        )  # fmt: skip
    except asyncpg.CheckViolationError:  # before the beginning that was told first
        raise invalid("/ended_at", "ends-before") from None
    if fresh is None:
        raise not_found()
    return fresh


async def add_points(connection: Connection, caller: Caller, id: UUID, points: list[Point]) -> int:
    """Add a batch to a walk's track; how many points were kept. Points that came before change nothing.

    Problems: 404 not the caller's walk; 422 the track is full.
    """
    if await connection.fetchrow(queries.OWNED, id, caller.account_id) is None:
        raise not_found()
    # Batches of one walk take turns, so that each is thinned after the one before.
    await connection.execute("select from patrols where id = $1 for update", id)
    first = min(point[0] for point in points)
    before: Any = await connection.fetchrow(queries.LAST_POINT, id, first)
    kept = thinned(points, (before["at"], before["lat"], before["lon"]) if before else None)
    there: Any = await connection.fetchval(queries.COUNT_POINTS, id)
    if there + len(kept) > MOST_POINTS:
        raise Problem(422, "track-full", limit=MOST_POINTS)
    added: Any = await connection.fetchval(
        queries.ADD_POINTS, id, [p[0] for p in kept], [p[1] for p in kept], [p[2] for p in kept]
    )
    good = [p for p in kept if p[3] is None or p[3] <= _GOOD_M]
    if good:
        when, lats, lons = ([p[n] for p in good] for n in range(3))
        await connection.execute(queries.ADD_CELLS, id, when, lats, lons, caller.is_admin, caller.writes)
    return added


async def walked(connection: Connection, account: UUID) -> dict[str, Any]:
    """How many walks, hours and cells one person has walked."""
    row: Any = await connection.fetchrow(queries.WALKED, account)
    return dict(row)


async def rounds(connection: Connection, area: UUID, since: datetime, until: datetime) -> dict[str, tuple[int, float]]:
    """By cell, how many walks touched it in a span, and how many were planned for it."""
    weeks = (until - since) / timedelta(days=7)
    return {
        row["id"]: (row["walks"], row["rounds_per_week"] * weeks)
        for row in await connection.fetch(queries.ROUNDS, area, since, until)
    }
