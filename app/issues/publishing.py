"""What everybody may know of issues: accepted ones, open or recently closed, of communities that publish them. Without names and what reporters
wrote, as exact as the category allows, and by the day."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.issues import public_queries as queries
from app.issues.reading import outcome
from app.kit import paging
from app.kit.db import Connection


def _json(row: Any) -> dict[str, Any]:
    return {
        "number": row["number"], "state": row["state"], "category": row["category"],
        "position": {"lat": row["lat"], "lon": row["lon"]}, "cell": row["cell"], "area": row["area"], "place": row["place"],
        "reports": row["reports"], "recurrences": row["recurrences"], "due_on": row["due_on"], "overdue": row["overdue"],
        "found_on": row["found_on"], "closed_on": row["closed_on"], "outcome": outcome(row["state"], row["unresolved"]),
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
    # By the number, which everybody knows: instants and ids would tell the second of a report.
    after = paging.unseal(secret, "public", cursor)[0] if cursor else None
    rows = await connection.fetch(queries.PUBLISHED[paging.rows_for(limit)], area, open, category, after)
    following = paging.seal(secret, "public", [rows[limit - 1]["number"]]) if len(rows) > limit else None
    return [_json(row) for row in rows[:limit]], following


async def one(connection: Connection, number: str) -> dict[str, Any] | None:
    """One published issue with the steps it took; of a merged one the survivor. None when it is not published."""
    rows = await connection.fetch(queries.PUBLISHED_ONE, number)
    if not rows:
        return None
    steps = [
        {
            "state": row["to_state"],
            "on": row["on_day"],
            "outcome": outcome(row["to_state"], row["action"] if row["action"] == "close_unresolved" else None),
        }
        for row in rows
        if row["to_state"]
    ]
    return _json(rows[0]) | {"merged_from": number if rows[0]["number"] != number else None, "steps": steps}
