"""What comes back: the same kind at the same place within 30 days of closing is a recurrence, and three make a black spot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.issues import clock_queries as queries
from app.issues.reading import serves
from app.kit import aside
from app.kit.access import Caller
from app.kit.db import Connection, Database, tell_after_commit
from app.kit.problems import invalid, not_found
from app.kit.times import now

BLACK_SPOT_AT = 3
CLEAN = timedelta(days=30)


async def follow(database: Database) -> int:
    """Link new issues to what they repeat, and keep the black spots; how many came back. One worker at a time, each issue once."""

    async def whole() -> int:
        async with database.transaction() as connection:
            return await _follow(connection, await connection.fetch(queries.FOLLOW_RECURRENCES))

    async def some(connection: Connection, events: list[Any]) -> int:
        return await _follow(connection, await connection.fetch(queries.FOLLOW_SOME_RECURRENCES, events))

    return await aside.kept_going("recurrence", whole, lambda: aside.sift_events(database, "recurrence", some))


async def _follow(connection: Connection, rows: list[Any]) -> int:
    for row in rows:
        tell_after_commit(connection, (row["area_id"], row["unit_id"], row["assignee_id"], row["reporter_id"]))
        if row["recurrences"] >= BLACK_SPOT_AT:
            await connection.execute(queries.PUT_BLACK_SPOT, row["id"])
    return len(rows)


async def link(connection: Connection, ids: Iterable[UUID]) -> int:
    """Link past cases that were brought in together to what they repeat; how many came back. Places that came back lately are black
    spots already. Repeatable: what is linked stays as it is."""
    rows = await connection.fetch(queries.LINK_PAST, list(ids))
    for row in rows:
        if row["recurrences"] >= BLACK_SPOT_AT and row["created_at"] > now() - CLEAN:
            await connection.execute(queries.PUT_BLACK_SPOT, row["id"])
    return len(rows)


async def end_clean(database: Database) -> None:
    """A black spot ends when for 30 days nothing of its kind was open or reported there."""
    async with database.acquire() as connection:
        await connection.execute(queries.END_BLACK_SPOTS)


async def black_spots(connection: Connection, caller: Caller, ended: bool) -> list[dict[str, Any]]:
    return [
        dict(row)
        for row in await connection.fetch(queries.BLACK_SPOTS, caller.is_admin, caller.reads, ended, caller.staffs, caller.leads)
    ]


async def own(connection: Connection, caller: Caller, id: UUID, owner: UUID | None, plan: str) -> dict[str, Any]:
    """Give a black spot an owner and a plan. Problems: 404; 422 when the owner is nobody of that community."""
    spot = await connection.fetchrow(queries.BLACK_SPOT, id, caller.is_admin, caller.staffs, caller.leads)
    if spot is None:
        raise not_found()
    if owner is not None and not await serves(connection, owner, spot["area_id"]):
        raise invalid("/owner", "unknown-account")
    await connection.execute(queries.OWN_BLACK_SPOT, id, owner, plan)
    whose = (caller.is_admin, [*caller.reads, spot["area_id"]], id, caller.staffs, caller.leads)
    row: Any = await connection.fetchrow(queries.ONE_BLACK_SPOT, *whose)
    return dict(row)
