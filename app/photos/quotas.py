"""How many photographs one account may send, and how much may lie here unfinished."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from app.kit.db import Connection
from app.kit.problems import Problem
from app.kit.quota import Quota
from app.photos import queries
from app.settings import settings

_MEAN_BYTES = 4_000_000
_MOST_WAITING_BYTES = 2_000_000_000
_AGAIN_S = 300
# Whoever sends so many files in a minute that are no photographs waits so long for the answer to each further one.
_BAD_AT_ONCE, BAD_PAUSE_S, _BAD_KEPT_S, _BAD_ACCOUNTS = 10, 0.25, 60.0, 10_000
_bad: dict[UUID, tuple[int, float]] = {}

_photos: Quota[UUID] = Quota(lambda: settings().photos_an_hour, "photos-many")
_bytes: Quota[UUID] = Quota(lambda: settings().photos_an_hour * _MEAN_BYTES, "photos-many")


def check(account: UUID, bytes: int) -> None:
    """Problem 429 with Retry-After before a photograph is read that would be one too many in an hour."""
    _photos.check(account)
    _bytes.check(account, bytes)


def spend(account: UUID, bytes: int) -> None:
    _photos.spend(account)
    _bytes.spend(account, bytes)


def pause_after_bad(account: UUID) -> float:
    """How long the account's next file waits after one that was no photograph: reading those costs everybody, and nobody has many."""
    now = time.monotonic()
    count, until = _bad.pop(account, (0, 0.0))
    count = count + 1 if now < until else 1
    if len(_bad) >= _BAD_ACCOUNTS:
        del _bad[next(iter(_bad))]
    _bad[account] = count, now + _BAD_KEPT_S
    return BAD_PAUSE_S if count > _BAD_AT_ONCE else 0.0


async def check_open(connection: Connection, account: UUID, id: UUID, bytes: int) -> None:
    """Problem 429 for a new upload beside too many unfinished ones. The lock orders what one account begins at once."""
    await connection.execute(queries.LOCK_UPLOADS, str(account))
    waiting: Any = await connection.fetchrow(queries.OPEN_UPLOADS, account, id)
    if waiting["known"]:
        return
    if waiting["count"] >= settings().open_uploads or waiting["bytes"] + bytes > max(
        _MOST_WAITING_BYTES, settings().max_photo_bytes
    ):
        raise Problem(429, "quota", headers={"retry-after": str(_AGAIN_S)}, sentence="uploads-open")
