"""Keeping time: duties that have come due become events; the office's digest is made once a day."""

from __future__ import annotations

from datetime import date
from functools import partial
from uuid import UUID

import structlog

from app.duties import queries
from app.issues.clockwork import DUE_BATCH, do_due, overdue_counts, sift_due
from app.kit import aside
from app.kit.db import Connection, Database
from app.notices.telling import tell

log = structlog.get_logger()


async def run(database: Database) -> int:
    """Do every duty that is due; how many. Safe with any number of workers, also killed halfway: a batch is one transaction."""
    done = 0

    async def batch() -> int:
        async with database.transaction() as connection:
            return await do_due(connection)

    async def sift() -> int:
        async with database.transaction() as connection:
            return await sift_due(connection)

    while True:
        count = await aside.kept_going("duties", batch, sift)
        done += count
        if count < DUE_BATCH:
            return done


async def digest(database: Database) -> int:
    """Tell each office, once a day from 08:30 in its own zone, what is overdue; how many were told. Each area is a transaction of its
    own: one that cannot be told ends nobody else's digest, and is left until tomorrow after some tries."""
    told = 0
    async with database.acquire() as connection:
        due = await connection.fetch(queries.DIGESTS_DUE)
    for row in due:
        area, day = row["area_id"], row["day"]
        try:
            told += await aside.kept_going(
                f"digest {area} {day}", partial(_digest, database, area, day), partial(_no_digest, database, area, day)
            )
        except Exception as error:
            if aside.is_passing(error):
                raise
            log.error("a digest failed", area=str(area), exc_info=error)
    return told


async def _digest(database: Database, area: UUID, day: date) -> int:
    async with database.transaction() as connection:
        return await tell_office(connection, area, day) if await connection.fetchval(queries.TAKE_DIGEST, area, day) else 0


async def _no_digest(database: Database, area: UUID, day: date) -> int:
    """Once more, and if it fails again, no digest of that area and day."""

    async def tell_it(connection: Connection, subjects: list[str]) -> int:
        return await tell_office(connection, area, day)

    async with database.transaction() as connection:
        if not await connection.fetchval(queries.TAKE_DIGEST, area, day):
            return 0
        return await aside.one_by_one(connection, "digest", [f"{area} {day}"], tell_it)


async def tell_office(connection: Connection, area: UUID, day: date) -> int:
    """The digest of an area and day to its office, when there is something to tell; to how many."""
    counts = await overdue_counts(connection, area)
    if not (counts["overdue"] or counts["unowned"]):
        return 0
    staff = [row["account_id"] for row in await connection.fetch(queries.STAFF_OF, area)]
    await tell(connection, staff, "digest", f"digest:{area}:{day}", None, counts)
    return len(staff)
