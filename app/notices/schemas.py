"""Shapes of answers about notices and channels."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from app.kit.wire import Instant, Wire


class Notice(Wire):
    id: UUID
    kind: str
    issue: UUID | None
    text: str
    photo: UUID | None
    created_at: Instant
    read_at: Instant | None


class Notices(Wire):
    items: list[Notice]
    next_cursor: str | None
    unread: int


class Channel(Wire):
    id: UUID
    kind: Literal["mail", "wecom", "dingtalk", "feishu", "push"]
    address: str
    kinds: list[str] | None
    language: str
    daily: bool
    created_at: Instant
    confirmed_at: Instant | None
    failed_at: Instant | None
    failure: str | None


class Channels(Wire):
    items: list[Channel]
    next_cursor: str | None


class PushKey(Wire):
    key: str


class QuietHours(Wire):
    """As `hours:minutes`, in the community's own time."""

    starts: str
    ends: str
