"""HTTP of walks and coverage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from app.kit import paging
from app.kit.access import Caller
from app.kit.datum import Datum, to_wgs84
from app.kit.problems import invalid, not_found
from app.kit.route import Route, Secret, TheCaller, Transaction
from app.kit.wire import Accuracy, Claim, Day, Lat, Lon, Note, Wire, answer, page
from app.patrols import queries, walking
from app.patrols.schemas import Coverage, Patrol, Patrols, PointsKept

router = APIRouter(route_class=Route, tags=["patrols"])


class PatrolIn(Wire):
    """A walk: `people` how many walked together; `ended_at` when it has ended."""

    started_at: Claim
    ended_at: Claim | None = None
    people: Annotated[int, Field(ge=1, le=100)] = 1
    note: Note = ""


class PointIn(Wire):
    at: Claim
    lat: Lat
    lon: Lon
    accuracy_m: Accuracy | None = None


class PointsIn(Wire):
    points: Annotated[list[PointIn], Field(min_length=1, max_length=5000)]
    datum: Datum = "wgs84"


def _who(caller: Caller) -> tuple[Any, ...]:
    return caller.account_id, caller.is_admin, caller.staffs, caller.leads


@router.put("/v1/patrols/{id}", responses={200: {"model": Patrol}, 201: {"model": Patrol}})
async def put_patrol(id: UUID, wish: PatrolIn, caller: TheCaller, connection: Transaction) -> Response:
    """Begin a walk, or end it. Sent again it is the same walk; a wrong clock is marked, and the time of receipt counts."""
    fresh = await walking.put(connection, caller, id, wish.started_at, wish.ended_at, wish.people, wish.note)
    row: Any = await connection.fetchrow(queries.PATROL, *_who(caller), id)
    return answer(dict(row), 201 if fresh else 200)


@router.post("/v1/patrols/{id}/points", responses={200: {"model": PointsKept}})
async def post_points(id: UUID, batch: PointsIn, caller: TheCaller, connection: Transaction) -> Response:
    """Points of the track, up to 5,000 at once, in any order and more than once; `kept` is how many say something new."""
    points = [(p.at, *to_wgs84(p.lat, p.lon, batch.datum), p.accuracy_m) for p in batch.points]
    return answer({"kept": await walking.add_points(connection, caller, id, points)})


@router.get("/v1/patrols", responses={200: {"model": Patrols}})
async def get_patrols(
    caller: TheCaller,
    connection: Transaction,
    secret: Secret,
    mine: bool = False,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)] = paging.DEFAULT_LIMIT,
) -> Response:
    """Walks, latest first: one's own; a leader's cells'; the office's all. Names only for whom they answer to."""
    keys = paging.unseal(secret, "patrols", cursor) if cursor else ["9999-01-01T00:00:00+00:00", str(UUID(int=2**128 - 1))]
    rows = await connection.fetch(queries.PATROLS, *_who(caller), mine, datetime.fromisoformat(keys[0]), UUID(keys[1]), limit + 1)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]["id"]
        at: Any = await connection.fetchval(queries.COUNTED_AT, UUID(last))
        following = paging.seal(secret, "patrols", [at.astimezone(UTC).isoformat(), last])
    return page([dict(row) for row in rows[:limit]], following)


@router.get("/v1/patrols/{id}", responses={200: {"model": Patrol}})
async def get_patrol(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """One walk with its track as GeoJSON, while that is kept."""
    row = await connection.fetchrow(queries.PATROL, *_who(caller), id)
    if row is None:
        raise not_found()
    return answer(dict(row) | {"track": await connection.fetchval(queries.TRACK, id)})


@router.get("/v1/coverage", responses={200: {"model": Coverage}})
async def get_coverage(
    area: UUID,
    caller: TheCaller,
    connection: Transaction,
    since: Annotated[Day | None, Query(description="First day; default: Monday of this week.")] = None,
    until: Annotated[Day | None, Query(description="Last day; default: six days later, at most 62.")] = None,
) -> Response:
    """Cells × days with walks, person-times and what was cleared on the spot; `unwalked` are the cells that nobody walked,
    `behind` those walked less often than planned."""
    zone: Any = await connection.fetchval("select known_zone(time_zone) from areas where id = $1", area)
    if zone is None or not (caller.is_admin or area in caller.reads):
        raise not_found()
    today = datetime.now(ZoneInfo(zone)).date()
    start = since or today - timedelta(days=today.weekday())
    end = until or start + timedelta(days=6)
    if not start <= end <= start + timedelta(days=62):
        raise invalid("/until", "bad-days")
    days = (end - start).days + 1
    cells = [dict(row) for row in await connection.fetch(queries.COVERAGE, area, start, end)]
    return answer({
        "since": start.isoformat(), "until": end.isoformat(), "time_zone": zone, "cells": cells,
        "walked": sum(1 for cell in cells if cell["walks"]), "person_times": sum(cell["person_times"] for cell in cells),
        "behind": [{"id": cell["id"], "name": cell["name"]} for cell in cells if cell["walks"] < cell["rounds_per_week"] * days / 7],
        "unwalked": [{"id": cell["id"], "name": cell["name"]} for cell in cells if not cell["walks"]],
    })  # fmt: skip
