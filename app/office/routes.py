"""HTTP of the office's papers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import IO, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from app.catalogue import catalogue
from app.issues.filters import IssueFilters, chosen
from app.kit.asking import described, read
from app.kit.language import choose
from app.kit.route import Route, Secret, TheCaller, TheDatabase, Token, base_url
from app.office import ledger
from app.settings import settings

router = APIRouter(route_class=Route, tags=["office"])
_CSV = "text/csv; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def _ledger(request: Request, database: TheDatabase, token: bytes, secret: bytes) -> tuple[Any, ledger.Manner]:
    asked = read(IssueFilters, request)
    filters = chosen(asked)
    language = choose(request.headers.get("accept-language", ""), settings().language)
    async with database.acquire() as connection:
        names = {c["code"]: c["name"][language] for group in await catalogue.read(connection) for c in group["categories"]}
        zone: Any = await connection.fetchval("select time_zone from areas where id = $1", asked.area) if asked.area else None
    manner = ledger.Manner(language, ZoneInfo(zone or settings().time_zone), names, base_url(request))
    return ledger.pages(database, token, secret, filters), manner


def _named(kind: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="ledger.{kind}"', "cache-control": "no-store"}


@router.get("/v1/ledger.csv", responses={200: {"content": {_CSV: {}}}}, openapi_extra=described(IssueFilters))
async def get_ledger_csv(request: Request, caller: TheCaller, database: TheDatabase, token: Token, secret: Secret) -> Response:
    """The ledger of any filter of the list, of any size, for Excel: UTF-8 with its mark, nothing in it a formula."""
    found, manner = await _ledger(request, database, token, secret)
    return StreamingResponse(ledger.as_csv(found, manner), 200, _named("csv"), _CSV)


@router.get("/v1/ledger.xlsx", responses={200: {"content": {_XLSX: {}}}}, openapi_extra=described(IssueFilters))
async def get_ledger_xlsx(request: Request, caller: TheCaller, database: TheDatabase, token: Token, secret: Secret) -> Response:
    """The same as a workbook: one sheet a month, frozen heads, filters, real dates, links to the photographs."""
    found, manner = await _ledger(request, database, token, secret)
    file = await ledger.as_xlsx(found, manner)

    async def content(file: IO[bytes]) -> AsyncGenerator[bytes]:
        try:
            while piece := file.read(256 * 1024):
                yield piece
        finally:
            file.close()

    return StreamingResponse(content(file), 200, _named("xlsx"), _XLSX)
