"""HTTP of premises (门前三包)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from app.catalogue import catalogue
from app.kit import paging
from app.kit.language import choose
from app.kit.problems import not_found
from app.kit.route import Route, Secret, TheCaller, Transaction
from app.kit.wire import Text, answer, page
from app.premises import record
from app.premises.schemas import PremisesIn, PremisesPage, PremisesWithRecord, VisitIn
from app.settings import settings

router = APIRouter(route_class=Route, tags=["premises"])
_MADE: dict[int | str, dict[str, Any]] = {200: {"model": PremisesWithRecord}, 201: {"model": PremisesWithRecord}}


@router.get("/v1/premises", responses={200: {"model": PremisesPage}})
async def get_premises_list(
    caller: TheCaller,
    connection: Transaction,
    secret: Secret,
    area: UUID | None = None,
    cell: UUID | None = None,
    q: Annotated[Text | None, Query(min_length=1, max_length=100, description="Words in name or address.")] = None,
    active: bool = True,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)] = paging.DEFAULT_LIMIT,
) -> Response:
    """Shops and households that answer for their frontage, with counts of issues, repeats, visits and warnings."""
    after = UUID(paging.unseal(secret, "premises", cursor)[0]) if cursor else UUID(int=0)
    items = await record.listed(connection, caller, after, area, cell, q, active, limit + 1)
    return page(items[:limit], paging.seal(secret, "premises", [items[limit - 1]["id"]]) if len(items) > limit else None)


@router.put("/v1/premises/{id}", responses=_MADE)
async def put_premises(id: UUID, wish: PremisesIn, caller: TheCaller, connection: Transaction) -> Response:
    """Enter premises, or change them: frontage as a point or line, owner, and the letter of responsibility with its photograph."""
    try:
        fresh = await record.put(connection, caller, id, wish)
    except asyncpg.ForeignKeyViolationError:
        raise not_found() from None
    return answer((await record.read(connection, caller, id)).json(), 201 if fresh else 200)


@router.get("/v1/premises/{id}", responses={200: {"model": PremisesWithRecord}})
async def get_premises(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Premises with their record: the last 200 visits and warnings, and the last 200 issues that name them."""
    return answer((await record.read(connection, caller, id)).json())


@router.get(
    "/v1/premises/{id}/record", responses={200: {"content": {"text/html": {}}, "description": "A page to look at or print"}}
)
async def get_record(id: UUID, request: Request, caller: TheCaller, connection: Transaction) -> Response:
    """The record as one page to look at or print."""
    found = await record.read(connection, caller, id)
    language = choose(request.headers.get("accept-language", ""), settings().language)
    names = {c["code"]: c["name"][language] for group in await catalogue.read(connection) for c in group["categories"]}
    zone: Any = await connection.fetchval("select known_zone(time_zone) from areas where id = $1", UUID(found.premises["area"]))
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'", "cache-control": "private, no-store"}
    return HTMLResponse(record.page(found, names, ZoneInfo(zone), language), headers=headers)


@router.put("/v1/premises/{id}/visits/{visit}", status_code=201, responses=_MADE)
async def put_visit(id: UUID, visit: UUID, wish: VisitIn, caller: TheCaller, connection: Transaction) -> Response:
    """Note a visit, or (leaders and staff) a warning. Sent again it is the same visit: 200."""
    fresh = await record.visit(connection, caller, id, visit, wish)
    return answer((await record.read(connection, caller, id)).json(), 201 if fresh else 200)
