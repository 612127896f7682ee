"""Shapes of answers about what the office did."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.kit.wire import Instant, Named, Wire


class Subject(Wire):
    """To what it was done: by its id or its code, and its name of today where it has one."""

    id: UUID | None
    code: str | None
    name: str | None


class Deed(Wire):
    """`by` null: the command line; `area` null: it concerns no community. `details` are codes, ids, numbers and days."""

    id: int
    at: Instant
    kind: str
    by: Named | None
    device: str
    subject: Subject
    area: Named | None
    details: dict[str, Any]


class Term(Wire):
    """`days` 0: never removed. `ran_at` null: not carried out yet; `removed` then, `removed_in_all` since the beginning."""

    kind: str
    what: str
    days: int
    setting: str | None
    ran_at: Instant | None
    removed: int
    removed_in_all: int


class Terms(Wire):
    items: list[Term]
    next_cursor: str | None


class Audit(Wire):
    items: list[Deed]
    next_cursor: str | None
