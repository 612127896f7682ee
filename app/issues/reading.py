"""Reading issues as a caller may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.issues import list_queries, queries
from app.issues.lifecycle import open_actions
from app.kit import paging
from app.kit.datum import Datum, from_wgs84
from app.kit.db import Connection
from app.kit.problems import not_found
from app.kit.route import unauthorized
from app.kit.times import clamped

_NOTHING: list[Any] = []


def _ref(id: str | None, name: str | None) -> dict[str, Any] | None:
    return None if id is None else {"id": id, "name": name}


def outcome(state: str, unresolved: str | None) -> str | None:
    """How a closed issue ended: mended, or given up for a reason. What was closed unresolved is counted as a success nowhere."""
    return None if state != "closed" else "unresolved" if unresolved else "resolved"


def issue_json(row: Any, datum: Datum = "wgs84") -> dict[str, Any]:
    """The wire form (schemas.Issue) of a row of `queries.ONE`."""
    lat, lon = row["lat"], row["lon"]
    if datum != "wgs84":
        lat, lon = from_wgs84(lat, lon, datum)
    return {
        "id": row["id"],
        "number": row["number"],
        "state": row["state"],
        "category": row["category"],
        "position": {"lat": lat, "lon": lon},
        "cell": _ref(row["cell_id"], row["cell_name"]),
        "area": _ref(row["area_id"], row["area_name"]),
        "place": row["place"],
        "note": row["note"],
        "unit": _ref(row["unit_id"], row["unit_name"]),
        "assignee": _ref(row["assignee_id"], row["assignee_name"]),
        "deadline": clamped(row["deadline"]),
        "first_deadline": clamped(row["first_deadline"]),
        "extensions": row["extensions"],
        "overdue": bool(row["overdue"]),
        "extension_until": clamped(row["extension_until"]),
        "handover": {"authority": row["authority"], "reply_by": clamped(row["reply_by"])} if row["authority"] else None,
        "recurrence_of": row["recurrence_of"],
        "recurrences": row["recurrences"],
        "merged_into": row["merged_into"],
        "premises": _ref(row["premises_id"], row["premises_name"]),
        "reports": row["reports"],
        "photos": orjson.Fragment(row["photos"]) if row["photos"] else _NOTHING,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "outcome": outcome(row["state"], row["unresolved"]),
        "reason_code": row["unresolved"],
        "version": row["version"],
        "evidence_missing": row["evidence_missing"],
        "actions": open_actions(row["state"], row["relation"], row["ended_lately"], row["evidence_missing"]),
    }


def etag(version: int) -> str:
    return f'"{version}"'


async def one(
    connection: Connection, token: bytes, id: UUID, datum: Datum = "wgs84", just_changed: bool = False
) -> dict[str, Any]:
    """One issue; 404 when there is none for this caller. `just_changed` by the caller: also when it left their sight by that."""
    row = await connection.fetchrow(queries.ONE_JUST_CHANGED if just_changed else queries.ONE, token, id)
    if row is None:
        raise unauthorized()
    if row["id"] is None:
        raise not_found()
    return issue_json(row, datum)


async def listed(
    connection: Connection,
    token: bytes,
    secret: bytes,
    filters: dict[str, Any],
    sort: str,
    cursor: str | None,
    limit: int,
    datum: Datum,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of issues and the cursor of the next. `filters` maps names of `list_queries.issues` to values."""
    keys: list[Any] = []
    if cursor:
        at, id = paging.unseal(secret, sort, cursor)
        keys = ["infinity" if at is None else at, UUID(id)]
    names = tuple(sorted(filters))
    values = [filters[name] for name in names if name not in list_queries.VALUELESS]
    statement = list_queries.issues(names, sort, bool(cursor), paging.rows_for(limit))
    rows = await connection.fetch(statement, token, *keys, *values)
    if not rows:
        raise unauthorized()
    if rows[0]["id"] is None:
        return [], None
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        at = last["sort_key"]
        # asyncpg reads PostgreSQL's `infinity` as datetime.max without a zone, and every other instant with one.
        following = paging.seal(secret, sort, [None if at.tzinfo is None else at.isoformat(), last["id"]])
    return [issue_json(row, datum) for row in rows[:limit]], following


def _happened(row: Any) -> dict[str, Any]:
    """The wire form (schemas.TimelineEntry) of an event; a name only where the caller may know it."""
    return {
        "version": row["version"], "action": row["action"], "from": row["from"], "to": row["to"], "at": row["at"],
        "by": {"as": row["acted_as"], "id": row["actor_id"] if row["actor_name"] else None, "name": row["actor_name"]},
        "report": row["report"], "data": row["data"],
    }  # fmt: skip


async def timeline(connection: Connection, token: bytes, id: UUID, after: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """What happened to an issue after a version, oldest first, and whether there is more; 404 when there is none for this caller."""
    rows = await connection.fetch(queries.TIMELINE, token, id, after, limit + 1)
    if not rows:
        raise unauthorized()
    if rows[0]["issue"] is None:
        raise not_found()
    return [_happened(row) for row in rows[:limit] if row["version"] is not None], len(rows) > limit


async def timelines(connection: Connection, token: bytes, ids: list[UUID]) -> dict[str, list[dict[str, Any]]]:
    """Everything that happened to issues, oldest first, by their ids; nothing of those outside the caller's scope."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in await connection.fetch(queries.TIMELINES, token, ids):
        found.setdefault(row["issue"], []).append(_happened(row))
    return found


async def ids(connection: Connection, token: bytes, filters: dict[str, Any], since: datetime, until: datetime) -> list[UUID]:
    """Ids of every issue of a filter that was reported in a span, newest first."""
    names = tuple(sorted(filters))
    values = [filters[name] for name in names if name not in list_queries.VALUELESS]
    rows = await connection.fetch(list_queries.ids(names), token, since, until, *values)
    if not rows:
        raise unauthorized()
    return [row["id"] for row in rows if row["id"] is not None]


async def by_ids(connection: Connection, token: bytes, ids: list[UUID]) -> list[dict[str, Any]]:
    """Issues by their ids, in that order, without those that have left the caller's scope."""
    return [issue_json(row) for row in await connection.fetch(list_queries.BY_IDS, token, ids)]


async def oldest(connection: Connection) -> datetime | None:
    """When the first issue of all was reported."""
    return await connection.fetchval(list_queries.OLDEST)


async def serves(connection: Connection, account: UUID, area: UUID) -> bool:
    """Whether somebody holds a role in an area, above or below it; nobody takes that back before this transaction ends."""
    await connection.execute(queries.LOCK_PERSON, account)
    return bool(await connection.fetchval(queries.PERSON_SERVES, account, area))


async def record(connection: Connection, token: bytes) -> tuple[UUID, dict[str, Any]]:
    """The caller's account, and what became of what he reported."""
    row = await connection.fetchrow(queries.RECORD, token)
    if row is None:
        raise unauthorized()
    return row["account_id"], {key: row[key] for key in ("name", "reports", "closed", "unresolved", "cleared")}


FIRST_KEY = ("18446744073709551615", "ffffffff-ffff-ffff-ffff-ffffffffffff")


@dataclass(frozen=True, slots=True)
class Changed:
    """What one snapshot of the database did not see and `target` does; `key` of the last item when there is more."""

    items: list[dict[str, Any]]
    removed: list[str]
    target: str
    reach: str
    account_id: UUID
    key: tuple[str, str] | None


async def changed(
    connection: Connection, token: bytes, base: str, target: str | None, key: tuple[str, str], open_only: bool, first: bool,
    limit: int, datum: Datum,
) -> Changed:  # fmt: skip
    """Issues in the caller's scope that changed between two snapshots, latest first; with the `first` page of a delta also
    the ids of what left the scope."""
    statement = queries.CHANGED[paging.rows_for(limit)]
    rows = await connection.fetch(statement, token, base, target, *key, open_only, first)
    if not rows:
        raise unauthorized()
    head = rows[0]
    shown = [row for row in rows[:limit] if row["id"] is not None]
    return Changed(
        [issue_json(row, datum) for row in shown], head["removed"] or [], head["target"], head["reach"], head["account_id"],
        (shown[-1]["tx"], shown[-1]["id"]) if len(rows) > limit else None,
    )  # fmt: skip


async def nothing_changed(connection: Connection, token: bytes, base: str) -> Changed | None:
    """The answer when a snapshot has seen everything in the caller's scope; None when there is something to read."""
    row = await connection.fetchrow(queries.ANY_CHANGED, token, base)
    if row is None:
        raise unauthorized()
    return None if row["any"] else Changed([], [], row["target"], row["reach"], row["account_id"], None)


async def renumber(connection: Connection) -> None:
    """After a dump was restored on another database server: mark every issue as changed now."""
    if await connection.fetchval(queries.DATABASE_CHANGED):
        for statement in queries.RENUMBER:
            await connection.execute(statement)
