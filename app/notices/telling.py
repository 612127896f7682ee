"""From events to inboxes, and from inboxes to channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit.db import Connection, Database
from app.kit.jobs import defer
from app.kit.language import say, say_known, trimmed
from app.kit.times import local, told_instant
from app.notices import queries
from app.notices.law import TOLD
from app.settings import settings

_ROWS = [(action, who, kind) for action, told in TOLD.items() for who, kind in told]
_ACTIONS, _WHO, _KINDS = ([row[n] for row in _ROWS] for n in range(3))


async def follow(database: Database) -> int:
    """Tell of everything that happened since the last time; how many messages are to be sent. Each notice is made once: see FOLLOW."""
    async with database.transaction() as connection:
        rows = await connection.fetch(queries.FOLLOW, _ACTIONS, _WHO, _KINDS)
        await _defer(connection, rows)
    return len(rows)


async def tell(
    connection: Connection, accounts: Sequence[UUID], kind: str, key: str, issue: UUID | None, data: dict[str, Any]
) -> None:
    """A notice that is no event's, to each account once for its key."""
    await _defer(connection, await connection.fetch(queries.TELL, accounts, kind, key, issue, data))


async def _defer(connection: Connection, rows: Iterable[Any]) -> None:
    until: dict[UUID, tuple[datetime | None, bool]] = {}
    for row in rows:
        channel = row["channel_id"]
        known = channel in until
        if not known:
            found: Any = await connection.fetchrow(queries.UNDISTURBED_UNTIL, channel, settings().time_zone)
            until[channel] = (found["until"], found["daily"])
        at, daily = until[channel]
        # Whoever is told once a day needs one sending for everything until then.
        if not daily:
            await defer(connection, "deliver", at=at, notice=str(row["notice_id"]), channel=str(channel))
        elif not known:
            await defer(connection, "deliver", at=at, notice=None, channel=str(channel))


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
