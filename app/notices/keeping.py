"""Adding and confirming channels: few for each account, and none to a mail address whose reader has not agreed."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from app.kit.db import Connection, Database
from app.kit.jobs import defer
from app.kit.problems import Problem, invalid, not_found
from app.notices import queries
from app.notices.channels import mailable
from app.notices.targets import host_of
from app.notices.work import code

# Channels of one account: mail addresses, browsers, robots of all sorts together.
_MOST = {"mail": 3, "push": 5}
_MOST_ROBOTS = 5
# Codes within a day: to one address, whoever asks, and for one account.
_CODES_TO_ADDRESS, _CODES_FOR_ACCOUNT = 3, 6
_TRIES = 5
# All mail goes by one server, which may be away like a robot's. No host has such a name.
_MAIL_HOST = "mail server"


@dataclass(frozen=True, slots=True)
class Wanted:
    id: UUID
    kind: str
    address: str
    secret: str
    kinds: list[str] | None
    language: str
    daily: bool


async def put(connection: Connection, account: UUID, wanted: Wanted) -> dict[str, Any]:
    """Add or change a channel. One to a mail address that is not confirmed has a code sent. Problems: 404 somebody else's; 409 another
    channel leads there already, or there are too many; 429 too many codes."""
    await connection.execute(queries.CHANNELS_LOCK, account)
    before: Any = await connection.fetchrow(queries.CHANNELS_BEFORE, account, wanted.id, wanted.kind, wanted.address)
    limit = _MOST.get(wanted.kind, _MOST_ROBOTS)
    if not before["counted"] and before["others"] >= limit:
        raise Problem(409, "channels-full", limit=limit)
    mail = wanted.kind == "mail"
    agreed = not mail or bool(before["confirmed"])
    if not agreed:
        await _count_code(connection, account, wanted.address)
    try:
        row = await connection.fetchrow(
            queries.PUT_CHANNEL, wanted.id, account, wanted.kind, wanted.address, wanted.secret, wanted.kinds, wanted.language, wanted.daily,
            _MAIL_HOST if mail else host_of(wanted.address), agreed,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise Problem(409, "conflict", fields=[("/address", "conflict")]) from None
    if row is None:
        raise not_found()
    if before["known"] and not before["same"]:
        await connection.execute(queries.DROP_UNSENT, wanted.id)
    shown = dict(row)
    asked_at = shown.pop("asked_at")
    if not agreed:
        await defer(connection, "send_code", channel=str(wanted.id), asked_at=asked_at.isoformat())
    return shown


async def _count_code(connection: Connection, account: UUID, address: str) -> None:
    """Nobody is sent more than a few codes, whatever accounts ask and under whatever names of one mailbox."""
    local, _, domain = mailable(address).rpartition("@")
    mailbox = hashlib.sha256(f"{local.partition('+')[0]}@{domain}".lower().encode()).hexdigest()
    for subject, most in ((f"code to {mailbox}", _CODES_TO_ADDRESS), (f"code for {account}", _CODES_FOR_ACCOUNT)):
        row: Any = await connection.fetchrow(queries.COUNT_CODE, subject)
        if row["count"] > most:
            raise Problem(429, "throttled", headers={"retry-after": str(row["seconds"])}, seconds=row["seconds"])


async def confirm(database: Database, secret: bytes, account: UUID, id: UUID, entered: str) -> dict[str, Any]:
    """Confirm a mail address by the code that was sent there. Problems: 404; 422 wrong, or no longer right."""
    digits = "".join(unicodedata.normalize("NFKC", entered).split())
    # A wrong try is committed before it is answered.
    async with database.transaction() as connection:
        tried = await connection.fetchrow(queries.TRY_CODE, id, account, _TRIES)
        if tried is None:
            row = await connection.fetchrow(queries.ONE_CHANNEL, id, account)
            if row is None:
                raise not_found()
            return dict(row)  # it was confirmed before
    if tried["asked_at"] is None:
        raise invalid("/code", "code-over")
    if not hmac.compare_digest(code(secret, id, tried["address"], tried["asked_at"]).encode(), digits.encode()):
        raise invalid("/code", "code-wrong")
    async with database.transaction() as connection:
        row = await connection.fetchrow(queries.CONFIRM, id, account, tried["asked_at"])
    if row is None:  # another code was asked for at the same moment
        raise invalid("/code", "code-over")
    return dict(row)
