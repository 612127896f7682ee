"""Closing an account and opening it again; ending somebody's devices; taking back a role."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.kit.access import Caller
from app.kit.db import Connection, tell_after_commit
from app.kit.problems import Problem, not_found
from app.notices.telling import tell
from app.people import closing_queries as queries
from app.people import handing_over, handing_queries, standing


async def close(connection: Connection, caller: Caller, token: bytes, id: UUID, reason: str, to: UUID | None) -> Any:
    """Close somebody's account: their devices, roles, stand-ins, invitations and links end at once. Their work goes to `to`, in the same
    transaction; what does not is told to the office. Repeatable.

    The account's row is locked, so that nobody gives them work or a role meanwhile. Problems: 404, 403 (see `standing.person`),
    409 the last admin, 422 `to`.
    """
    await standing.not_the_last_admin(connection, id)
    row = await standing.person(connection, token, id, to=to)
    if to is not None:
        await handing_over.hand_over(connection, caller, token, id, to)
    if row["disabled_at"] is None:
        stood_in_for = [each["leader_id"] for each in await connection.fetch(handing_queries.STOOD_IN_FOR, id)]
        key: Any = await connection.fetchval("select 'stand-in:' || pg_current_xact_id()::text")
        await tell(connection, stood_in_for, "stand_in_ended", key, None, {"name": row["name"]})
        await connection.execute(queries.END_STAND_INS, id)
        await connection.execute(queries.SHELVE_GRANTS, id)
        await connection.execute(queries.DISABLE, id, token, reason)
        await end_devices(connection, id)
        await connection.execute(queries.VOID_INVITATIONS, id)
        await connection.execute(queries.VOID_LINKS, id)
        await connection.execute(queries.FORGET_UNSENT, id)
        await handing_over.tell_what_is_left(connection, id, row["areas"])
    return row


async def reopen(connection: Connection, token: bytes, id: UUID) -> Any:
    """Open a closed account with the roles it held. No session, invitation or stand-in of before comes back. Repeatable."""
    row = await standing.person(connection, token, id)
    if row["disabled_at"] is not None:
        # Somebody may have signed in at the moment of closing.
        await end_devices(connection, id)
        await connection.execute(queries.ENABLE, id)
        await connection.execute(queries.UNSHELVE_GRANTS, id)
    return row


async def end_devices(connection: Connection, id: UUID, session: UUID | None = None) -> bool:
    """End all sessions of an account, or one; whether there was any. They may lie on a stolen phone: so the invitations and links for
    passwords that were made with them end too, and with all of them what browsers are pushed."""
    ended = [row["id"] for row in await connection.fetch(queries.END_SESSIONS, id, session)]
    if session is None:
        await connection.execute(queries.DROP_PUSH, id)
        await connection.execute(queries.VOID_INVITATIONS, id)
        await connection.execute(queries.VOID_LINKS_BY, id)
    else:
        await connection.execute(queries.VOID_INVITATIONS_OF, id, ended)
        await connection.execute(queries.VOID_LINKS_OF, id, ended)
    # A stream that is open finds its session gone when it is woken.
    tell_after_commit(connection, [id])
    return bool(ended)


async def end_every_device(connection: Connection, id: UUID) -> None:
    """The same of all devices of an account that goes on, one of which may be stolen: its channels end too, since none says which
    device added it."""
    await end_devices(connection, id)
    await connection.execute(queries.DROP_CHANNELS, id)


async def take_back(connection: Connection, token: bytes, id: UUID) -> Any:
    """Take back a role; whose and which it was. Problems: 404; 403 the caller does not stand above it; 409 the last admin."""
    of = await connection.fetchrow(queries.GRANT, id)
    if of is not None and of["role"] == "admin":
        await standing.not_the_last_admin(connection, of["account_id"])
    if of is not None:
        await connection.execute(standing.LOCK_ACCOUNTS, [of["account_id"]])
    row = await connection.fetchrow(queries.GRANT_SEEN, token, id)
    if row is None:
        raise not_found()
    if not row["above"]:
        raise Problem(403, "not-above")
    await connection.execute(queries.DROP_GRANT, id)
    led = row["cell_id"] if row["role"] == "leader" and row["ends_at"] is None else None
    areas = [row["area_id"]] if row["area_id"] else []
    await handing_over.tell_what_is_left(connection, row["account_id"], areas, led)
    tell_after_commit(connection, [row["account_id"]])
    return row
