"""Shapes of answers about the office's papers."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from app.kit.wire import Instant, Named, Wire


class Span(Wire):
    """A piece of a sentence; `href` of a number leads to the issues that it counts."""

    text: str
    href: str | None


class Clause(Wire):
    """`href` leads to what the sentence is about; `spans` are its text in pieces, empty where somebody wrote it."""

    text: str
    href: str | None
    spans: list[Span]


class Part(Wire):
    title: str
    clauses: list[Clause]


class Issued(Wire):
    """`version` 1 is the first; those after it correct the one before, for a `reason`."""

    by: str
    at: Instant
    version: int
    reason: str | None


class IssuedPaper(Issued):
    area: Named
    week: date
    language: Literal["zh-CN", "en"]
    title: str


class IssuedPapers(Wire):
    items: list[IssuedPaper]
    next_cursor: str | None


class Pictured(Wire):
    """An issue with photographs: `before` and `after` are their ids; `mended_at` and `after` null while it is open."""

    id: UUID
    number: str
    state: str
    category: str
    place: str
    cell: str | None
    recurrences: int
    found_at: Instant
    mended_at: Instant | None
    before: UUID
    after: UUID | None
    before_doubts: list[Literal["far", "old"]]
    after_doubts: list[Literal["far", "old"]]


class Weekly(Wire):
    """The weekly summary; `issued` null for a draft."""

    area: Named
    week: date
    until: date
    time_zone: str
    language: Literal["zh-CN", "en"]
    title: str
    span: str
    # To whom it goes, how it begins and who signs it; null in papers issued before they had these.
    addressee: str | None = None
    opening: str | None = None
    issuer: str | None = None
    parts: list[Part]
    figures: dict[str, Any]
    issued: Issued | None
    versions: list[Issued]
    photographs: list[Pictured] | None = None


class Activity(Wire):
    """`own`: the caller noted it himself."""

    id: UUID
    area: UUID
    kind: Literal["household_visit", "questionnaire", "leaflet", "clean_up", "meeting"]
    on_day: date
    count: int
    collected: int | None
    people: int
    place: str
    note: str
    by: str
    own: bool
    photos: list[UUID]


class Activities(Wire):
    items: list[Activity]
    next_cursor: str | None


class Rate(Wire):
    """`part` of `whole`; `rate` null when there is nothing of which it could be a part."""

    part: int
    whole: int
    rate: float | None


class Adjusted(Rate):
    """`adjusted`: as if `prior` more had gone as they go on average in the area; null where nobody has any."""

    adjusted: float | None


class Standing(Wire):
    """`rank` and `score` are null where too few were due; `closed` as mended, `closed_unresolved` apart. On time (by the limit, and with extensions),
    mended at the first time, and lasting are of those due; rework is of those closed, recurrence of those found; `coverage` is of cells alone."""

    id: UUID
    name: str
    rank: int | None
    score: float | None
    found: int
    due: int
    closed: int
    closed_unresolved: int
    open: int
    overdue: int
    on_time: Adjusted
    on_time_extended: Adjusted
    first_time: Adjusted
    lasting: Adjusted
    rework: Adjusted
    recurrence: Adjusted
    coverage: Adjusted | None = None


class League(Wire):
    """`overall` are the rates of all together; `prior` and `least` say how few cases are treated."""

    area: Named
    since: date
    until: date
    time_zone: str
    of: Literal["cells", "units"]
    prior: int
    least: int
    overall: dict[str, Rate]
    items: list[Standing]
