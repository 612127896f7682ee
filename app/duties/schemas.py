"""Shapes of answers about authorities."""

from __future__ import annotations

from uuid import UUID

from app.kit.wire import Wire


class Authority(Wire):
    id: UUID
    area: UUID
    name: str
    kind: str
    phone: str
    address: str
    active: bool
    open: int
    overdue: int
    replies: int
    median_hours: float | None


class Authorities(Wire):
    items: list[Authority]
    next_cursor: str | None
