"""How often something may be tried: counters in the database, which all processes share.

A subject is a kind and its parts, kept as a hash in which every part is preceded by its length: no two subjects run together,
and no name that a stranger invents is kept. A counter that is full is remembered here until it begins anew, so that a flood of
refused tries costs no statement.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from app.kit.db import Connection, Database
from app.kit.problems import Problem
from app.people import queries
from app.people.hashing import REFUSED

Subject = tuple[str, ...]
_MOST_REMEMBERED = 10_000
# Until when a full counter is full, by this process's own clock.
_full: OrderedDict[str, float] = OrderedDict()


def key(subject: Subject) -> str:
    text = "".join(f"{len(part)}:{part}" for part in subject)
    return f"{subject[0]} {hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:40]}"


def throttled(seconds: int) -> Problem:
    REFUSED.labels("throttled").inc()
    return Problem(429, "throttled", headers={"retry-after": str(seconds)}, seconds=seconds)


def refuse_full(subjects: Iterable[Subject]) -> None:
    """Problem 429 for a subject that is known to have used up its tries."""
    for subject in subjects:
        until = _full.get(key(subject))
        if until is not None and (left := until - time.monotonic()) > 0:
            raise throttled(max(1, round(left)))


def is_full(subject: Subject) -> bool:
    """Whether a subject is known to have used up its tries."""
    return _full.get(key(subject), 0.0) > time.monotonic()


def remember_full(subject: str, seconds: int) -> None:
    """That the counter of this key is full for so many seconds."""
    _full[subject] = time.monotonic() + seconds
    _full.move_to_end(subject)
    if len(_full) > _MOST_REMEMBERED:
        _full.popitem(last=False)


def full(subject: Subject, seconds: int) -> Problem:
    """The refusal of a subject that has used up its tries for so many seconds."""
    remember_full(key(subject), seconds)
    return throttled(seconds)


def forget() -> None:
    """As after a new start."""
    _full.clear()


async def count(connection: Connection, subject: Subject, window: timedelta) -> tuple[int, int]:
    """Count one try; how many there are in this window, and the seconds until the next one begins. The counter's row orders
    tries that are made at once. Outside of any transaction, or a refusal would take the count back."""
    row: Any = await connection.fetchrow(queries.THROTTLE, key(subject), window)
    return row["count"], max(1, row["seconds"])


async def take(connection: Connection, subject: Subject, limit: int, window: timedelta) -> None:
    """Count one try. Problem 429 with Retry-After when it is one too many."""
    refuse_full([subject])
    tries, seconds = await count(connection, subject, window)
    if tries > limit:
        raise full(subject, seconds)


async def allow(database: Database, subject: Subject, limit: int, window: timedelta) -> None:
    """The same on a connection of its own, given back at once."""
    refuse_full([subject])
    async with database.acquire() as connection:
        await take(connection, subject, limit, window)


async def give_back(connection: Connection, subjects: Iterable[Subject], over: Iterable[Subject] = ()) -> None:
    """Tries that were none: one less for each of `subjects`, and no count at all for those that are `over`."""
    await connection.execute(queries.GIVE_BACK, [key(subject) for subject in subjects])
    ended = [key(subject) for subject in over]
    await connection.execute(queries.UNTHROTTLE, ended)
    for subject in ended:
        _full.pop(subject, None)
