"""HTTP of the office's papers."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from starlette.responses import HTMLResponse, Response, StreamingResponse

from app.catalogue import catalogue
from app.issues import publishing, reading
from app.issues.filters import IssueFilters, chosen
from app.kit import paging
from app.kit.access import Caller
from app.kit.asking import Asked, described, read
from app.kit.audit import Kind, record, record_export
from app.kit.db import Database
from app.kit.language import choose
from app.kit.openapi import refused
from app.kit.problems import invalid, not_found
from app.kit.route import Route, TheCaller, TheDatabase, Token, Transaction, base_url, hot
from app.kit.wire import Day, Name, Note, Reason, Text, Wire, answer, page, shown_or_empty
from app.office import (
    archive,
    circulation,
    dossier,
    league,
    ledger,
    letter,
    pictures,
    poster,
    queries,
    ways,
    weekly,
    workbook,
    written,
)
from app.office.schemas import Activities, Activity, IssuedPapers, League, Weekly
from app.photos import shown, store
from app.settings import settings

router = APIRouter(route_class=Route, tags=["office"])
_CSV = "text/csv; charset=utf-8"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_HTML: dict[str, Any] = {"content": {"text/html": {}}, "description": "A page to read or print"}
_MOST_PAIRS, _MOST_OPEN = 20, 10
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def _export(
    database: Database, caller: Caller, kind: Kind, area: UUID | None, subject: UUID | None = None, **details: Any
) -> None:
    """What is taken along is kept before its first byte goes out: in a transaction of its own, since an answer that is cut off went out too."""
    async with database.transaction() as connection:
        if subject is None:
            await record_export(connection, caller, caller.is_admin, kind, area, details)
        else:
            await record(connection, caller, kind, subject, area, details)


async def _ledger(
    request: Request, database: TheDatabase, token: bytes, caller: Caller, kind: Kind, form: str
) -> tuple[Any, ledger.Manner]:
    asked = read(IssueFilters, request)
    filters = chosen(asked)
    # Which filters there were, and what of them are codes and days: never the words that somebody sought.
    await _export(
        database,
        caller,
        kind,
        asked.area,
        form=form,
        **asked.model_dump(exclude={"area", "q", "cursor", "limit"}, exclude_defaults=True),
    )
    async with database.acquire() as connection:
        names = await _names(connection, _language(request))
        zone: Any = (
            await connection.fetchval("select known_zone(time_zone) from areas where id = $1", asked.area) if asked.area else None
        )
    manner = ledger.Manner(_language(request), ZoneInfo(zone or settings().time_zone), names, base_url(request))
    return ledger.pages(database, token, filters, manner.zone), manner


class WeeklyAsked(Asked):
    area: UUID
    week: Day | None = Field(None, description="Any day of it; default: this week.")
    draft: bool = Field(False, description="As it would be written now, even where one was issued.")
    version: int | None = Field(None, ge=1, le=1000, description="As it was issued under this number; default: the last.")
    photographs: bool = Field(False, description="With photographs of the week, before and after; at most 20 pairs.")
    language: Literal["zh-CN", "en"] | None = Field(None, description="Default: the reader's.")


def _own_way(text: str) -> str:
    if (path := ways.own(text)) is None:
        raise ValueError("own-way")
    return path


_Path = Annotated[str, Field(max_length=4000, json_schema_extra={"pattern": "^/app/"}), AfterValidator(_own_way)]


class SpanIn(BaseModel):
    """As the draft gave it: its text is not trimmed."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[Text, Field(max_length=2000)]
    href: _Path | None = None


class ClauseIn(Wire):
    """`spans` of the draft lead on from the numbers; they are dropped where the text was edited."""

    text: Annotated[Text, Field(min_length=1, max_length=2000)]
    href: _Path | None = None
    spans: Annotated[list[SpanIn], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _same(self) -> ClauseIn:
        if "".join(span.text for span in self.spans).strip() != self.text:
            self.spans = []
        return self


class PartIn(Wire):
    title: Name
    clauses: Annotated[list[ClauseIn], Field(max_length=20)]


class WeeklyIn(Wire):
    """A paper as it goes out: the draft, edited."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {
                    "required": ["corrects", "reason"],
                    "properties": {"corrects": {"type": "integer", "minimum": 1, "maximum": 999}, "reason": {"type": "string"}},
                },
                {"properties": {"corrects": {"type": "null"}, "reason": {"type": "null"}}},
            ]
        }
    )

    area: UUID
    week: Day
    language: Literal["zh-CN", "en"]
    title: Name
    addressee: Annotated[str, Field(max_length=200), AfterValidator(shown_or_empty)] | None = None
    opening: Annotated[Text, Field(max_length=2000)] | None = None
    parts: Annotated[list[PartIn], Field(min_length=1, max_length=3)]
    # A paper that was issued stays as it is; one that corrects it names its number and why.
    corrects: Annotated[int, Field(ge=1, le=999)] | None = None
    reason: Reason | None = None


async def _weekly(asked: WeeklyAsked, request: Request, caller: Caller, database: Database) -> tuple[dict[str, Any], weekly.Week]:
    language = asked.language or _language(request)
    async with database.acquire() as connection:
        week = await weekly.week_of(connection, caller, asked.area, asked.week)
        kinds = await _kinds(connection, language)
    return await weekly.paper(database, week, kinds, language, asked.draft, asked.version), week


async def _weekly_paper(request: Request, caller: Caller, database: Database) -> written.Paper:
    asked = read(WeeklyAsked, request)
    paper, week = await _weekly(asked, request, caller, database)
    await _export(
        database, caller, "weekly_exported", week.area, week=week.monday, version=asked.version, photographs=asked.photographs
    )
    pairs: list[pictures.Pair] = []
    if asked.photographs:
        async with database.acquire() as connection:
            rows = await pictures.of_span(connection, week.area, week.begin, week.end, _MOST_PAIRS, 0)
            names = await _names(connection, paper["language"])
        pairs = await pictures.loaded(store.held(request.app.state), rows, names)
    return weekly.laid_out(paper, pairs)


def _language(request: Request) -> str:
    return choose(request.headers.get("accept-language", ""), settings().language)


async def _kinds(connection: Any, language: str) -> weekly.Kinds:
    return {
        c["code"]: (c["name"][language], group["code"]) for group in await catalogue.read(connection) for c in group["categories"]
    }


async def _names(connection: Any, language: str) -> dict[str, str]:
    return {c["code"]: c["name"][language] for group in await catalogue.read(connection) for c in group["categories"]}


async def _page(paper: written.Paper, request: Request) -> Response:
    headers = {
        "content-security-policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
        "cache-control": "private, no-store",
    }
    return HTMLResponse(await asyncio.to_thread(written.as_html, paper, base_url(request)), headers=headers)


async def _word(paper: written.Paper, name: str) -> Response:
    return Response(await asyncio.to_thread(written.as_docx, paper), 200, _named(f"{name}.docx"), _DOCX)


def _named(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}


@router.get("/v1/summaries/weekly.json", responses={200: {"model": Weekly}}, openapi_extra=described(WeeklyAsked))
async def get_weekly(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """The weekly summary of an area and all below it: three parts, each clause with the way to what it counts, and the figures. As it was issued, else a draft."""
    asked = read(WeeklyAsked, request)
    paper, week = await _weekly(asked, request, caller, database)
    if asked.photographs:
        async with database.acquire() as connection:
            rows = await pictures.of_span(connection, week.area, week.begin, week.end, _MOST_PAIRS, _MOST_OPEN)
        paper |= {"photographs": [pictures.told(row) for row in rows]}
    return answer(paper, headers={"cache-control": "no-store"})


@router.get("/v1/summaries/weekly.html", responses={200: _HTML}, openapi_extra=described(WeeklyAsked))
async def get_weekly_page(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """The same as a page to read or print."""
    return await _page(await _weekly_paper(request, caller, database), request)


@router.get("/v1/summaries/weekly.docx", responses={200: {"content": {_DOCX: {}}}}, openapi_extra=described(WeeklyAsked))
async def get_weekly_word(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """The same as a Word file, in the measures of GB/T 9704."""
    paper = await _weekly_paper(request, caller, database)
    return await _word(paper, "weekly")


@router.put("/v1/summaries/weekly", responses={201: {"model": Weekly}} | refused(404), status_code=201)
async def put_weekly(wish: WeeklyIn, caller: TheCaller, database: TheDatabase) -> Response:
    """Issue a week's summary as it was edited: kept with who and when, once for an area, week and language, and never written over.
    With `corrects` and `reason` it is the next version, beside those before. 409: issued already, or not the last that is corrected."""
    if (wish.corrects is None) != (wish.reason is None):
        raise invalid("/reason" if wish.reason is None else "/corrects", "field-missing")
    async with database.acquire() as connection:
        week = await weekly.week_of(connection, caller, wish.area, wish.week)
        if not (caller.is_admin or wish.area in caller.staffs):
            raise not_found()
        kinds = await _kinds(connection, wish.language)
    await weekly.issue(database, caller, week, wish.language, wish.model_dump(exclude={"area", "week", "language"}))
    return answer(await weekly.paper(database, week, kinds, wish.language, False), 201)


class IssuedAsked(Asked):
    area: UUID | None = Field(None, description="Of this area alone; default: all whose papers the caller reads.")
    cursor: str | None = Field(None, max_length=2000)
    limit: int = Field(paging.DEFAULT_LIMIT, ge=1, le=paging.MAX_LIMIT)


@router.get("/v1/summaries", responses={200: {"model": IssuedPapers}}, openapi_extra=described(IssuedAsked))
async def get_summaries(request: Request, caller: TheCaller, connection: Transaction) -> Response:
    """Weekly summaries that were issued, every version of each with who, when and why, the latest first."""
    asked = read(IssuedAsked, request)
    _, _, secret = hot(request)
    return page(*await weekly.issued(connection, secret, caller, asked.area, asked.cursor, asked.limit))


class ActivityIn(Wire):
    """What was done beside issues: `count` of households, sheets or events; `collected` of questionnaires; `people` who took part."""

    area: UUID
    kind: Literal["household_visit", "questionnaire", "leaflet", "clean_up", "meeting"]
    on_day: Day
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    collected: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    people: Annotated[int, Field(ge=0, le=100_000)] = 0
    place: Annotated[Text, Field(max_length=200)] = ""
    note: Note = ""
    photos: Annotated[list[UUID], Field(max_length=20)] = []


@router.put("/v1/activities/{id}", responses={200: {"model": Activity}, 201: {"model": Activity}})
async def put_activity(id: UUID, wish: ActivityIn, caller: TheCaller, connection: Transaction) -> Response:
    """Note a visit, questionnaires, leaflets, a clean-up or a meeting, with photographs; it feeds the weekly summary. Sent again it is the same: 200."""
    if caller.is_admin and await connection.fetchrow(queries.AREA, wish.area) is None:
        raise not_found()
    if not await connection.fetchval(queries.SERVES, wish.area, caller.is_admin, caller.staffs, caller.leads):
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
    await shown.detach(connection, "activity", id, wish.area, wish.photos)
    await shown.attach(connection, "activity", id, wish.area, wish.photos, caller.account_id)
    row: Any = await connection.fetchrow(queries.ACTIVITY, caller.account_id, id)
    return answer(dict(row), 201 if fresh else 200)


class ActivitiesAsked(Asked):
    area: UUID
    since: Day = Field(description="First day.")
    until: Day = Field(description="Last day.")


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
    area: UUID | None = await connection.fetchval(
        queries.DROP_ACTIVITY, id, caller.account_id, caller.is_admin, caller.staffs, caller.leads
    )
    if area is None:
        raise not_found()
    await shown.detach(connection, "activity", id, area, [])
    return Response(status_code=204)


@router.get("/v1/ledger.csv", responses={200: {"content": {_CSV: {}}}}, openapi_extra=described(IssueFilters))
async def get_ledger_csv(request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """The ledger of any filter of the list, of any size, for Excel: UTF-8 with its mark, nothing in it a formula."""
    found, manner = await _ledger(request, database, token, caller, "ledger_exported", "csv")
    return StreamingResponse(ledger.as_csv(found, manner), 200, _named("ledger.csv"), _CSV)


@router.get("/v1/ledger.xlsx", responses={200: {"content": {_XLSX: {}}}}, openapi_extra=described(IssueFilters))
async def get_ledger_xlsx(request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """The same as a workbook: one sheet a month, frozen heads, filters, real dates, links to the photographs."""
    found, manner = await _ledger(request, database, token, caller, "ledger_exported", "xlsx")
    return StreamingResponse(workbook.as_xlsx(found, manner), 200, _named("ledger.xlsx"), _XLSX)


@router.get("/v1/archive.zip", responses={200: {"content": {"application/zip": {}}}}, openapi_extra=described(IssueFilters))
async def get_archive(request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """For an assessor: the ledger, a dossier of every issue, photographs, an index and checksums, of any filter of the list; sent while it is made."""
    found, manner = await _ledger(request, database, token, caller, "archive_exported", "zip")
    pieces = archive.as_zip(database, token, store.held(request.app.state), found, manner)
    return StreamingResponse(pieces, 200, _named("archive.zip"), "application/zip")


async def _dossier(id: UUID, request: Request, caller: Caller, database: Database, token: bytes) -> written.Paper:
    async with database.acquire() as connection:
        names = await _names(connection, _language(request))
        zone = await connection.fetchval(queries.ZONE_OF_ISSUE, id)
    manner = ledger.Manner(_language(request), ZoneInfo(zone or settings().time_zone), names, base_url(request))
    paper = await dossier.paper(database, token, store.held(request.app.state), id, manner)
    await _export(database, caller, "dossier_exported", await _area(database, id), id)
    return paper


@router.get("/v1/issues/{id}/dossier.html", responses={200: _HTML})
async def get_dossier_page(id: UUID, request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """Everything about one issue as a page to print: what it is, before and after, who did what, and what happened."""
    return await _page(await _dossier(id, request, caller, database, token), request)


@router.get("/v1/issues/{id}/dossier.docx", responses={200: {"content": {_DOCX: {}}}})
async def get_dossier_word(id: UUID, request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """The same as a Word file."""
    return await _word(await _dossier(id, request, caller, database, token), "dossier")


class LetterAsked(Asked):
    handover: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Version of a hand_over in the timeline; default: the last."
    )
    language: Literal["zh-CN", "en"] | None = Field(None, description="Default: the reader's.")


async def _area(database: Database, issue: UUID) -> UUID | None:
    async with database.acquire() as connection:
        return await connection.fetchval(queries.AREA_OF_ISSUE, issue)


async def _letter(id: UUID, request: Request, caller: Caller, database: Database, token: bytes) -> written.Paper:
    asked = read(LetterAsked, request)
    language = asked.language or _language(request)
    async with database.acquire() as connection:
        names = await _names(connection, language)
    objects = store.held(request.app.state)
    paper = await letter.paper(database, token, caller, objects, id, asked.handover, names, language)
    await _export(database, caller, "letter_exported", await _area(database, id), id, handover=asked.handover)
    return paper


@router.get("/v1/issues/{id}/handover-letter", responses={200: _HTML}, openapi_extra=described(LetterAsked))
@router.get("/v1/issues/{id}/handover-letter.html", responses={200: _HTML}, openapi_extra=described(LetterAsked))
async def get_letter(id: UUID, request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """The letter of one handing over as a page to print, with photographs and a slip for the reply; for who may hand over."""
    return await _page(await _letter(id, request, caller, database, token), request)


@router.get(
    "/v1/issues/{id}/handover-letter.docx", responses={200: {"content": {_DOCX: {}}}}, openapi_extra=described(LetterAsked)
)
async def get_letter_word(id: UUID, request: Request, caller: TheCaller, database: TheDatabase, token: Token) -> Response:
    """The same as a Word file."""
    return await _word(await _letter(id, request, caller, database, token), "handover-letter")


@router.get("/v1/issues/{id}/poster.html", responses={200: _HTML})
async def get_poster(id: UUID, request: Request, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """A sheet to hang up at the place: with it residents look up what became of the issue. Only of what is published."""
    issue = await reading.one(connection, token, id)
    public = await publishing.one(connection, issue["number"]) if settings().public else None
    if public is None:
        raise not_found()
    names = await _names(connection, _language(request))
    headers = {
        "content-security-policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
        "cache-control": "private, no-store",
    }
    return HTMLResponse(poster.page(public, names[public["category"]], base_url(request), _language(request)), headers=headers)


class LeagueAsked(Asked):
    area: UUID
    of: Literal["cells", "units"] = "cells"
    since: Day | None = Field(None, description="First day; default: 27 days before the last.")
    until: Day | None = Field(None, description="Last day; default: today.")


@router.get("/v1/league", responses={200: {"model": League}}, openapi_extra=described(LeagueAsked))
async def get_league(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """Cells or units of an area by how they do: on time, rework, recurrence, coverage, with the counts behind, and fair to those with few."""
    asked = read(LeagueAsked, request)
    async with database.acquire() as connection:
        span = await league.span_of(connection, caller, asked.area, asked.since, asked.until)
        return answer(await league.table(connection, span, asked.of), headers={"cache-control": "no-store"})


class CirculationAsked(Asked):
    area: UUID
    month: Day | None = Field(None, description="Any day of it; default: this month.")
    language: Literal["zh-CN", "en"] | None = Field(None, description="Default: the reader's.")


async def _circulation(request: Request, caller: Caller, database: Database) -> written.Paper:
    asked = read(CirculationAsked, request)
    async with database.acquire() as connection:
        span = await circulation.month_of(connection, caller, asked.area, asked.month)
        paper = await circulation.paper(connection, span, asked.language or _language(request))
    await _export(database, caller, "circulation_exported", asked.area, month=asked.month)
    return paper


@router.get("/v1/circulation.html", responses={200: _HTML}, openapi_extra=described(CirculationAsked))
async def get_circulation_page(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """A month's findings to be circulated: the field's rates, cells and units beside each other, who is praised and who is pressed."""
    return await _page(await _circulation(request, caller, database), request)


@router.get("/v1/circulation.docx", responses={200: {"content": {_DOCX: {}}}}, openapi_extra=described(CirculationAsked))
async def get_circulation_word(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """The same as a Word file."""
    return await _word(await _circulation(request, caller, database), "circulation")
