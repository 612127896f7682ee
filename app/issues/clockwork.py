"""What the clock does to issues: the second way in for change, beside actions.py, with the same rule of one event a change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.issues import clock_queries as queries
from app.kit import aside
from app.kit.db import Connection, tell_after_commit

DUE_BATCH = queries.DUE_BATCH


async def do_due(connection: Connection) -> int:
    """Turn up to DUE_BATCH due duties into events and plan what comes next; how many."""
    return _done(connection, await connection.fetch(queries.DO_DUE))


async def sift_due(connection: Connection) -> int:
    """The same one by one: what cannot be done is set aside for a day."""

    async def some(connection: Connection, subjects: list[Any]) -> int:
        return _done(connection, await connection.fetch(queries.DO_SOME_DUE, subjects))

    subjects = [row["subject"] for row in await connection.fetch(queries.DUE)]
    return await aside.one_by_one(connection, "duties", subjects, some)


def _done(connection: Connection, rows: list[Any]) -> int:
    for row in rows:
        tell_after_commit(connection, (row["area_id"], row["unit_id"], row["assignee_id"], row["reporter_id"]))
    return len(rows)


async def overdue_counts(connection: Connection, area: UUID) -> dict[str, Any]:
    """How many issues of an area and below are overdue, and how many are nobody's."""
    row: Any = await connection.fetchrow(queries.OVERDUE_COUNTS, area)
    return dict(row)
