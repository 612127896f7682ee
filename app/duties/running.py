"""Keeping time: duties that have come due become events; the office's digest is made once a day."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from app.duties import queries
from app.issues.clockwork import DUE_BATCH, do_due, overdue_counts
from app.kit.db import Connection, Database
from app.notices.telling import tell


async def run(database: Database) -> int:
    """Do every duty that is due; how many. Safe with any number of workers, also killed halfway: a batch is one transaction."""
    done = 0
    while True:
        async with database.transaction() as connection:
            count = await do_due(connection)
        done += count
        if count < DUE_BATCH:
            return done


async def digest(database: Database) -> int:
    """Tell each office, once a day from 08:30 in its own zone, what is overdue; how many were told."""
    told = 0
    async with database.transaction() as connection:
        for due in await connection.fetch(queries.DIGESTS_DUE):
            told += await tell_office(connection, due["area_id"], due["day"])
    return told


async def tell_office(connection: Connection, area: UUID, day: date) -> int:
    """The digest of an area and day to its office, when there is something to tell; to how many."""
    counts = await overdue_counts(connection, area)
    if not (counts["overdue"] or counts["unowned"]):
        return 0
    staff = [row["account_id"] for row in await connection.fetch(queries.STAFF_OF, area)]
    await tell(connection, staff, "digest", f"digest:{area}:{day}", None, counts)
    return len(staff)
