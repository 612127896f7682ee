"""Shapes of answers about the office's papers."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from app.kit.wire import Instant, Named, Wire


class Clause(Wire):
    """`href` leads to the issues that the sentence counts."""

    text: str
    href: str | None


class Part(Wire):
    title: str
    clauses: list[Clause]


class Issued(Wire):
    by: str
    at: Instant


class Weekly(Wire):
    """The weekly summary; `issued` null for a draft."""

    area: Named
    week: date
    until: date
    time_zone: str
    language: Literal["zh-CN", "en"]
    title: str
    span: str
    parts: list[Part]
    figures: dict[str, Any]
    issued: Issued | None


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


class Activities(Wire):
    items: list[Activity]
    next_cursor: str | None
