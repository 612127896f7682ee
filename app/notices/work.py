"""The notices' job: one message, or a day's, over one channel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.db import Database
from app.kit.jobs import Job
from app.kit.language import say
from app.notices import push, queries
from app.notices.channels import NotNow, Undeliverable, send_mail, send_robot
from app.notices.telling import sentence, tell
from app.settings import settings

# How long a channel that is not reached is tried again: the retries of one job reach from six hours to a day.
_PATIENCE = timedelta(hours=12)


async def names(connection: Any) -> dict[str, tuple[str, str]]:
    return {row["code"]: (row["name_zh"], row["name_en"]) for row in await connection.fetch(queries.CATEGORY_NAMES)}


async def deliver(means: Any, notice: str | None, channel: str) -> None:
    """Send a notice over a channel, or all that wait there; nothing when that was done. The channel's row is locked until what was sent
    is marked, so a message goes out twice only when the worker dies in between. Raises NotNow while it shall be tried again."""
    database: Database = means.database
    async with database.transaction() as connection:
        to = await connection.fetchrow(queries.CHANNEL, UUID(channel))
        rows = await connection.fetch(queries.UNSENT, UUID(channel), UUID(notice) if notice else None)
        if to is None or not rows:
            return
        try:
            await _send(connection, to, rows)
        except push.Gone:
            await connection.execute(queries.CHANNEL_GONE, to["id"])
            return
        except Undeliverable as reason:
            await _give_up(connection, to, str(reason))
            return
        except NotNow as reason:
            if await connection.fetchval(queries.NOT_REACHED, to["id"], _PATIENCE):
                await _give_up(connection, to, "not-reached")
                return
            not_now = reason
        else:
            await connection.execute(queries.SENT, to["id"], [row["id"] for row in rows])
            return
    raise not_now


async def _send(connection: Any, to: Any, rows: list[Any]) -> None:
    language = to["language"] or settings().language
    categories = await names(connection)
    zone = ZoneInfo(settings().time_zone)
    first = rows[0]
    text = "\n".join(sentence(row["kind"], row["data"], categories, language, zone) for row in rows)
    subject = (
        say("notice-subject", language, number=first["data"].get("number", ""))
        if len(rows) == 1
        else say("notice-subject-many", language, count=len(rows))
    )
    if to["kind"] == "mail":
        key = f"{rows[-1]['id']}.{len(rows)}.{to['id']}"
        await send_mail(to["address"], subject, text, key)
    elif to["kind"] == "push":
        secret: Any = await connection.fetchval(queries.SERVER_SECRET)
        issue = first["issue"] if len(rows) == 1 else None
        await push.send(secret, to["address"], to["secret"], subject, text, issue)
    else:
        await send_robot(to["kind"], to["address"], to["secret"], text)


async def _give_up(connection: Any, to: Any, failure: str) -> None:
    """Nothing more is sent there until its owner sets it right; the inbox and the other channels tell why."""
    failed = await connection.fetchrow(queries.CHANNEL_FAILED, to["id"], failure)
    # A robot's address holds its key, and a browser's says nothing to anybody.
    shown = to["address"] if to["kind"] == "mail" else ""
    key = f"channel:{to['id']}:{failed['failed_at']}"
    data = {"channel": to["kind"], "address": shown, "failure": failure}
    await tell(connection, [failed["account_id"]], "channel_failed", key, None, data)


JOBS = (Job("deliver", deliver),)
