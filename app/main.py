"""The service: wiring, nothing else."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path as Folder
from typing import Annotated, Any, Literal

import asyncpg
import prometheus_client
import structlog
from fastapi import APIRouter, FastAPI, Path, Query, Request
from starlette.responses import PlainTextResponse, Response

from app.catalogue import routes as catalogue_routes
from app.catalogue.catalogue import seed
from app.client import routes as client_routes
from app.duties import routes as duties_routes
from app.grid import routes as grid_routes
from app.issues import routes as issues_routes
from app.issues.public_queries import ANYTHING_PUBLISHED
from app.issues.reading import renumber
from app.kit import logs, openapi, problems
from app.kit.db import Database
from app.kit.jobs import JOBS, RETRY, measure
from app.kit.language import TEXTS, choose
from app.kit.middleware import Outermost
from app.kit.problems import not_found
from app.kit.route import Route, TheCaller, TheDatabase, Transaction, keep_apart
from app.kit.wire import Instant, Wire, answer, page
from app.maps import routes as maps_routes
from app.notices import routes as notices_routes
from app.office import routes as office_routes
from app.oversight import routes as oversight_routes
from app.patrols import routes as patrols_routes
from app.people import managing as managing_routes
from app.people import routes as people_routes
from app.photos import routes as photos_routes
from app.photos.store import open_store
from app.premises import routes as premises_routes
from app.settings import settings
from app.sync import routes as sync_routes
from app.sync.live import Live
from app.worker import working

_STATEMENT_TIMEOUT_S = 30
# The ids of jobs are of 64 bits.
_MOST_ID = 2**63 - 1

log = structlog.get_logger()

operator = APIRouter(route_class=Route, tags=["operator"])


class Status(Wire):
    status: Literal["alive", "ready"]


class JobRow(Wire):
    id: int
    queue: str
    job: str
    state: str
    attempts: int
    arguments: dict[str, Any]
    scheduled_at: Instant | None
    changed_at: Instant | None


class Jobs(Wire):
    items: list[JobRow]
    next_cursor: str | None


@operator.get("/healthz", responses={200: {"model": Status}})
async def healthz() -> Response:
    """The process is alive."""
    return answer({"status": "alive"})


@operator.get("/readyz", responses={200: {"model": Status}})
async def readyz(database: TheDatabase) -> Response:
    """The database answers and the schema is there."""
    async with database.acquire() as connection:
        await connection.fetchval("select version_num from alembic_version")
    return answer({"status": "ready"})


@operator.get("/openapi.json", responses={200: {"model": dict[str, Any]}})
async def description(request: Request) -> Response:
    """This description."""
    return answer(request.app.openapi())


@operator.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
async def metrics(database: TheDatabase) -> Response:
    """Prometheus metrics of this process, and of the queues that all share."""
    # Without a database the rest is told all the same.
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await measure(database)
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)


@operator.get("/v1/jobs", responses={200: {"model": Jobs}})
async def jobs(
    database: TheDatabase, caller: TheCaller, state: Literal["todo", "doing", "failed"] = "failed",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, le=_MOST_ID)] = None,
) -> Response:  # fmt: skip
    """Jobs that failed for good (or wait, or are being done), latest first; `before` is the last id of the page before."""
    async with database.acquire() as connection:
        rows = await connection.fetch(JOBS, state, before, limit)
    return page([dict(row) for row in rows], None)


@operator.post("/v1/jobs/{id}/retry", status_code=204)
async def retry_job(id: Annotated[int, Path(ge=0, le=_MOST_ID)], connection: Transaction, caller: TheCaller) -> Response:
    """Have a failed job tried again, now."""
    if not await connection.fetchval(RETRY, id):
        raise not_found()
    return Response(status_code=204)


@operator.get("/problems/{slug}", responses={200: {"content": {"text/plain": {}}}})
async def problem(slug: str, request: Request) -> Response:
    """What a problem's `type` means."""
    if slug not in TEXTS:
        raise not_found()
    language = choose(request.headers.get("accept-language", ""), settings().language)
    return PlainTextResponse(re.sub(r"\{\w+\}", "…", TEXTS[slug]["zh" if language == "zh-CN" else "en"]))


def create_app(database_url: str, data: Folder, work: bool = False) -> FastAPI:
    """The service on a migrated database, with photographs in the folder `data`; with `work` it does the queue's jobs too."""

    logs.configure()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        database = app.state.database = await Database.open(database_url, settings().pool_size, _STATEMENT_TIMEOUT_S)
        async with database.transaction() as connection:
            await seed(connection)
            await renumber(connection)
            secret: Any = await connection.fetchval("select value from secrets where name = 'server'")
            app.state.secret = secret
            logs.conceal(secret)
            if settings().public and not await connection.fetchval(ANYTHING_PUBLISHED):
                log.warning("nothing is published: GRIDPATROL_PUBLIC lets communities publish, and none does so yet")
        objects = app.state.photos = open_store(data)
        async with AsyncExitStack() as stack:
            app.state.live = await stack.enter_async_context(Live(database, database_url).running())
            if work:
                await stack.enter_async_context(working(database_url, database, objects))
            yield
        await database.close()

    app = FastAPI(
        title="GridPatrol",
        version="1",
        summary="Grid-patrol issue tracker: report, assign, rectify, verify, close.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    problems.install(app)
    # Side by side rather than included: an included router costs each request a match of its own. The hottest come first.
    routers = (
        issues_routes.router, sync_routes.router, maps_routes.router, photos_routes.router, people_routes.router, managing_routes.router, catalogue_routes.router,
        grid_routes.router, premises_routes.router, duties_routes.router, patrols_routes.router, notices_routes.router, office_routes.router,
        oversight_routes.router, client_routes.router, operator,
    )  # fmt: skip
    for router in routers:
        app.router.routes.extend(router.routes)
    keep_apart(app.router.routes)
    openapi.install(app)
    app.add_middleware(Outermost)
    return app
