"""A link that sets account and password once: for who has forgotten theirs, and for who had none yet.

The first credentials of an account that joined by a name alone go the same way. A stolen phone is signed in, so a form on it proves
nothing; a link reaches its owner in person, as a QR on the leader's screen or by a message, and nobody has to judge a request. It is one
thing to learn for both cases, and needs of an old phone no more than opening a page.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import segno

from app.kit.access import Caller
from app.kit.audit import record
from app.kit.db import Connection, Database
from app.kit.problems import Problem, invalid, not_found
from app.notices.telling import tell
from app.people import closing, limits, passwords, sessions, standing
from app.people import closing_queries as queries
from app.people.invitations import Joined
from app.people.places import Place
from app.people.schemas import ResetIn

HOURS = 24
_WINDOW, _TRIES_FROM_ONE_PLACE = timedelta(minutes=15), 20


async def make(
    connection: Connection, secret: bytes, token: bytes, caller: Caller, id: UUID, link: UUID, base: str
) -> dict[str, Any]:
    """The link, below `base`, and its QR (SVG). The code stands behind the #, which no browser sends and no log keeps; it follows from
    the link's id and the server's secret, so a repeat shows the same one and nothing has to keep it. A new link ends the earlier ones.

    Safe under repetition and at once: the person's row is locked (`standing.person`), and the link's id is a primary key.
    Problems: see `standing.person`; 404 another link has this id; 409 a closed account; 410 the link is over.
    """
    row = await standing.person(connection, token, id)
    if row["disabled_at"] is not None:
        raise Problem(409, "account-closed")
    code = sessions.mint(secret, "reset", str(link), str(id))[:32]
    there = await connection.fetchrow(queries.LINK_MADE, link)
    if there is not None and (there["account_id"], there["by_id"]) != (id, caller.account_id):
        raise not_found()
    if there is not None and there["over"]:
        raise Problem(410, "reset-over")
    expires_at = (
        there["expires_at"]
        if there
        else await connection.fetchval(queries.ADD_LINK, link, _hash(code), id, caller.account_id, HOURS)
    )
    if there is None:
        await record(connection, caller, "password_reset_made", id, next(iter(row["areas"]), None), {"link": link})
    await _tell(connection, id, "reset_made", link, {"by": row["caller_name"], "name": row["name"]})
    url = f"{base}/app/reset#{code}"
    return {"url": url, "qr": segno.make(url, error="m").svg_inline(scale=4, border=2), "expires_at": expires_at}


async def use(database: Database, wish: ResetIn, place: Place) -> tuple[str, Any, UUID, str, str]:
    """Set the credentials, end every session, and sign in: (token, session row, account id, name, account).

    Of two at once one uses the link (the row lock of USE_LINK), the other is told that it is over. Problems: 410 over, or who made it
    no longer stands above the person; 409 the account name is taken; 422 none is there and none was given; 429.
    """
    over = Problem(410, "reset-over")
    for subject, times in place.subjects("reset"):
        await limits.allow(database, subject, _TRIES_FROM_ONE_PLACE * times, _WINDOW)
    async with database.acquire() as connection:
        link = await connection.fetchrow(queries.LINK, _hash(wish.code))
    if link is None:
        raise over
    if wish.account is None and link["account"] is None:
        raise invalid("/account", "field-missing")
    if wish.account is not None and wish.account != link["account"] and not passwords.ACCOUNT.fullmatch(wish.account):
        raise invalid("/account", "account-letters")
    fault = passwords.fault(wish.password, [wish.account, link["account"], link["name"], link["phone"]])
    if fault is not None:
        raise invalid("/password", fault)
    hashed = await sessions.hash_password(wish.password, str(link["account_id"]))
    async with database.transaction() as connection:
        await connection.execute(standing.LOCK_ACCOUNTS, [link["account_id"]])
        if not await connection.fetchval(queries.USE_LINK, link["id"]):
            raise over
        if not await connection.fetchval(queries.STILL_ABOVE, link["by_id"], link["account_id"]):
            raise over
        try:
            row: Any = await connection.fetchrow(queries.SET_CREDENTIALS, link["account_id"], wish.account, hashed)
        except asyncpg.UniqueViolationError:
            raise Problem(409, "conflict", fields=[("/account", "conflict")]) from None
        await closing.end_devices(connection, link["account_id"])
        await sessions.forget_places(connection, link["account_id"])
        await sessions.remember(connection, link["account_id"], place, place.device_mark)
        await _tell(connection, link["account_id"], "reset_used", link["id"], {"name": row["name"]})
        token = sessions.mint(b"")
        session = await sessions.add_session(connection, link["account_id"], token, wish.device)
        used_by = Joined(link["account_id"], session["id"])
        area = await connection.fetchval(queries.AREA_OF, link["account_id"])
        await record(connection, used_by, "password_reset_used", link["account_id"], area, {"link": link["id"]})
    return token, session, link["account_id"], row["name"], row["account"]


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


async def _tell(connection: Connection, id: UUID, kind: str, link: UUID, data: dict[str, Any]) -> None:
    """The person and the office of their areas."""
    office = [row["account_id"] for row in await connection.fetch(queries.OFFICE_OF, id)]
    await tell(connection, [id, *office], kind, f"{kind}:{link}", None, data)
