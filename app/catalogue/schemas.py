"""Shapes of answers about the catalogue."""

from __future__ import annotations

from typing import Literal

from app.kit.wire import Wire


class Category(Wire):
    code: str
    name: dict[Literal["zh-CN", "en"], str]
    group: str
    needs: list[Literal["after"]]
    active: bool
    version: int
    radius_m: int
    window_hours: int
    deadline_clock: Literal["working", "calendar"]
    deadline_hours: int
    public_precision_m: int
    volunteer_may_close: bool


class Group(Wire):
    code: str
    name: dict[Literal["zh-CN", "en"], str]
    categories: list[Category]


class Catalogue(Wire):
    items: list[Group]
    next_cursor: str | None
