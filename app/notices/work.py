"""The notices' job: one message over one channel."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.jobs import Job
from app.kit.language import say
from app.notices import queries
from app.notices.channels import Undeliverable, send_mail, send_robot
from app.notices.telling import sentence
from app.settings import settings


async def names(connection: Any) -> dict[str, tuple[str, str]]:
    return {row["code"]: (row["name_zh"], row["name_en"]) for row in await connection.fetch(queries.CATEGORY_NAMES)}


async def deliver(means: Any, notice: str, channel: str) -> None:
    """Send a notice, unless that was done. A message may go out twice only when the worker dies between sending and saying so."""
    async with means.database.acquire() as connection:
        row = await connection.fetchrow(queries.DELIVERY, UUID(notice), UUID(channel))
        categories = await names(connection)
    if row is None or row["sent_at"] is not None:
        return
    language = settings().language
    text = sentence(row["notice"], row["data"], categories, language, ZoneInfo(settings().time_zone))
    try:
        if row["kind"] == "mail":
            await send_mail(row["address"], say("notice-subject", language, number=row["data"].get("number", "")), text)
        else:
            await send_robot(row["kind"], row["address"], row["secret"], text)
    except Undeliverable as reason:
        # Gone or forbidden: nothing more is sent there until its owner sets it right.
        async with means.database.acquire() as connection:
            await connection.execute(queries.CHANNEL_FAILED, row["channel"], str(reason))
        return
    async with means.database.acquire() as connection:
        await connection.execute(queries.SENT, UUID(notice), UUID(channel))


JOBS = (Job("deliver", deliver),)
