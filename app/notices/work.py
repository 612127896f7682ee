"""The notices' jobs: one message over one channel, and the code that confirms a mail address.

While something is sent, no transaction is open, no row is locked and no connection is held: a channel is claimed by a lease in its row, and
what became of the message is written in a second transaction. A worker that dies in between leaves the lease, which runs out, and the job,
which is done again: then the same notices go again as the same message (a mail under the same Message-ID). So each is sent once at least.
"""

from __future__ import annotations

import hmac
import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from app.kit.db import Connection, Database
from app.kit.jobs import Job, defer
from app.kit.language import say
from app.kit.times import now
from app.notices import push, queries
from app.notices.channels import NotNow, Undeliverable, send_mail, send_robot
from app.notices.telling import queue_for, tell, worded
from app.settings import settings

log = structlog.get_logger()

# How long a channel that is not reached is tried again.
_PATIENCE = timedelta(hours=12)
# How long a channel is claimed: longer than any sending takes (channels.MAIL_PATIENCE_S, targets.PATIENCE_S).
LEASE = timedelta(seconds=60)
# Messages under way at a time for one account, mail and others counted apart, and to one host.
_FOR_ACCOUNT, _TO_HOST = 2, 4
# When to look again whether there is room, in seconds.
_ROOM_S = (2.0, 4.0)
# Who takes longer than this over a message gets the next one after a rest. So does every mail address, whose next mail then holds
# all that came meanwhile: however often somebody comments, nobody's mail box is filled.
_SLOW_S, _REST = 3.0, timedelta(minutes=1)
_MOST_NOTICES = 200
# What a message may hold, in bytes (WeCom takes 2,048, a browser's push service 4,096 sealed).
_MOST_BYTES = {"wecom": 1_900, "push": 2_500, "mail": 100_000}
_MOST_BYTES_ELSE = 15_000


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent, and over which channel (its row), with nothing left to ask the database."""

    to: Any
    lease: UUID
    batch: UUID
    subject: str
    text: str
    issue: str | None
    secret: bytes

    @property
    def key(self) -> str:
        return f"{self.batch}.{self.to['id']}"


async def names(connection: Any) -> dict[str, tuple[str, str]]:
    return {row["code"]: (row["name_zh"], row["name_en"]) for row in await connection.fetch(queries.CATEGORY_NAMES)}


async def deliver(means: Any, channel: str, notice: str | None = None) -> None:
    """Send what waits for a channel; nothing when that was done. Never raises for what the other side does: the next try is a job of
    its own. (`notice`: of jobs of versions before 0.5, which named one.)"""
    database: Database = means.database
    async with database.transaction() as connection:
        message = await _claim(connection, UUID(channel))
    if message is None:
        return
    failure: Exception | None = None
    start = time.monotonic()
    try:
        await _send(message)
    except Exception as error:
        failure = error
    async with database.transaction() as connection:
        await _settle(connection, message, failure, time.monotonic() - start)


async def _claim(connection: Connection, channel: UUID) -> Message | None:
    """A message that this worker alone sends now; None when nothing waits, or when it must wait longer: then a job for that is deferred."""
    if not await connection.fetchval(queries.WAITS, channel):
        return None
    await connection.execute(queries.CLAIM_LOCK)
    to = await connection.fetchrow(queries.CHANNEL, channel)
    if to is None:
        return None
    at = await _not_before(connection, to)
    if at is not None:
        await defer(connection, "deliver", at=at, queue=queue_for(to["kind"]), channel=str(channel))
        return None
    lease = uuid.uuid4()
    await connection.execute(queries.CLAIM, channel, lease, LEASE)
    rows = await connection.fetch(queries.BATCH, channel, lease, _MOST_NOTICES)
    return await _written(connection, to, lease, rows) if rows else None


async def _not_before(connection: Connection, to: Any) -> datetime | None:
    """When to look again at a channel over which nothing may be sent now."""
    if to["leased_until"] is not None:
        # Whoever holds it looks for more when they are done; this is for when they die.
        return to["leased_until"] + timedelta(seconds=1)
    if to["of_account"] >= _FOR_ACCOUNT or to["of_host"] >= _TO_HOST:
        return now() + timedelta(seconds=random.uniform(*_ROOM_S))
    if to["not_before"] is not None and to["not_before"] > now():
        return to["not_before"]
    if to["daily"]:
        return None
    quiet: Any = await connection.fetchrow(queries.UNDISTURBED_UNTIL, to["id"], settings().time_zone)
    return quiet["until"]


async def _written(connection: Connection, to: Any, lease: UUID, rows: list[Any]) -> Message:
    """The message in words: as many notices as it can hold; the others wait for the next one."""
    language = to["language"] or settings().language
    categories = await names(connection)
    zone = ZoneInfo(settings().time_zone)
    most = _MOST_BYTES.get(to["kind"], _MOST_BYTES_ELSE)
    lines: list[str] = []
    for row in rows:
        line = worded(row, categories, language, zone)
        if lines and len("\n".join([*lines, line]).encode()) > most:
            break
        lines.append(line)
    held, rest = rows[: len(lines)], rows[len(lines) :]
    if rest:
        await connection.execute(queries.PUT_BACK, to["id"], [row["id"] for row in rest])
    first = held[0]
    subject = (
        say("notice-subject", language, number=str(first["data"].get("number", ""))[:40])
        if len(held) == 1
        else say("notice-subject-many", language, count=len(held))
    )
    text = "\n".join(lines).encode()[:most].decode(errors="ignore")
    secret: Any = await connection.fetchval(queries.SERVER_SECRET)
    return Message(to, lease, first["batch"], subject.strip(), text, first["issue"] if len(held) == 1 else None, secret)


async def _send(message: Message) -> None:
    to, account = message.to, message.to["account_id"]
    if to["kind"] == "mail":
        await send_mail(to["address"], message.subject, message.text, message.key)
    elif to["kind"] == "push":
        await push.send(message.secret, to["address"], to["secret"], message.subject, message.text, message.issue, account)
    else:
        await send_robot(to["kind"], to["address"], to["secret"], message.text, account)


async def _settle(connection: Connection, message: Message, failure: Exception | None, took_s: float) -> None:
    """Write what became of a message, end the lease, and defer what follows."""
    to = message.to
    await connection.execute(queries.RELEASE, to["id"], message.lease)
    at: datetime | None = None
    match failure:
        case None:
            rests = to["kind"] == "mail" or took_s > _SLOW_S
            await connection.execute(queries.SENT, to["id"], message.batch, _REST if rests else None)
            await connection.execute(queries.HOST_THERE, to["host"])
        case push.Gone():
            await connection.execute(queries.CHANNEL_GONE, to["id"])
            return
        case Undeliverable():
            await _give_up(connection, to, str(failure))
            return
        case _:
            at = await _not_reached(connection, to, failure)
            if at is None:
                return
    if await connection.fetchval(queries.WAITS, to["id"]):
        await defer(connection, "deliver", at=at, queue=queue_for(to["kind"]), channel=str(to["id"]))


async def _not_reached(connection: Connection, to: Any, failure: Exception) -> datetime | None:
    """When to try again; None when the channel is given up."""
    silent = isinstance(failure, NotNow) and failure.silent
    if not isinstance(failure, NotNow):
        log.error("a message could not be sent", channel=str(to["id"]), kind=to["kind"], exc_info=failure)
    if silent:
        await connection.execute(queries.HOST_AWAY, to["host"])
    # That this server's own mail server is away is no fault of an address.
    own_fault = not (silent and to["kind"] == "mail")
    found: Any = await connection.fetchrow(queries.NOT_REACHED, to["id"], _PATIENCE, own_fault)
    if found is None:  # deleted meanwhile
        return None
    if found["for_good"]:
        await _give_up(connection, to, "not-reached")
        return None
    return found["not_before"]


async def _give_up(connection: Connection, to: Any, failure: str) -> None:
    """Nothing more is sent there until its owner sets it right; the inbox and the other channels tell why."""
    failed = await connection.fetchrow(queries.CHANNEL_FAILED, to["id"], failure)
    if failed is None:
        return
    # A robot's address holds its key, and a browser's says nothing to anybody.
    shown = to["address"] if to["kind"] == "mail" else ""
    key = f"channel:{to['id']}:{failed['failed_at']}"
    data = {"channel": to["kind"], "address": shown, "failure": failure}
    await tell(connection, [failed["account_id"]], "channel_failed", key, None, data)


def code(secret: bytes, channel: UUID, address: str, asked_at: datetime) -> str:
    """The eight digits that confirm a mail address. They follow from the server's secret, so they are stored nowhere, and a job that runs
    twice sends the same ones."""
    mark = hmac.digest(secret, f"channel {channel} {asked_at.isoformat()} {address}".encode(), "sha256")
    return f"{int.from_bytes(mark[:8], 'big') % 10**8:08}"


async def send_code(means: Any, channel: str, asked_at: str) -> None:
    """Send the code that was asked for at that instant, unless another was since, or it was entered. Raises NotNow: tried again."""
    database: Database = means.database
    asked = datetime.fromisoformat(asked_at)
    async with database.acquire() as connection:
        to = await connection.fetchrow(queries.CODE_FOR, UUID(channel), asked)
        secret: Any = await connection.fetchval(queries.SERVER_SECRET)
    if to is None:
        return
    language = to["language"] or settings().language
    given = code(secret, to["id"], to["address"], asked)
    # Nothing that the channel's owner wrote stands in it: whoever reads it may be somebody else.
    text = say("channel-code", language, code=given)
    if settings().public_url:
        text += "\n" + say(
            "channel-code-link", language, link=f"{settings().public_url.rstrip('/')}/app/me?channel={to['id']}&code={given}"
        )
    try:
        await send_mail(to["address"], say("channel-code-subject", language), text, f"code.{asked.timestamp()}.{to['id']}")
    except Undeliverable as reason:
        async with database.transaction() as connection:
            await _give_up(connection, to, str(reason))


JOBS = (Job("deliver", deliver), Job("send_code", send_code))
