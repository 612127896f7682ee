"""Servers to be measured, each in one process: `python -m bench.serve ours|working|bare|tipg URL PORT`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import Response

from app.kit import policy
from app.kit.connections import Connection
from app.kit.route import Route, TheCaller
from app.kit.wire import answer
from app.main import create_app
from app.settings import settings


class Point(BaseModel):
    lat: float
    lon: float


class BareReport(BaseModel):
    category: str
    position: Point
    observed_at: datetime
    note: str = ""


def bare_app(url: str) -> FastAPI:
    """What the service is held against: FastAPI and asyncpg, nothing between."""
    state: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async def keep(connection: Any) -> None: ...

        state["pool"] = await asyncpg.create_pool(url, min_size=8, max_size=8, reset=keep, server_settings={"jit": "off"})
        yield
        await state["pool"].close()

    app = FastAPI(lifespan=lifespan)

    @app.put("/v1/reports/{id}")
    async def put(id: UUID, report: BareReport) -> Response:
        async with state["pool"].acquire() as connection:
            await connection.execute(
                "insert into bare_points values ($1, $2, st_setsrid(st_makepoint($3, $4), 4326), $5, $6)",
                id, report.category, report.position.lon, report.position.lat, report.observed_at, report.note,
            )  # fmt: skip
        return Response(orjson.dumps({"id": str(id)}), 201, media_type="application/json")

    @app.get("/v1/issues")
    async def issues(cell: UUID) -> Response:
        async with state["pool"].acquire() as connection:
            rows = await connection.fetch(
                "select id::text, number, state, category, st_y(position) as lat, st_x(position) as lon, cell_id::text, area_id::text, "
                "place, note, unit_id::text, assignee_id::text, deadline, extension_until, authority, reply_by, recurrence_of::text, "
                "merged_into::text, reports, created_at, updated_at, closed_at, version from issues "
                "where cell_id = $1 and is_open order by created_at desc, id desc limit 50", cell,
            )  # fmt: skip
        return Response(orjson.dumps([dict(row) for row in rows]), media_type="application/json")

    async def fetch(statement: str, *values: Any) -> Response:
        async with state["pool"].acquire() as connection:
            rows = await connection.fetch(statement, *values)
        return Response(orjson.dumps([dict(row) for row in rows]), media_type="application/json")

    @app.get("/v1/issues/nearby")
    async def nearby(category: str, lat: float, lon: float) -> Response:
        return await fetch(
            "select id::text, number, state, category, st_y(position) as lat, st_x(position) as lon, place, note, reports, created_at from issues "
            "where is_open and category = $1 and mercator && st_expand(st_transform(st_setsrid(st_makepoint($2, $3), 4326), 3857), 60) "
            "and st_distancesphere(position, st_setsrid(st_makepoint($2, $3), 4326)) <= 50 limit 10", category, lon, lat,
        )  # fmt: skip

    @app.get("/v1/issues/{id}")
    async def issue(id: UUID) -> Response:
        return await fetch(
            "select id::text, number, state, category, st_y(position) as lat, st_x(position) as lon, cell_id::text, area_id::text, "
            "place, note, unit_id::text, assignee_id::text, deadline, extension_until, authority, reply_by, recurrence_of::text, "
            "merged_into::text, reports, created_at, updated_at, closed_at, version from issues where id = $1", id,
        )  # fmt: skip

    @app.get("/tiles/{z}/{x}/{y}")
    async def tile(z: int, x: int, y: int) -> Response:
        async with state["pool"].acquire() as connection:
            content = await connection.fetchval(
                "select st_asmvt(t, 'issues', 4096, 'geom') from (select id::text, category, state, "
                "st_asmvtgeom(geom, st_tileenvelope($1, $2, $3), 4096, 64, true) as geom from bare_open "
                "where geom && st_tileenvelope($1, $2, $3)) t", z, x, y,
            )  # fmt: skip
        return Response(content, media_type="application/vnd.mapbox-vector-tile")

    _ = put, issues, nearby, issue, tile
    return app


def ours(url: str) -> FastAPI:
    """The service, with one route more that only signs in: what an answer costs at least."""

    async def empty(caller: TheCaller) -> Response:
        return answer({})

    settings().reports_an_hour = 10**9  # one account plays a whole city's
    app = create_app(url, Path(tempfile.mkdtemp(prefix="gridpatrol-photos-")))
    policy.ROUTES["GET", "/bench/empty"] = policy.SIGNED_IN
    app.router.routes.insert(0, Route("/bench/empty", empty, methods=["GET"]))
    return app


def working(url: str) -> FastAPI:
    """The service with its worker, as `gridpatrol run` has it."""
    return create_app(url, Path(tempfile.mkdtemp(prefix="gridpatrol-photos-")), work=True)


def tipg_app(url: str) -> Any:
    """tipg, serving the same tables: all that is asked of a tile, and no metrics or viewer beside."""
    # The socket's folder as the host, since tipg wants one.
    parts = urlsplit(url)
    socket = parse_qs(parts.query)["host"][0]
    os.environ.update(
        DATABASE_URL=f"postgresql://{parts.username}@{quote(socket, safe='')}{parts.path}",
        TIPG_DB_TABLES='["public.bare_open", "public.issues"]', TIPG_DB_SPATIAL_EXTENT="false", TIPG_DB_DATETIME_EXTENT="false",
        TIPG_MAX_FEATURES_PER_TILE="200000", DB_MAX_CONN_SIZE="8", DB_MIN_CONN_SIZE="8", TIPG_CATALOG_TTL="3600",
    )  # fmt: skip
    from tipg.main import app

    return app


def main(which: str, url: str, port: int) -> None:
    app = {"ours": ours, "working": working, "bare": bare_app, "tipg": tipg_app}[which](url)
    protocol = Connection if which in ("ours", "working") else "auto"
    uvicorn.run(app, host="127.0.0.1", port=port, http=protocol, access_log=False, log_config=None, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
