"""From events to inboxes, and from inboxes to channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import structlog

from app.kit import aside
from app.kit.db import Connection, Database
from app.kit.jobs import Queue, defer
from app.kit.language import say, say_known, trimmed
from app.kit.times import local, told_instant
from app.notices import queries
from app.notices.law import TOLD
from app.settings import settings

log = structlog.get_logger()

_ROWS = [(action, who, kind) for action, told in TOLD.items() for who, kind in told]
_ACTIONS, _WHO, _KINDS = ([row[n] for row in _ROWS] for n in range(3))


async def follow(database: Database) -> int:
    """Tell of everything that happened since the last time; how many messages are to be sent. Each notice is made once: see FOLLOW."""

    async def whole() -> int:
        async with database.transaction() as connection:
            return await _follow(connection, await connection.fetch(queries.FOLLOW, _ACTIONS, _WHO, _KINDS))

    async def some(connection: Connection, events: list[Any]) -> int:
        return await _follow(connection, await connection.fetch(queries.FOLLOW_SOME, _ACTIONS, _WHO, _KINDS, events))

    return await aside.kept_going("notices", whole, lambda: aside.sift_events(database, "notices", some))


async def _follow(connection: Connection, rows: list[Any]) -> int:
    await _defer(connection, rows)
    return len(rows)


async def tell(
    connection: Connection, accounts: Sequence[UUID], kind: str, key: str, issue: UUID | None, data: dict[str, Any]
) -> None:
    """A notice that is no event's, to each account once for its key."""
    await _defer(connection, await connection.fetch(queries.TELL, accounts, kind, key, issue, data))


def queue_for(channel_kind: str) -> Queue:
    return "mail" if channel_kind == "mail" else "messages"


async def _defer(connection: Connection, rows: Iterable[Any]) -> None:
    """One job for each channel: it sends all that waits there."""
    for channel in dict.fromkeys(row["channel_id"] for row in rows):
        found: Any = await connection.fetchrow(queries.UNDISTURBED_UNTIL, channel, settings().time_zone)
        await defer(connection, "deliver", at=found["until"], queue=queue_for(found["kind"]), channel=str(channel))


def sentence(kind: str, data: dict[str, Any], categories: dict[str, tuple[str, str]], language: str, zone: Any) -> str:
    """The notice in words. `categories` maps codes to names in zh and en; times are shown in `zone`."""
    zh, en = categories.get(data.get("category", ""), ("", ""))
    values: dict[str, Any] = {
        "place": "",
        "reason": "",
        "authority": "",
        "number": "",
        "name": "",
        "by": "",
        "to": "",
        "issues": 0,
        "cells": 0,
        "spots": 0,
        "overdue": 0,
        "unowned": 0,
    } | data
    values["category"] = zh if language == "zh-CN" else en
    values["place"] = trimmed(values["place"])
    for name in ("deadline", "reply_by"):
        at = told_instant(data.get(name))
        values[name] = local(at, zone).strftime("%m-%d %H:%M") if at else "—"
    if kind == "channel_failed":
        channel = say("channel-" + data["channel"], language)
        channel = f"{channel} {data['address']}".strip()
        values |= {"channel": channel, "failure": say(data["failure"], language)}
    return say_known(f"notice-{kind}{'_late' if kind == 'assigned' and data.get('late') else ''}", language, values)


def worded(notice: Any, categories: dict[str, tuple[str, str]], language: str, zone: Any) -> str:
    """A notice's row in words. One that cannot be told holds back none of those beside it."""
    try:
        return sentence(notice["kind"], notice["data"], categories, language, zone)
    except Exception as error:
        log.error("a notice cannot be told", notice=str(notice["id"]), kind=notice["kind"], exc_info=error)
        return say("untold-notice", language)
