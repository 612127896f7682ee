"""Delta sync: everything in a caller's scope that changed since a cursor.

A cursor holds a snapshot of the database (`pg_current_snapshot`), not a time or a number: what the snapshot did not see has
changed since, whichever transaction began first. The first cursor is a snapshot that saw nothing, so the first sync and the
later ones are one statement. In the middle of a long answer it also holds the snapshot at which that answer ends, and the
last key; what changes meanwhile comes with the next one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from app.issues import reading
from app.issues.reading import FIRST_KEY
from app.kit import paging
from app.kit.datum import Datum
from app.kit.db import Connection, Database
from app.kit.problems import Problem

_NOTHING_SEEN = "1:1:"
_DAYS = 30


@dataclass(frozen=True, slots=True)
class Cursor:
    """`reach` is a mark of the caller's roles: with other roles other issues are in scope, and the phone starts again."""

    lineage: str
    reach: str | None
    taken_at: int
    base: str = _NOTHING_SEEN
    target: str | None = None
    key: tuple[str, str] = FIRST_KEY
    open_only: bool = False
    # How many more the phone has room for, while the first sync goes on.
    room: int | None = None

    def seal(self, secret: bytes) -> str:
        parts = [self.lineage, self.reach, self.taken_at, self.base, self.target, self.key, self.open_only, self.room]
        return paging.seal(secret, "changes", parts)


def _over() -> Problem:
    return Problem(410, "cursor-over")


def read_cursor(database: Database, secret: bytes, text: str | None, open_only: bool = False, most: int | None = None) -> Cursor:
    """The cursor that a phone sent, or the first one. Problems: 422 not one of ours; 410 too old, or from another database."""
    if text is None:
        return Cursor(database.lineage, None, int(time.time()), open_only=open_only, room=most)
    lineage, reach, taken_at, base, target, key, open_only, *room = paging.unseal(secret, "changes", text)
    if lineage != database.lineage or time.time() - taken_at > _DAYS * 86400:
        raise _over()
    return Cursor(lineage, reach, taken_at, base, target, (key[0], key[1]), open_only, room[0] if room else None)


async def since(
    connection: Connection, token: bytes, cursor: Cursor, limit: int, datum: Datum
) -> tuple[Cursor, list[dict[str, Any]], list[str], bool]:
    """(next cursor, issues, ids that left the scope, whether there is more now). Problem 410 when the caller's roles changed."""
    first = cursor.base != _NOTHING_SEEN and cursor.key == FIRST_KEY
    found = await reading.nothing_changed(connection, token, cursor.base) if first else None
    if found is None:
        from_open = cursor.open_only and cursor.base == _NOTHING_SEEN
        found = await reading.changed(
            connection, token, cursor.base, cursor.target, cursor.key, from_open, first, limit, datum
        )  # fmt: skip
    reach = f"{found.account_id}{found.reach}"
    if cursor.reach not in (None, reach):
        raise _over()
    room = None if cursor.room is None else cursor.room - len(found.items)
    if found.key is not None and (room is None or room > 0):
        return replace(cursor, reach=reach, target=found.target, key=found.key, room=room), found.items, found.removed, True
    taken_at = cursor.taken_at if cursor.target else int(time.time())
    following = Cursor(cursor.lineage, reach, taken_at, found.target, open_only=cursor.open_only)
    return following, found.items, found.removed, False


async def from_now(connection: Connection, token: bytes, cursor: Cursor, datum: Datum) -> Cursor:
    """A cursor that has seen everything there is at this moment."""
    snapshot: Any = await connection.fetchval("select pg_current_snapshot()::text")
    following, _, _, _ = await since(connection, token, replace(cursor, base=snapshot, target=snapshot), 1, datum)
    return following
