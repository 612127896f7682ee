"""What everybody may know of issues: open and recently closed ones, without names and words, as exact as the category allows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.issues import public_queries as queries
from app.issues.reading import outcome
from app.kit import paging
from app.kit.db import Connection
from app.kit.times import clamped


def _json(row: Any) -> dict[str, Any]:
    return {
        "number": row["number"], "state": row["state"], "category": row["category"],
        "position": {"lat": row["lat"], "lon": row["lon"]}, "cell": row["cell"], "area": row["area"], "place": row["place"],
        "reports": row["reports"], "recurrences": row["recurrences"], "deadline": clamped(row["deadline"]), "overdue": row["overdue"],
        "created_at": row["created_at"], "closed_at": row["closed_at"], "outcome": outcome(row["state"], row["unresolved"]),
        "reason_code": row["unresolved"],
    }  # fmt: skip


async def listed(
    connection: Connection,
    secret: bytes,
    area: UUID | None,
    open: bool | None,
    category: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of published issues, latest first, and the cursor of the next."""
    at, id = paging.unseal(secret, "public", cursor) if cursor else ["9999-01-01T00:00:00+00:00", str(UUID(int=2**128 - 1))]
    statement = queries.PUBLISHED[paging.rows_for(limit)]
    rows = await connection.fetch(statement, area, open, category, datetime.fromisoformat(at), UUID(id))
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = paging.seal(secret, "public", [last["created_at"].isoformat(), str(last["id"])])
    return [_json(row) for row in rows[:limit]], following


async def one(connection: Connection, number: str) -> dict[str, Any] | None:
    """One published issue with the steps it took; of a merged one the survivor. None when it is not published."""
    rows = await connection.fetch(queries.PUBLISHED_ONE, number)
    if not rows:
        return None
    steps = [
        {
            "state": row["to_state"],
            "at": row["at"],
            "outcome": outcome(row["to_state"], row["action"] if row["action"] == "close_unresolved" else None),
        }
        for row in rows
        if row["to_state"]
    ]
    return _json(rows[0]) | {"merged_from": number if rows[0]["number"] != number else None, "steps": steps}
