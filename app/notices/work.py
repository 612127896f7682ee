"""The notices' job: one message, or a day's, over one channel."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.db import Database
from app.kit.jobs import Job
from app.kit.language import say
from app.notices import push, queries
from app.notices.channels import Undeliverable, send_mail, send_robot
from app.notices.telling import sentence
from app.settings import settings


async def names(connection: Any) -> dict[str, tuple[str, str]]:
    return {row["code"]: (row["name_zh"], row["name_en"]) for row in await connection.fetch(queries.CATEGORY_NAMES)}


async def deliver(means: Any, notice: str | None, channel: str) -> None:
    """Send a notice over a channel, or all that wait there; nothing when that was done. The channel's row is locked until what was sent
    is marked, so a message goes out twice only when the worker dies in between."""
    database: Database = means.database
    async with database.transaction() as connection:
        to = await connection.fetchrow(queries.CHANNEL, UUID(channel))
        rows = await connection.fetch(queries.UNSENT, UUID(channel), UUID(notice) if notice else None)
        if to is None or not rows:
            return
        language = to["language"] or settings().language
        categories = await names(connection)
        zone = ZoneInfo(settings().time_zone)
        lines = [sentence(row["kind"], row["data"], categories, language, zone) for row in rows]
        first, text = rows[0], "\n".join(lines)
        subject = (
            say("notice-subject", language, number=first["data"].get("number", ""))
            if len(rows) == 1
            else say("notice-subject-many", language, count=len(rows))
        )
        try:
            if to["kind"] == "mail":
                await send_mail(to["address"], subject, text)
            elif to["kind"] == "push":
                secret: Any = await connection.fetchval(queries.SERVER_SECRET)
                await push.send(secret, to["address"], to["secret"], subject, text, first["issue"] if len(rows) == 1 else None)
            else:
                await send_robot(to["kind"], to["address"], to["secret"], text)
        except push.Gone:
            await connection.execute(queries.CHANNEL_GONE, to["id"])
            return
        except Undeliverable as reason:
            # Forbidden or not there: nothing more is sent there until its owner sets it right.
            await connection.execute(queries.CHANNEL_FAILED, to["id"], str(reason))
            return
        await connection.execute(queries.SENT, to["id"], [row["id"] for row in rows])


JOBS = (Job("deliver", deliver),)
