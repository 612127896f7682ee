"""Photographs of a span, before and after, for papers and for the meeting's screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.db import Connection
from app.kit.language import say
from app.kit.times import local
from app.office import queries
from app.office.written import Figure, Pictures, day_told
from app.photos import shown
from app.photos.store import Store


@dataclass(frozen=True, slots=True)
class Pair:
    """What an issue looked like and looks like now, under one caption."""

    caption: str
    found_at: datetime
    mended_at: datetime
    before: bytes | None
    after: bytes | None


async def of_span(
    connection: Connection, area: UUID, begin: datetime, end: datetime, mended: int, open: int
) -> list[dict[str, Any]]:
    """Issues of an area with photographs: at most so many that were mended in the span, with both; then such as were open, the worst first."""
    rows = await connection.fetch(queries.MENDED, area, begin, end, mended)
    if open:
        rows = [*rows, *await connection.fetch(queries.UNMENDED, area, end, open)]
    return [dict(row) for row in rows]


def told(row: dict[str, Any]) -> dict[str, Any]:
    """The wire form (schemas.Pictured)."""
    issue = {"id": row["id"], "number": row["number"], "state": row["state"], "category": row["category"]}
    return issue | {name: row[name] for name in ("place", "cell", "recurrences", "found_at", "mended_at", "before", "after")}


async def loaded(objects: Store, rows: list[dict[str, Any]], names: dict[str, str]) -> list[Pair]:
    """The photographs themselves; None for one that cannot be read. `names` maps categories to words."""
    pairs: list[Pair] = []
    for row in rows:
        where = " ".join(
            part for part in (row["place"] or row["cell"] or "", names.get(row["category"], row["category"])) if part
        )
        files = [await shown.content(objects, row[name]) for name in ("before_file", "after_file")]
        pairs.append(Pair(f"{row['number']} {where}", row["found_at"], row["mended_at"], *files))
    return pairs


def figure(kind: str, at: datetime, content: bytes | None, zone: ZoneInfo, language: str, source: str | None = None) -> Figure:
    """A photograph with what it is and its day."""
    label = say(f"paper-{kind}", language, at=day_told(local(at, zone).date(), language))
    return Figure(label, say("paper-no-picture", language, label=label), content, source)


def blocks(pairs: list[Pair], zone: ZoneInfo, language: str) -> list[Pictures]:
    return [
        Pictures(
            pair.caption,
            [
                figure("before", pair.found_at, pair.before, zone, language),
                figure("after", pair.mended_at, pair.after, zone, language),
            ],
        )
        for pair in pairs
    ]
