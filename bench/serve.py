"""Servers to be measured, each in one process: `python -m bench.serve ours|bare URL PORT`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import Response

from app.kit import policy
from app.kit.route import Route, TheCaller
from app.kit.wire import answer
from app.main import create_app


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

        state["pool"] = await asyncpg.create_pool(url, min_size=16, max_size=16, reset=keep, server_settings={"jit": "off"})
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

    _ = put, issues
    return app


def ours(url: str) -> FastAPI:
    """The service, with one route more that only signs in: what an answer costs at least."""

    async def empty(caller: TheCaller) -> Response:
        return answer({})

    app = create_app(url, Path(tempfile.mkdtemp(prefix="gridpatrol-photos-")))
    policy.ROUTES["GET", "/bench/empty"] = policy.SIGNED_IN
    app.router.routes.insert(0, Route("/bench/empty", empty, methods=["GET"]))
    return app


def main(which: str, url: str, port: int) -> None:
    app = ours(url) if which == "ours" else bare_app(url)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
