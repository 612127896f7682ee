"""Signing in, and the tokens that come of it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import uuid
from datetime import timedelta
from typing import Any

from pwdlib import PasswordHash

from app.kit.db import Connection, Database
from app.kit.problems import Problem
from app.people import queries
from app.settings import settings

_hasher = PasswordHash.recommended()
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))
_WINDOW = timedelta(minutes=15)
_TRIES_FROM_ONE_PLACE, _TRIES_FOR_ACCOUNT = 8, 60


async def hash_password(password: str) -> str:
    """Argon2id; in a thread, since it takes tens of milliseconds by intent."""
    return await asyncio.to_thread(_hasher.hash, password)


async def password_fits(password: str, stored: str | None) -> bool:
    """An unknown account costs the same time as a wrong password."""
    fits = await asyncio.to_thread(_hasher.verify, password, stored or _NOBODY)
    return fits and stored is not None


def mint(secret: bytes, *seed: str) -> str:
    """A token of 256 bits: random, or, from a seed, the same each time, so that a repeated request gets the same one."""
    if not seed:
        return secrets.token_urlsafe(32)
    # Each part is preceded by its length: no two seeds run together alike.
    text = "".join(f"{len(part)}:{part}" for part in seed)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def sign_in(database: Database, account: str, password: str, address: str) -> uuid.UUID:
    """The account's id. Problems: 401 wrong, 429 throttled (by account and address, and by account alone)."""
    account = account.lower()
    subjects = [f"sign-in {account} {address}"[:300], f"sign-in {account}"[:300]]
    async with database.acquire() as connection:
        for subject, limit in zip(subjects, (_TRIES_FROM_ONE_PLACE, _TRIES_FOR_ACCOUNT), strict=True):
            row: Any = await connection.fetchrow(queries.THROTTLE, subject, _WINDOW)
            if row["count"] > limit:
                seconds = max(1, row["seconds"])
                raise Problem(429, "throttled", headers={"retry-after": str(seconds)}, seconds=seconds)
        found = await connection.fetchrow(queries.ACCOUNT_FOR_SIGN_IN, account)
    if not await password_fits(password, found["password_hash"] if found else None) or found is None:
        raise Problem(401, "wrong-password", headers={"www-authenticate": "Bearer"})
    async with database.acquire() as connection:
        await connection.execute(queries.UNTHROTTLE, subjects)
    return found["id"]


async def add_session(connection: Connection, account_id: uuid.UUID, token: str, device: str) -> Any:
    """The session's row: id and expiry. The same token twice is one session (sessions.token_hash is unique)."""
    return await connection.fetchrow(
        queries.ADD_SESSION, uuid.uuid4(), account_id, hash_token(token), device, settings().session_days
    )


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
