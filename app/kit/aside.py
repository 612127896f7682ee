"""What keeps failing is set aside, so that the rest goes on.

Followers of the event log and the clock do many things in one statement. When one of them cannot be done (a row that somebody wrote by
hand, a fault of ours), the statement fails each time, and with it everything after it, for everybody. After some tries the bad ones are
found by halving, each half in a savepoint; they are noted in `set_aside`, told in the log and counted in a metric, and the rest is done.
A database that is away, busy or out of room is nobody's fault, and only tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import structlog

from app.kit.db import Connection, Database

log = structlog.get_logger()

TRIES = 3
_failures: Counter[str] = Counter()

# Classes of SQLSTATE that say nothing about what was asked: connection, transaction state, conflicts, resources, waiting, an operator, the system.
_PASSING = ("08", "25", "40", "53", "55", "57", "58")

SET_ASIDE = """
insert into set_aside (follower, subject, error) values ($1, $2, $3)
on conflict (follower, subject) do update set error = excluded.error, at = now()
"""
# The lock on its row lets one worker follow at a time; what it read and what came since the last time are of one snapshot.
EVENTS = """
with f as materialized (select snapshot::pg_snapshot as base from followers where name = $1 for update skip locked)
select pg_current_snapshot()::text as snapshot, coalesce((
  select array_agg(e.id order by e.id) from f join events e on e.tx >= pg_snapshot_xmin(f.base) and not pg_visible_in_snapshot(e.tx, f.base)
), '{}') as ids from f
"""
GO_ON = "update followers set snapshot = $2 where name = $1"


def is_passing(error: BaseException) -> bool:
    """Whether trying again may help by itself."""
    if isinstance(error, asyncpg.PostgresError):
        return str(getattr(error, "sqlstate", "")).startswith(_PASSING)
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError)


async def kept_going(follower: str, whole: Callable[[], Awaitable[int]], sift: Callable[[], Awaitable[int]]) -> int:
    """Do `whole`; when it has failed for a reason of its own as often as TRIES, do `sift` instead. State of one process: another worker
    has tries of its own."""
    try:
        done = await whole()
    except Exception as error:
        if is_passing(error):
            raise
        _failures[follower] += 1
        if _failures[follower] < TRIES:
            raise
    else:
        _failures.pop(follower, None)
        return done
    done = await sift()
    _failures.pop(follower, None)
    return done


async def one_by_one(
    connection: Connection, follower: str, subjects: Sequence[Any], do: Callable[[Connection, list[Any]], Awaitable[int]]
) -> int:
    """Do all subjects but those that cannot be done, which are set aside. What one half did is kept when the other fails."""
    if not subjects:
        return 0
    try:
        async with connection.transaction():
            return await do(connection, list(subjects))
    except Exception as error:
        if is_passing(error):
            raise
        if len(subjects) == 1:
            await put(connection, follower, str(subjects[0]), error)
            return 0
    half = len(subjects) // 2
    first = await one_by_one(connection, follower, subjects[:half], do)
    return first + await one_by_one(connection, follower, subjects[half:], do)


async def put(connection: Connection, follower: str, subject: str, error: BaseException) -> None:
    log.error("set aside, the rest goes on", follower=follower, subject=subject, error=error)
    await connection.execute(SET_ASIDE, follower, subject, type(error).__name__)


async def sift_events(database: Database, follower: str, do: Callable[[Connection, list[Any]], Awaitable[int]]) -> int:
    """Do what happened since the last time event by event, and go on behind it."""
    async with database.transaction() as connection:
        row = await connection.fetchrow(EVENTS, follower)
        if row is None:  # another worker is at it
            return 0
        done = await one_by_one(connection, follower, row["ids"], do)
        await connection.execute(GO_ON, follower, row["snapshot"])
        return done
