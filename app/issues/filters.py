"""What a list of issues may be narrowed by, as it is asked for and as the query takes it."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.issues import intake
from app.issues.lifecycle import OPEN, STATES
from app.kit.asking import Asked, sought
from app.kit.problems import invalid
from app.kit.wire import Instant, Text

_LON, _LAT = (
    rf"-?({degrees}(\.[0-9]{{1,20}})?|{most}(\.0{{1,20}})?)"
    for degrees, most in (("(1[0-7]|[1-9])?[0-9]", "180"), ("[1-8]?[0-9]", "90"))
)
_BOX = f"^{_LON},{_LAT},{_LON},{_LAT}$"


def _box(text: str) -> str:
    """Mercator EWKT of `minlon,minlat,maxlon,maxlat`; a box that crosses the date line is two."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise invalid("/bbox", "bad-range") from None
    if not all(map(math.isfinite, (west, south, east, north))) or not (
        -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90
    ):
        raise invalid("/bbox", "bad-range")
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    rings: list[str] = []
    for low, high in spans:
        (x1, y1, _), (x2, y2, _) = intake.mercator(south, low), intake.mercator(north, high)
        rings.append(f"(({x1} {y1},{x2} {y1},{x2} {y2},{x1} {y2},{x1} {y1}))")
    return f"SRID=3857;MULTIPOLYGON({','.join(rings)})"


_NUMBER = re.compile(r"(?:#|no\.? ?|编号:? ?)?(\d{4}) ?-? ?(\d{1,12})", re.ASCII | re.IGNORECASE)


def _sought(text: str) -> list[str | None]:
    """What `q` asks for, and the number of an issue that it may be, as numbers are written."""
    words = sought(text)
    if not words:
        raise invalid("/q", "field-length")
    number = _NUMBER.fullmatch(words)
    return [words, f"{number[1]}-{int(number[2]):06}" if number else None]


class IssueFilters(Asked):
    """What narrows a list of issues, or whatever is made of one."""

    state: list[str] = Field(
        [], description="`open`, or a state's name; repeatable.", json_schema_extra={"items": {"enum": ["open", *STATES]}}
    )
    cell: UUID | None = None
    area: UUID | None = Field(None, description="The area and everything below it.")
    category: list[Text] = Field([], description="Repeatable.")
    unit: UUID | None = None
    assignee: UUID | None = None
    premises: UUID | None = None
    mine: bool = Field(False, description="What the caller reported.")
    overdue: bool | None = None
    unowned: bool | None = Field(None, description="Nobody has been asked to mend it.")
    photos: Literal["missing"] | None = Field(
        None, description="Said to be mended, and the photograph that the category demands is not here."
    )
    bbox: str | None = Field(
        None, description="minlon,minlat,maxlon,maxlat in WGS 84.", max_length=200, json_schema_extra={"pattern": _BOX}
    )
    q: Text | None = Field(
        None,
        description="Words in note, place or number, in any order and width; or a number in any spelling.",
        min_length=1,
        max_length=500,
    )
    created_since: Instant | None = None
    created_until: Instant | None = None
    street: Text | None = Field(
        None, description="The place without its number, else the cell, as papers name it.", min_length=1, max_length=200
    )
    recurring: bool | None = Field(None, description="Of a kind that was closed there before.")
    outcome: Literal["resolved", "unresolved"] | None = Field(None, description="Closed since it was mended, or without.")
    open_at: Instant | None = Field(
        None,
        description="What was open then; state, area, cell, category, unit, assignee, premises, street and recurring are asked of then, too.",
    )
    late_at: Instant | None = Field(
        None, description="What was overdue then, by the deadline that it had then; the others as with `open_at`."
    )
    reply_late_at: Instant | None = Field(
        None, description="What was handed over then and owed a reply by a date that had passed."
    )
    happened: Literal[
        "found", "mended_on_the_spot", "closed", "closed_unresolved", "rectified", "in_time", "in_time_extended", "handed_over", "sent_back",
        "came_back",
    ] | None = Field(None, description=(
        "What happened to it between `happened_since` and `happened_until`, as the weekly summary counts; "
        "`area` is then where it lay when it happened."
    ))  # fmt: skip
    happened_since: Instant | None = None
    happened_until: Instant | None = None


_NAMED = (
    "cell", "area", "unit", "assignee", "premises", "unowned", "created_since", "created_until", "street", "recurring", "open_at", "late_at",
    "reply_late_at",
)  # fmt: skip
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


def chosen(asked: IssueFilters) -> dict[str, Any]:
    """The filters of `list_queries.issues` that were asked for. Problems: 422 with the parameter named."""
    filters: dict[str, Any] = {}
    if asked.state:
        state = set(asked.state)
        if state - {"open", *STATES}:
            raise invalid("/state", "field-type")
        if state == {"open"}:
            filters["open"] = True
        elif len(state) == 1 and "closed" not in state:
            filters["one_state"] = asked.state[0]
        else:
            filters["state"] = sorted({*(OPEN if "open" in state else ()), *(state - {"open"})})
    if asked.category:
        filters["category"] = asked.category
    filters.update({name: value for name in _NAMED if (value := getattr(asked, name)) is not None})
    instants = [name for name in ("open_at", "late_at", "reply_late_at") if name in filters]
    if len({filters[name] for name in instants}) > 1:
        raise invalid(f"/{instants[-1]}", "one-instant")
    if asked.outcome is not None:
        filters[f"outcome_{asked.outcome}"] = True
    if asked.happened is None and (asked.happened_since or asked.happened_until):
        raise invalid("/happened", "field-missing")
    if asked.happened is not None:
        filters[f"happened_{asked.happened}"] = [asked.happened_since or _EVER[0], asked.happened_until or _EVER[1]]
    if asked.overdue is not None:
        filters["overdue" if asked.overdue else "not_overdue"] = True
    if asked.mine:
        filters["mine"] = True
    if asked.photos is not None:
        filters["photos_missing"] = True
    if asked.bbox is not None:
        filters["bbox"] = _box(asked.bbox)
    if asked.q is not None:
        filters["q"] = _sought(asked.q)
    return filters
