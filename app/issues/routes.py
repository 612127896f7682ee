"""HTTP of reports and issues."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Body, Header, Path, Query, Request
from pydantic import Field, ValidationError
from starlette.responses import Response

from app.issues import intake, publishing, queries, reading, recurrence
from app.issues.actions import act
from app.issues.filters import IssueFilters, chosen
from app.issues.schemas import (
    ACTION_SCHEMA,
    Batch,
    BatchAnswer,
    BatchItem,
    BlackSpot,
    BlackSpots,
    Issue,
    IssuePage,
    NearbyPage,
    PublicIssue,
    PublicPage,
    ReportAnswer,
    ReportIn,
    Timeline,
)
from app.kit import paging
from app.kit.asking import Asked, described, read
from app.kit.datum import Datum, to_wgs84
from app.kit.openapi import refused
from app.kit.problems import Problem, document, from_validation, invalid, not_found
from app.kit.route import Route, TheCaller, TheDatabase, Token, Transaction, hot
from app.kit.wire import Lat, Lon, Note, Text, Wire, answer, page
from app.settings import settings

router = APIRouter(route_class=Route, tags=["issues"])
Limit = Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)]
_NUMBER = "[0-9]{4}-[0-9]{6,12}"
_NAMED = f"^([0-9a-fA-F]{{8}}-?([0-9a-fA-F]{{4}}-?){{3}}[0-9a-fA-F]{{12}}|{_NUMBER})$"
_REPORT: dict[int | str, dict[str, Any]] = {200: {"model": ReportAnswer}, 201: {"model": ReportAnswer}}


@router.put("/v1/reports/{id}", responses=_REPORT)
async def put_report(id: UUID, report: ReportIn, request: Request, datum: Datum = "wgs84") -> Response:
    """Report what one person saw. Sent again, in whatever way, it is the same report: 201 the first time, then 200."""
    database, token, _ = hot(request)
    status, body = await intake.submit(database, token, id, report, datum)
    return answer(body, status, {"etag": reading.etag(body["issue"]["version"])})


@router.get("/v1/reports/{id}", responses={200: {"model": ReportAnswer}})
async def get_report(id: UUID, request: Request, datum: Datum = "wgs84") -> Response:
    """A report, its issue, and open issues of the same kind nearby."""
    database, token, _ = hot(request)
    async with database.acquire() as connection:
        return answer(await intake.stored(connection, token, id, None, datum))


@router.post("/v1/reports/batch", responses={200: {"model": BatchAnswer}})
async def post_batch(
    batch: Batch, request: Request, caller: TheCaller, database: TheDatabase, token: Token, datum: Datum = "wgs84"
) -> Response:
    """Up to 100 reports, each with its `id`, each answered by itself with a status and a body."""
    results: list[dict[str, Any]] = []
    for raw in batch.items:
        try:
            item = BatchItem.model_validate(raw)
            report = ReportIn.model_construct(**{name: getattr(item, name) for name in ReportIn.model_fields})
            status, body = await intake.submit(database, token, item.id, report, datum)
            results.append({"id": str(item.id), "status": status, **body})
        except (Problem, ValidationError) as error:
            problem = from_validation(error.errors()) if isinstance(error, ValidationError) else error
            told = document(request, problem)
            results.append({"id": _echoed(raw.get("id")), "status": problem.status, "problem": orjson.Fragment(bytes(told.body))})
    return answer({"items": results})


def _echoed(id: Any) -> str | None:
    """What a bad item called itself, where that can be said back."""
    return id[:100] if isinstance(id, str) and id.isprintable() else None


class IssuesAsked(IssueFilters):
    sort: Literal["-created_at", "deadline", "-updated_at"] = "-created_at"
    datum: Datum = "wgs84"
    cursor: str | None = Field(None, max_length=500)
    limit: int = Field(paging.DEFAULT_LIMIT, ge=1, le=paging.MAX_LIMIT)


@router.get("/v1/issues", responses={200: {"model": IssuePage}}, openapi_extra=described(IssuesAsked))
async def get_issues(request: Request) -> Response:
    """Issues in the caller's scope, narrowed by any of the filters. `state` takes `open` or a state's name, repeatable."""
    database, token, secret = hot(request)
    asked = read(IssuesAsked, request)
    filters = chosen(asked)
    async with database.acquire() as connection:
        items, following = await reading.listed(
            connection, token, secret, filters, asked.sort, asked.cursor, asked.limit, asked.datum
        )
    return page(items, following)


@router.get("/v1/issues/nearby", responses={200: {"model": NearbyPage}})
async def get_nearby(request: Request, category: str, lat: Lat, lon: Lon, datum: Datum = "wgs84") -> Response:
    """Open issues of the same kind within the category's radius: may this be the same?"""
    database, token, _ = hot(request)
    async with database.acquire() as connection:
        return page(await intake.nearby(connection, token, category, *to_wgs84(lat, lon, datum), datum), None)


@router.get("/v1/issues/{id}", responses={200: {"model": Issue}})
async def get_issue(
    id: Annotated[str, Path(pattern=_NAMED, description="An id, or a number as 2026-000123.")],
    request: Request,
    datum: Datum = "wgs84",
) -> Response:
    """One issue with the actions open to the caller; by id or by number."""
    database, token, _ = hot(request)
    async with database.acquire() as connection:
        issue = await reading.one(connection, token, await _id(connection, id), datum)
    tag = reading.etag(issue["version"])
    return answer(issue, 200, {"etag": tag})


async def _id(connection: Any, id: str) -> UUID:
    if len(id) >= 32:
        try:
            return UUID(id)
        except ValueError:
            raise invalid("/id", "bad-id") from None
    return await connection.fetchval(queries.BY_NUMBER, id) or UUID(int=0)


@router.get("/v1/issues/{id}/timeline", responses={200: {"model": Timeline}})
async def get_timeline(
    id: UUID,
    request: Request,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Limit = paging.DEFAULT_LIMIT,
) -> Response:
    """What happened to an issue, oldest first: who did what, when."""
    database, token, secret = hot(request)
    after = paging.unseal(secret, "timeline", cursor)[0] if cursor else 0
    async with database.acquire() as connection:
        items, more = await reading.timeline(connection, token, id, after, limit)
    return page(items, paging.seal(secret, "timeline", [items[-1]["version"]]) if more else None)


@router.post("/v1/issues/{id}/actions", responses={200: {"model": Issue}}, openapi_extra={
    "requestBody": {"required": True, "content": {"application/json": {"schema": ACTION_SCHEMA}}}
})  # fmt: skip
async def post_action(
    id: UUID,
    body: Annotated[dict[str, Any], Body()],
    caller: TheCaller,
    connection: Transaction,
    token: Token,
    if_match: Annotated[str | None, Header()] = None,
    datum: Datum = "wgs84",
) -> Response:
    """Take an action of the lifecycle. `If-Match` with the issue's ETag refuses to act on a stale picture of it."""
    fields = dict(body)
    name = fields.pop("action", None)
    if not isinstance(name, str) or not 1 <= len(name) <= 40 or not name.isprintable():
        raise invalid("/action", "field-missing" if name is None else "field-type")
    issue = await act(connection, caller, token, id, name, fields, if_match, datum)
    return answer(issue, 200, {"etag": reading.etag(issue["version"])})


class PublicAsked(Asked):
    area: UUID | None = Field(None, description="The area and everything below it.")
    open: bool | None = None
    category: Text | None = Field(None, max_length=40)
    cursor: str | None = Field(None, max_length=500)
    limit: int = Field(paging.DEFAULT_LIMIT, ge=1, le=paging.MAX_LIMIT)


@router.get("/v1/public/issues", responses={200: {"model": PublicPage}} | refused(404), openapi_extra=described(PublicAsked))
async def get_public_issues(request: Request) -> Response:
    """Open and recently closed issues without names, no more exact than each category allows; where the office publishes its map."""
    _published()
    asked = read(PublicAsked, request)
    state: Any = request.app.state
    async with state.database.acquire() as connection:
        items, following = await publishing.listed(
            connection, state.secret, asked.area, asked.open, asked.category, asked.cursor, asked.limit
        )
    return page(items, following, {"cache-control": "public, max-age=30"})


@router.get("/v1/public/issues/{number}", responses={200: {"model": PublicIssue}})
async def get_public_issue(number: Annotated[str, Path(pattern=f"^{_NUMBER}$")], request: Request) -> Response:
    """What became of an issue, by its number."""
    _published()
    state: Any = request.app.state
    async with state.database.acquire() as connection:
        found = await publishing.one(connection, number)
    if found is None:
        raise not_found()
    return answer(found, headers={"cache-control": "public, max-age=30"})


def _published() -> None:
    if not settings().public:
        raise not_found()


class OwnIn(Wire):
    """Who answers for a black spot, and what is planned."""

    owner: UUID | None = None
    plan: Note = ""


@router.get("/v1/black-spots", responses={200: {"model": BlackSpots}})
async def get_black_spots(caller: TheCaller, connection: Transaction, ended: bool = False) -> Response:
    """Places where a kind of problem came back three times; they end after 30 clean days. The worst first, at most 500."""
    return page(await recurrence.black_spots(connection, caller, ended), None)


@router.put("/v1/black-spots/{id}", responses={200: {"model": BlackSpot}})
async def put_black_spot(id: UUID, wish: OwnIn, caller: TheCaller, connection: Transaction) -> Response:
    """Give a black spot an owner and a plan."""
    return answer(await recurrence.own(connection, caller, id, wish.owner, wish.plan))
