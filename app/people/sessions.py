"""Signing in, and the tokens that come of it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from app.kit.db import Connection, Database
from app.kit.problems import Problem
from app.people import hashing, limits, passwords, queries
from app.people.limits import Subject
from app.people.places import Place
from app.people.tokens import hash_token as hash_token
from app.people.tokens import mint as mint
from app.settings import settings

_WINDOW = timedelta(minutes=15)
# Wrong tries from one address, of one account from one place, and of one account from one place while the account is attacked:
# after so many wrong tries from places where it has not signed in before.
_FROM_ADDRESS, _FROM_PLACE, _WHILE_ATTACKED, _IS_ATTACK = 60, 8, 2, 60
# Wrong tries in all, of unknown places; people's own devices have theirs beside them.
_IN_ALL, _IN_ALL_WINDOW = 300, timedelta(minutes=1)
# Sessions of one account: more than that is no person.
_SESSIONS, _SESSIONS_WINDOW = 120, timedelta(hours=1)
# Tries of accounts that do not know the device: after so many it counts as none. Whoever may sign in once can have many devices made.
_STRANGE = 4
_STRANGERS: Subject = ("sign-in-strangers",)


async def hash_password(password: str, share: str = "") -> str:
    """Argon2id. Problem 503 when too many hash at once, or too many of one `share`."""
    async with hashing.seat(share) as seat:
        return await seat.hash(passwords.normal(password))


async def password_fits(password: str, stored: str | None, share: str = "") -> bool:
    """An unknown account costs the same time as a wrong password. Problem 503 as above."""
    async with hashing.seat(share) as seat:
        return await _fits(seat, password, stored)


async def _fits(seat: hashing.Seat, password: str, stored: str | None) -> bool:
    normal = passwords.normal(password)
    # A password that was chosen before they were normalised was kept as it was typed.
    return await seat.fits(normal, stored) or (normal != password and await seat.fits(password, stored))


async def sign_in(database: Database, account: str, password: str, place: Place) -> tuple[uuid.UUID, str]:
    """The account's id, and the hash that the password fitted. Problems: 401 wrong; 429 too many tries from this place; 503 too many in all.

    No stranger locks anybody out: tries are counted by place. A device that has signed in before has a count of its own; so has
    an address. What others try never refuses the first two tries from anywhere (docs/adr/0013).
    """
    name = passwords.canonical_account(account)
    names = [name, passwords.as_kept_before(account)]
    # Before a seat is taken: anybody may have many devices made, and those that are kept are for devices that the account knows.
    known_device = await _knows_device(database, name, names, place)
    if not known_device:
        limits.refuse_full(subject for subject, _ in place.subjects("sign-in"))
    async with hashing.seat(place.share if known_device else place.network, known=known_device) as seat:
        async with database.acquire() as connection:
            found = await connection.fetchrow(queries.ACCOUNT_FOR_SIGN_IN, names, [place.mark, place.device_mark], name)
            known: set[str] = set(found["known"]) if found else set()
            counted, own = await _count(connection, name, place, known)
        # No connection is held while a password is hashed.
        fits = await _fits(seat, password, found["password_hash"] if found else None)
    if not fits or found is None:
        raise Problem(401, "wrong-password", headers={"www-authenticate": "Bearer"})
    async with database.acquire() as connection:
        await limits.give_back(connection, counted, [own, _strange(place)])
        await limits.take(connection, ("signed-in", str(found["id"])), _SESSIONS, _SESSIONS_WINDOW)
    return found["id"], found["password_hash"]


async def still_fits(connection: Connection, account_id: uuid.UUID, stored: str) -> None:
    """Problem 401 when the password was changed, or the account closed, since it was checked. The account's row is held until
    commit: whoever changes it then ends the session that is begun here."""
    if not await connection.fetchval(queries.STILL_FITS, account_id, stored):
        raise Problem(401, "wrong-password", headers={"www-authenticate": "Bearer"})


def _strange(place: Place) -> Subject:
    return "sign-in-strange-device", place.device_mark or ""


async def _knows_device(database: Database, name: str, names: list[str], place: Place) -> bool:
    """Whether the account knows the device. One that tried several accounts which do not know it is no longer looked up."""
    if place.device_mark is None or limits.is_full(_strange(place)):
        return False
    async with database.acquire() as connection:
        found = await connection.fetchrow(queries.ACCOUNT_FOR_SIGN_IN, names, [place.device_mark], name)
        if found is not None and place.device_mark in found["known"]:
            return True
        tries, seconds = await limits.count(connection, _strange(place), _WINDOW)
        if tries >= _STRANGE:
            limits.remember_full(limits.key(_strange(place)), seconds)
    return False


async def _count(connection: Connection, name: str, place: Place, known: set[str]) -> tuple[list[Subject], Subject]:
    """Count a try: what it was counted under and is given back when the password is right, and the count of this place alone.
    An unknown name is counted as a known one."""
    if place.device_mark is not None and place.device_mark in known:
        own: Subject = ("sign-in-device", name, place.device_mark)
        await limits.take(connection, own, _FROM_PLACE, _WINDOW)
        return [], own
    own = ("sign-in", name, place.network)
    limits.refuse_full([own])
    tries, seconds = await limits.count(connection, own, _WINDOW)
    if tries > _FROM_PLACE:
        raise limits.full(own, seconds)
    counted: list[Subject] = []
    for subject, times in place.subjects("sign-in"):
        await limits.take(connection, subject, _FROM_ADDRESS * times, _WINDOW)
        counted.append(subject)
    if place.mark not in known:
        await _count_stranger(connection, name, tries, seconds, counted)
    return counted, own


async def _count_stranger(connection: Connection, name: str, tries: int, seconds: int, counted: list[Subject]) -> None:
    wrong, _ = await limits.count(connection, ("sign-in-account", name), _WINDOW)
    if wrong > _IS_ATTACK and tries > _WHILE_ATTACKED:
        raise limits.throttled(seconds)
    counted.append(("sign-in-account", name))
    try:
        await limits.take(connection, _STRANGERS, _IN_ALL, _IN_ALL_WINDOW)
    except Problem as full:
        raise Problem(503, "busy", headers=full.headers) from None
    counted.append(_STRANGERS)


async def remember(connection: Connection, account_id: uuid.UUID, place: Place, device: str | None) -> None:
    """From now on this account is known to sign in from this address, and with this device (its mark)."""
    for mark in (place.mark, device):
        if mark is not None:
            await connection.execute(queries.REMEMBER_PLACE, account_id, mark)


async def forget_places(connection: Connection, account_id: uuid.UUID) -> None:
    """When its password is changed, an account is known nowhere: who knew the old one is a stranger."""
    await connection.execute(queries.FORGET_PLACES, account_id)


async def add_session(connection: Connection, account_id: uuid.UUID, token: str, device: str) -> Any:
    """The session's row: id and expiry. The same token twice is one session (sessions.token_hash is unique).
    Problem 422 when it was ended: a key begins one session, not two."""
    row = await connection.fetchrow(
        queries.ADD_SESSION, uuid.uuid4(), account_id, hash_token(token), device, settings().session_days
    )
    if row is None:
        raise Problem(422, "key-reused")
    return row


async def profile(connection: Connection, account_id: uuid.UUID, name: str, account: str | None) -> dict[str, Any]:
    """Name and roles, each with what it is held for; `cells` and `units` gather what the roles name; `published`: there is a public map."""
    roles = [dict(row) for row in await connection.fetch(queries.GRANTS, account_id)]

    def held(kind: str) -> list[dict[str, str]]:
        found = {r["held_for"]["id"]: r["held_for"]["name"] for r in roles if r["held_for"] and r["held_for"]["kind"] == kind}
        return [{"id": key, "name": value} for key, value in found.items()]

    return {
        "id": str(account_id), "name": name, "account": account, "roles": roles, "cells": held("cell"), "units": held("unit"),
        "published": settings().public,
    }  # fmt: skip
