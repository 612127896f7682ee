"""HTTP of the office's papers."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import HTMLResponse, Response, StreamingResponse

from app.catalogue import catalogue
from app.issues.filters import IssueFilters, chosen
from app.kit.access import Caller
from app.kit.asking import Asked, described, read
from app.kit.language import choose
from app.kit.problems import invalid, not_found
from app.kit.route import Route, TheCaller, TheDatabase, Token, Transaction, base_url
from app.kit.wire import Name, Note, Text, Wire, answer, page
from app.office import ledger, queries, weekly, written
from app.office.schemas import Activities, Activity, Weekly
from app.settings import settings

router = APIRouter(route_class=Route, tags=["office"])
_CSV = "text/csv; charset=utf-8"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def _ledger(request: Request, database: TheDatabase, token: bytes) -> tuple[Any, ledger.Manner]:
    asked = read(IssueFilters, request)
    filters = chosen(asked)
    language = choose(request.headers.get("accept-language", ""), settings().language)
    async with database.acquire() as connection:
        names = await _names(connection, language)
        zone: Any = await connection.fetchval("select time_zone from areas where id = $1", asked.area) if asked.area else None
    manner = ledger.Manner(language, ZoneInfo(zone or settings().time_zone), names, base_url(request))
    return ledger.pages(database, token, filters, manner.zone), manner


class WeeklyAsked(Asked):
    area: UUID
    week: date | None = Field(None, description="Any day of it; default: this week.")
    draft: bool = Field(False, description="As it would be written now, even where one was issued.")
    language: Literal["zh-CN", "en"] | None = Field(None, description="Default: the reader's.")


class ClauseIn(Wire):
    text: Annotated[Text, Field(min_length=1, max_length=2000)]
    href: Annotated[Text, Field(max_length=4000, pattern="^/")] | None = None


class PartIn(Wire):
    title: Name
    clauses: Annotated[list[ClauseIn], Field(max_length=20)]


class WeeklyIn(Wire):
    """A paper as it goes out: the draft, edited."""

    area: UUID
    week: date
    language: Literal["zh-CN", "en"]
    title: Name
    parts: Annotated[list[PartIn], Field(min_length=1, max_length=3)]


async def _weekly(request: Request, caller: Caller, database: TheDatabase) -> dict[str, Any]:
    asked = read(WeeklyAsked, request)
    language = asked.language or choose(request.headers.get("accept-language", ""), settings().language)
    async with database.acquire() as connection:
        week = await weekly.week_of(connection, caller, asked.area, asked.week)
        return await weekly.paper(connection, week, await _names(connection, language), language, asked.draft)


async def _names(connection: Any, language: str) -> dict[str, str]:
    return {c["code"]: c["name"][language] for group in await catalogue.read(connection) for c in group["categories"]}


@router.get("/v1/summaries/weekly.json", responses={200: {"model": Weekly}}, openapi_extra=described(WeeklyAsked))
async def get_weekly(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """The weekly summary of an area and all below it: three parts, each clause with the way to what it counts, and the figures. As it was issued, else a draft."""
    return answer(await _weekly(request, caller, database), headers={"cache-control": "no-store"})


@router.get("/v1/summaries/weekly.html", responses={200: {"content": {"text/html": {}}}}, openapi_extra=described(WeeklyAsked))
async def get_weekly_page(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """The same as a page to read or print."""
    return HTMLResponse(
        written.as_html(await _weekly(request, caller, database), base_url(request)), headers={"cache-control": "no-store"}
    )


@router.get("/v1/summaries/weekly.docx", responses={200: {"content": {_DOCX: {}}}}, openapi_extra=described(WeeklyAsked))
async def get_weekly_word(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """The same as a Word file, in the measures of GB/T 9704."""
    paper = await _weekly(request, caller, database)
    content = await asyncio.to_thread(written.as_docx, paper)
    headers = {"content-disposition": f'attachment; filename="weekly-{paper["week"]}.docx"', "cache-control": "no-store"}
    return Response(content, 200, headers, _DOCX)


@router.put("/v1/summaries/weekly", responses={201: {"model": Weekly}}, status_code=201)
async def put_weekly(wish: WeeklyIn, caller: TheCaller, connection: Transaction) -> Response:
    """Issue a week's summary as it was edited: kept with who and when, once for an area, week and language, and never written over."""
    week = await weekly.week_of(connection, caller, wish.area, wish.week)
    if not (caller.is_admin or wish.area in caller.staffs):
        raise not_found()
    names = await _names(connection, wish.language)
    await weekly.issue(
        connection, caller, week, wish.language, {"title": wish.title, "parts": [part.model_dump() for part in wish.parts]}
    )
    return answer(await weekly.paper(connection, week, names, wish.language, False), 201)


class ActivityIn(Wire):
    """What was done beside issues: `count` of households, sheets or events; `collected` of questionnaires; `people` who took part."""

    area: UUID
    kind: Literal["household_visit", "questionnaire", "leaflet", "clean_up", "meeting"]
    on_day: date
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    collected: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    people: Annotated[int, Field(ge=0, le=100_000)] = 0
    place: Annotated[Text, Field(max_length=200)] = ""
    note: Note = ""


@router.put("/v1/activities/{id}", responses={200: {"model": Activity}, 201: {"model": Activity}})
async def put_activity(id: UUID, wish: ActivityIn, caller: TheCaller, connection: Transaction) -> Response:
    """Note a visit, questionnaires, leaflets, a clean-up or a meeting; it feeds the weekly summary. Sent again it is the same: 200."""
    if not await connection.fetchval(queries.NOTES_IN, wish.area, caller.is_admin, caller.staffs, caller.leads):
        raise not_found()
    if wish.collected is not None and (wish.kind != "questionnaire" or wish.collected > wish.count):
        raise invalid("/collected", "collected")
    office = caller.is_admin or wish.area in caller.staffs
    collected = wish.collected if wish.kind != "questionnaire" else wish.collected or 0
    fresh = await connection.fetchval(
        queries.PUT_ACTIVITY, id, wish.area, wish.kind, wish.on_day, wish.count, collected, wish.people, wish.place, wish.note, caller.account_id, office
    )  # fmt: skip
    if fresh is None:
        raise not_found()
    row: Any = await connection.fetchrow(queries.ACTIVITY, caller.account_id, id)
    return answer(dict(row), 201 if fresh else 200)


class ActivitiesAsked(Asked):
    area: UUID
    since: date = Field(description="First day.")
    until: date = Field(description="Last day.")


@router.get("/v1/activities", responses={200: {"model": Activities}}, openapi_extra=described(ActivitiesAsked))
async def get_activities(request: Request, caller: TheCaller, connection: Transaction) -> Response:
    """Activities of an area and below, latest first; at most 500."""
    asked = read(ActivitiesAsked, request)
    if not (caller.is_admin or asked.area in caller.reads):
        raise not_found()
    return page(
        [
            dict(row)
            for row in await connection.fetch(queries.ACTIVITIES, caller.account_id, asked.area, asked.since, asked.until)
        ],
        None,
    )


@router.delete("/v1/activities/{id}", status_code=204)
async def delete_activity(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Take back an activity that was noted wrongly: who noted it, or the office."""
    if not await connection.fetchval(queries.DROP_ACTIVITY, id, caller.account_id, caller.is_admin, caller.staffs):
        raise not_found()
    return Response(status_code=204)


def _named(kind: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="ledger.{kind}"', "cache-control": "no-store"}


@router.get("/v1/ledger.csv", responses={200: {"content": {_CSV: {}}}}, openapi_extra=described(IssueFilters))
async def get_ledger_csv(request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """The ledger of any filter of the list, of any size, for Excel: UTF-8 with its mark, nothing in it a formula."""
    found, manner = await _ledger(request, database, token)
    return StreamingResponse(ledger.as_csv(found, manner), 200, _named("csv"), _CSV)


@router.get("/v1/ledger.xlsx", responses={200: {"content": {_XLSX: {}}}}, openapi_extra=described(IssueFilters))
async def get_ledger_xlsx(request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """The same as a workbook: one sheet a month, frozen heads, filters, real dates, links to the photographs."""
    found, manner = await _ledger(request, database, token)
    return StreamingResponse(ledger.as_xlsx(found, manner), 200, _named("xlsx"), _XLSX)
