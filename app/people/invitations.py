"""Inviting by link and QR, within what the inviter holds, now and when it is accepted."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Any, NamedTuple

import segno

from app.kit.access import Caller
from app.kit.audit import record
from app.kit.db import Connection
from app.kit.policy import HELD_FOR, MAY_INVITE, Role
from app.kit.problems import Problem, invalid
from app.people import queries
from app.people.schemas import AcceptIn, InvitationIn
from app.people.sessions import add_session, hash_token, mint


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
    reach = await connection.fetchrow(queries.REACH_OF, caller.account_id)
    if (named and target is None) or not _may_give(reach, wish.role, target):
        raise Problem(404, "not-found")
    code = secrets.token_urlsafe(18)
    id = uuid.uuid4()
    places = (target["area_id"], target["cell_id"], target["unit_id"]) if target else (None, None, None)
    expires_at: Any = await connection.fetchval(
        queries.ADD_INVITATION, id, hashlib.sha256(code.encode()).digest(), caller.account_id, wish.role, *places,
        wish.uses, wish.expires_in_hours,
    )  # fmt: skip
    told = {"role": wish.role, "cell": places[1], "unit": places[2], "uses": wish.uses, "until": expires_at.date()}
    await record(connection, caller, "invitation_made", id, places[0], told)
    url = f"{base}/join/{code}"
    return {
        "id": str(id), "code": code, "url": url, "qr": segno.make(url, error="m").svg_inline(scale=4, border=2),
        "role": wish.role, "uses": wish.uses, "expires_at": expires_at,
    }  # fmt: skip


async def accept(
    connection: Connection, secret: bytes, code: str, wish: AcceptIn, key: str | None, caller: Any
) -> tuple[str, Any, uuid.UUID]:
    """A new account with the invited role, or that role for the `caller` who is signed in; and a session: (token, session row,
    account id).

    With an Idempotency-Key the token follows from code and key, so a repeat finds the session it made and uses nothing up.
    Problem 410 when the invitation is over or the inviter no longer holds what it gives; 403 when the inviter is the caller.
    """
    over = Problem(410, "invitation-over")
    found = await connection.fetchrow(queries.INVITATION, hashlib.sha256(code.encode()).digest())
    if found is None:
        raise over
    token = mint(secret, "accept", code, key) if key else mint(secret)
    if key and caller is None:
        # Two equal requests at once: the second waits for the invitation's row and then finds the first one's session.
        await connection.execute("select from invitations where id = $1 for update", found["id"])
        earlier = await connection.fetchrow(queries.SESSION_BY_TOKEN, hash_token(token))
        if earlier is not None:
            if earlier["name"] != wish.name:
                raise Problem(422, "key-reused")
            return token, earlier, earlier["account_id"]
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
    session = await add_session(connection, account_id, token, wish.device)
    if given:
        joined = Joined(account_id, session["id"])
        told = {"role": found["role"], "cell": found["cell_id"], "unit": found["unit_id"], "by": found["inviter_id"]}
        await record(connection, joined, "invitation_accepted", found["id"], found["area_id"], told)
        await record(connection, joined, "role_given", account_id, found["area_id"], told)
    return token, session, account_id
