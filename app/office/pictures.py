"""Photographs of a span, before and after, for papers and for the meeting's screen."""

from __future__ import annotations

from collections.abc import Sequence
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
from app.photos.shown import Shown
from app.photos.store import Store

_TOLD = ("place", "cell", "recurrences", "found_at", "mended_at", "before", "after")


@dataclass(frozen=True, slots=True)
class Said:
    """What a photograph says of itself, and what is doubtful about it."""

    taken_at: datetime | None = None
    away_m: float | None = None
    doubts: Sequence[str] = ()

    @classmethod
    def of(cls, row: dict[str, Any], side: str) -> Said:
        told = (row[f"{side}_{name}"] for name in ("taken_at", "away_m"))
        return cls(*told, doubts=row[f"{side}_doubts"] or ())


@dataclass(frozen=True, slots=True)
class Pair:
    """What an issue looked like and looks like now, under one caption."""

    caption: str
    found_at: datetime
    mended_at: datetime
    before: bytes | None
    after: bytes | None
    before_said: Said
    after_said: Said


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
    return issue | {name: row[name] for name in _TOLD} | {name: row[name] or [] for name in ("before_doubts", "after_doubts")}


async def loaded(objects: Store, rows: list[dict[str, Any]], names: dict[str, str]) -> list[Pair]:
    """The photographs themselves; None for one that cannot be read. `names` maps categories to words."""
    pairs: list[Pair] = []
    for row in rows:
        where = " ".join(
            part for part in (row["place"] or row["cell"] or "", names.get(row["category"], row["category"])) if part
        )
        before, after = [await shown.content(objects, row[name]) for name in ("before_file", "after_file")]
        said = {f"{side}_said": Said.of(row, side) for side in ("before", "after")}
        caption = f"{row['number']} {where}"
        pairs.append(Pair(caption, row["found_at"], row["mended_at"], before, after, **said))
    return pairs


def far_told(metres: float, language: str) -> str:
    if metres < 1000:
        return say("paper-metres", language, n=round(metres))
    return say("paper-kilometres", language, n=f"{metres / 1000:.1f}")


def doubt_told(said: Said | Shown, zone: ZoneInfo, language: str) -> str:
    """When and how far from the place a doubtful photograph was taken; nothing for one that is not."""
    if not said.doubts:
        return ""
    told: list[str] = []
    if said.taken_at is not None:
        day = day_told(local(said.taken_at, zone).date(), language)
        told.append(say("paper-taken", language, day=day))
    if said.away_m is not None:
        told.append(say("paper-away", language, far=far_told(said.away_m, language)))
    told.append(say("paper-doubtful", language))
    return _comma(language).join(told)


def _comma(language: str) -> str:
    return "，" if language == "zh-CN" else ", "


def figure(
    kind: str,
    at: datetime,
    content: bytes | None,
    zone: ZoneInfo,
    language: str,
    source: str | None = None,
    said: Said | Shown | None = None,
) -> Figure:
    """A photograph with what it is and its day; with when and where it was taken if that is doubtful."""
    label = say(f"paper-{kind}", language, at=day_told(local(at, zone).date(), language))
    missing = say("paper-no-picture", language, label=label)
    doubt = doubt_told(said, zone, language) if said is not None else ""
    return Figure(f"{label}{_comma(language)}{doubt}" if doubt else label, missing, content, source)


def blocks(pairs: list[Pair], zone: ZoneInfo, language: str) -> list[Pictures]:
    return [
        Pictures(
            pair.caption,
            [
                figure("before", pair.found_at, pair.before, zone, language, said=pair.before_said),
                figure("after", pair.mended_at, pair.after, zone, language, said=pair.after_said),
            ],
        )
        for pair in pairs
    ]
