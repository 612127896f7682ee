"""Choosing an account name and a password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from app.kit.access import Caller
from app.kit.audit import record
from app.kit.db import Database
from app.kit.problems import Problem, invalid
from app.kit.route import unauthorized
from app.people import limits, passwords, queries, sessions
from app.people.places import Place
from app.people.schemas import Credentials

_WINDOW = timedelta(minutes=15)
# Guesses of a present password by one session, and by all of an account: who has stolen one session locks no other out.
_OF_SESSION, _OF_ACCOUNT = 8, 60
# Passwords that one account may choose: each is hashed.
_CHANGES, _CHANGES_WINDOW = 20, timedelta(hours=1)


async def choose(database: Database, caller: Caller, wish: Credentials, place: Place) -> None:
    """A name and a password for the caller; other devices are signed out. Nothing is locked while passwords are hashed.

    Problems: 403 the first ones, an hour after joining; 422 by field; 409 a name that is taken, or a password that was changed meanwhile; 429 too many guesses; 503.
    """
    share = str(caller.account_id)
    if wish.account != caller.account and not passwords.ACCOUNT.fullmatch(wish.account):
        raise invalid("/account", "account-letters")
    async with database.acquire() as connection:
        row: Any = await connection.fetchrow(queries.PASSWORD, caller.account_id)
    stored, phone = row["password_hash"], row["phone"]
    if stored is None and not row["fresh"]:
        raise Problem(403, "first-credentials")
    if stored is not None:
        await _check_present(database, caller, wish.current_password or "", stored)
    fault = passwords.fault(wish.password, [wish.account, caller.account, caller.name, phone])
    if fault is not None:
        raise invalid("/password", fault)
    await limits.allow(database, ("credentials", share), _CHANGES, _CHANGES_WINDOW)
    hashed = await sessions.hash_password(wish.password, share)
    async with database.transaction() as connection:
        try:
            # Holds only if the password is still the one that was checked, and this session has not been ended meanwhile.
            changed = await connection.fetchval(
                queries.SET_CREDENTIALS, caller.account_id, wish.account, hashed, stored, caller.session_id
            )
        except asyncpg.UniqueViolationError:
            raise Problem(409, "conflict", fields=[("/account", "conflict")]) from None
        if changed is None:
            if await connection.fetchval(queries.SESSION_HOLDS, caller.session_id) is None:
                raise unauthorized()
            raise Problem(409, "credentials-moved")
        await connection.execute(queries.REVOKE_OTHERS, caller.account_id, caller.session_id)
        await sessions.forget_places(connection, caller.account_id)
        await sessions.remember(connection, caller.account_id, place, place.device_mark)
        await record(connection, caller, "credentials_set", caller.account_id, caller.home_id)


async def _check_present(database: Database, caller: Caller, given: str, stored: str) -> None:
    account = str(caller.account_id)
    of_session = ("present-password", account, str(caller.session_id))
    of_account = ("present-password-account", account)
    limits.refuse_full([of_session, of_account])
    async with database.acquire() as connection:
        await limits.take(connection, of_session, _OF_SESSION, _WINDOW)
        await limits.take(connection, of_account, _OF_ACCOUNT, _WINDOW)
    if not await sessions.password_fits(given, stored, account):
        raise invalid("/current_password", "wrong-password")
    async with database.acquire() as connection:
        await limits.give_back(connection, [of_account], [of_session])
