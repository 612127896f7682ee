"""Inviting by link and QR, within what the inviter holds, now and when it is accepted."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Any, NamedTuple

import segno

from app.kit.access import Caller
from app.kit.audit import record
from app.kit.db import Connection, Database
from app.kit.policy import HELD_FOR, MAY_INVITE, Role
from app.kit.problems import Problem, invalid
from app.kit.route import unauthorized
from app.kit.times import now
from app.people import limits, queries
from app.people.limits import Subject
from app.people.places import Place
from app.people.schemas import AcceptIn, InvitationIn
from app.people.sessions import add_session
from app.people.tokens import hash_token, mint

# At most so many uses and hours of an invitation to a role; who runs the service or inspects it is invited in person.
_MOST: dict[Role, tuple[int, int]] = {
    "volunteer": (500, 24 * 90), "leader": (10, 24 * 7), "worker": (10, 24 * 7),
    "staff": (1, 72), "inspector": (1, 72), "admin": (1, 72),
}  # fmt: skip
_USUAL_HOURS = 24 * 7
_OPEN, _IN_A_DAY = 100, 200
_SHORTEST_KEY = 16
_GUESSES, _GUESSES_WINDOW = 60, timedelta(minutes=15)


def _hours(wish: InvitationIn) -> int:
    """How long an invitation lasts. Problem 422 when its role allows neither so many hours nor so many uses."""
    uses, hours = _MOST[wish.role]
    fields: list[tuple[str, str]] = []
    if wish.uses > uses:
        fields.append(("/uses", "uses-few"))
    if wish.expires_in_hours is not None and wish.expires_in_hours > hours:
        fields.append(("/expires_in_hours", "expires-soon"))
    if fields:
        raise Problem(422, "validation", fields=fields, most=uses, hours=hours)
    return wish.expires_in_hours or min(_USUAL_HOURS, hours)


async def _check_quota(connection: Connection, caller: Caller) -> None:
    """Problem 429 for an inviter with too many open invitations, or too many made today."""
    made: Any = await connection.fetchrow(queries.INVITATIONS_MADE, caller.account_id)
    for count, limit, sentence in ((made["open"], _OPEN, "invitations-open"), (made["lately"], _IN_A_DAY, "invitations-day")):
        if count >= limit:
            seconds = max(1, made["open_s" if sentence == "invitations-open" else "lately_s"])
            raise Problem(429, "quota", headers={"retry-after": str(seconds)}, sentence=sentence, limit=limit, seconds=seconds)


class Joined(NamedTuple):
    """Who has just come in by an invitation, as the audit knows them."""

    account_id: uuid.UUID
    session_id: uuid.UUID


def _may_give(reach: Any, role: Role, target: Any) -> bool:
    """Whether roles that reach so far allow giving `role` for `target` (a row with area_id and cell_id, or None)."""
    if reach["is_admin"]:
        return True
    if target is None:
        return False
    if target["area_id"] in reach["staffs"] and role in MAY_INVITE["staff"]:
        return True
    if target["area_id"] in reach["below"] and role in MAY_INVITE["staff above"]:
        return True
    return target["cell_id"] in reach["leads"] and role in MAY_INVITE["leader"]


async def invite(connection: Connection, caller: Caller, wish: InvitationIn, base: str) -> dict[str, Any]:
    """The invitation with its link (below `base`) and QR (SVG); the code is not kept and cannot be shown again.

    Problems: 422 when the role does not suit what it is for, 404 when that lies outside the inviter's reach.
    """
    named = {kind for kind in ("area", "cell", "unit") if getattr(wish, kind) is not None}
    if named != (named & HELD_FOR[wish.role]) or len(named) != (0 if wish.role == "admin" else 1):
        raise invalid("/role", "role-target")
    target = await connection.fetchrow(queries.TARGET, wish.area, wish.cell, wish.unit) if named else None
    # Held until commit: invitations made at once are all counted, and an account that is just being closed makes none.
    await connection.execute(queries.LOCK_INVITER, caller.account_id)
    reach = await connection.fetchrow(queries.REACH_OF, caller.account_id)
    if (named and target is None) or not _may_give(reach, wish.role, target):
        raise Problem(404, "not-found")
    hours = _hours(wish)
    await _check_quota(connection, caller)
    code = secrets.token_urlsafe(18)
    id = uuid.uuid4()
    places = (target["area_id"], target["cell_id"], target["unit_id"]) if target else (None, None, None)
    expires_at: Any = await connection.fetchval(
        queries.ADD_INVITATION, id, hashlib.sha256(code.encode()).digest(), caller.account_id, wish.role, *places,
        wish.uses, hours,
    )  # fmt: skip
    told = {"role": wish.role, "cell": places[1], "unit": places[2], "uses": wish.uses, "until": expires_at.date()}
    await record(connection, caller, "invitation_made", id, places[0], told)
    url = f"{base}/join/{code}"
    return {
        "id": str(id), "code": code, "url": url, "qr": segno.make(url, error="m").svg_inline(scale=4, border=2),
        "role": wish.role, "uses": wish.uses, "expires_at": expires_at,
    }  # fmt: skip


async def count_guess(database: Database, place: Place) -> list[Subject]:
    """Count a code that somebody brings. Problem 429 when too many of this address were none. Returns what to give back when it
    is one: a whole neighbourhood may join behind one address."""
    counted: list[Subject] = []
    for subject, times in place.subjects("code"):
        await limits.allow(database, subject, _GUESSES * times, _GUESSES_WINDOW)
        counted.append(subject)
    return counted


def check_key(key: str | None, caller: Any) -> None:
    """Problem 422 for a key by which a stranger could pass for whoever joined with it."""
    if key is not None and caller is None and len(key) < _SHORTEST_KEY:
        raise Problem(422, "key-weak", fields=[("/Idempotency-Key", "key-weak")])


async def accept(
    connection: Connection, secret: bytes, code: str, wish: AcceptIn, key: str | None, caller: Any
) -> tuple[str, Any, uuid.UUID]:
    """A new account with the invited role, or that role for the `caller` who is signed in; and a session: (token, session row,
    account id).

    With an Idempotency-Key the token follows from code, key and caller, so a repeat finds the session it made and uses nothing
    up. Who is not signed in proves by the key alone to be the same: so it must be one that nobody guesses, and name and device
    must be the same too.
    Problem 410 when the invitation is over or the inviter no longer holds what it gives; 422 for a key that is another's; 403 when the inviter is
    the caller.
    """
    over = Problem(410, "invitation-over")
    found = await connection.fetchrow(queries.INVITATION, hashlib.sha256(code.encode()).digest())
    if found is None:
        raise over
    token = mint(secret, "accept", code, key, "" if caller is None else str(caller["account_id"])) if key else mint(secret)
    if key and caller is None:
        # Two equal requests at once: the second waits for the invitation's row and then finds the first one's session.
        await connection.execute("select from invitations where id = $1 for update", found["id"])
        earlier = await connection.fetchrow(queries.SESSION_BY_TOKEN, hash_token(token))
        if earlier is not None:
            if not earlier["lately"] or (earlier["name"], earlier["device"]) != (wish.name, wish.device):
                raise Problem(422, "key-reused")
            return token, earlier, earlier["account_id"]
    # Held until commit, so that closing the account of who is signed in finds the role that they get here.
    if caller is not None and not await connection.fetchval(queries.STAYS_OPEN, caller["account_id"]):
        raise unauthorized("account-closed")
    reach = await connection.fetchrow(queries.REACH_OF, found["inviter_id"])
    if not _may_give(reach, found["role"], found if found["area_id"] else None):
        raise over
    account_id = uuid.uuid4() if caller is None else caller["account_id"]
    if caller is None:
        await connection.fetchval(queries.ADD_ACCOUNT, account_id, None, wish.name, None)
    given = await connection.fetchval(
        queries.ADD_GRANT, account_id, found["role"], found["area_id"], found["cell_id"], found["unit_id"], found["inviter_id"]
    )
    # Nobody gives themselves a role that they do not hold.
    if given and account_id == found["inviter_id"]:
        raise Problem(403, "own-invitation")
    # Who holds the role already, or sends this again, uses nothing up.
    if given and await connection.fetchval(queries.USE_INVITATION, found["id"]) is None:
        raise over
    # An invitation that was taken back, or is long over, begins no new session of whoever holds its role: only its own is found again.
    ended = found["revoked_at"] is not None or found["expires_at"] <= now()
    if not given and ended and await connection.fetchrow(queries.SESSION_BY_TOKEN, hash_token(token)) is None:
        raise over
    session = await add_session(connection, account_id, token, wish.device)
    if given:
        joined = Joined(account_id, session["id"])
        told = {"role": found["role"], "cell": found["cell_id"], "unit": found["unit_id"], "by": found["inviter_id"]}
        await record(connection, joined, "invitation_accepted", found["id"], found["area_id"], told)
        await record(connection, joined, "role_given", account_id, found["area_id"], told)
    return token, session, account_id
