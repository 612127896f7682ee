"""Shapes of answers about the calendar, authorities and samples."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from app.kit.wire import Instant, Named, Wire


class AuthorityEntry(Wire):
    id: UUID
    area: UUID
    name: str
    kind: str
    phone: str
    address: str
    active: bool


class Authority(AuthorityEntry):
    open: int
    overdue: int
    replies: int
    median_hours: float | None


class Authorities(Wire):
    items: list[Authority]
    next_cursor: str | None


class CalendarDay(Wire):
    """`name` and `area` of an entry that an area made itself."""

    day: date
    working: bool
    name: str | None
    area: UUID | None


class CalendarYear(Wire):
    """`published`: the country has said which days of the year are statutory."""

    year: int
    time_zone: str
    published: bool
    days: list[CalendarDay]


class Sample(Wire):
    id: UUID
    area: UUID
    week: date
    percent: float
    closed: int
    drawn_at: Instant
    drawn_by: str
    drawn: int
    passed: int
    failed: int


class Samples(Wire):
    items: list[Sample]
    next_cursor: str | None


class SampledIssue(Wire):
    id: UUID
    number: str
    category: str
    state: str
    place: str
    closed_at: Instant | None
    cell: Named | None
    finding: Literal["passed", "failed"] | None
    note: str | None
    at: Instant | None
    by: str | None


class SampleWithIssues(Sample):
    issues: list[SampledIssue]
