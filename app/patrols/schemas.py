"""Shapes of answers about walks and coverage."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from app.kit.wire import Claim, Instant, Named, Wire


class Patrol(Wire):
    """`name` only for whom the walker answers to; `track` (GeoJSON) where one walk was asked for, while it is kept."""

    id: UUID
    started_at: Claim
    ended_at: Claim | None
    people: int
    note: str
    clock: str | None
    received_at: Instant
    cells: list[Named]
    name: str | None
    track: dict[str, Any] | None = None


class Patrols(Wire):
    items: list[Patrol]
    next_cursor: str | None


class CoverageDay(Wire):
    day: date
    walks: int
    person_times: int
    cleared: int


class CoverageCell(Wire):
    id: UUID
    name: str
    area: UUID
    rounds_per_week: int
    walks: int
    person_times: int
    cleared: int
    days: list[CoverageDay]


class Coverage(Wire):
    since: date
    until: date
    time_zone: str
    cells: list[CoverageCell]
    walked: int
    person_times: int
    behind: list[Named]
    unwalked: list[Named]


class PointsKept(Wire):
    kept: int
