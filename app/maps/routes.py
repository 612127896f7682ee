"""HTTP of the map: tiles, hotspots, summaries."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import format_datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from app.catalogue import catalogue
from app.issues.lifecycle import OPEN
from app.kit.asking import Asked, described, read
from app.kit.gate import Gate
from app.kit.openapi import refused
from app.kit.problems import invalid, not_found
from app.kit.route import Route, TheCaller, TheDatabase, Transaction, base_url, hot, unauthorized
from app.kit.wire import Day, Instant, Text, answer
from app.maps import hotspots, queries, style, summaries, tiles
from app.maps.schemas import AreaSummary, CellSummaries, Hotspots, MapStyle, TileJson
from app.maps.tally import DELAY_S
from app.settings import settings

router = APIRouter(route_class=Route, tags=["map"])
_MVT = "application/vnd.mapbox-vector-tile"
_TILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {_MVT: {}}, "description": "A tile"},
    204: {"description": "An empty tile"},
    304: {},
}
# A tile that there is not is refused by `tiles.check`: at a zoom there are only so many columns and rows.
Zoom = Annotated[int, Path(json_schema_extra={"minimum": 0, "maximum": tiles.MOST_ZOOM})]
Column = Annotated[int, Path(json_schema_extra={"minimum": 0, "maximum": 2**tiles.MOST_ZOOM - 1})]
# Map readers of one process: what more of them ask waits a little, and is then told to come back, so that reports keep their pace.
_READERS = Gate(width=4, queue=100, patience_s=5)


class TilesAsked(Asked):
    state: list[str] = Field(
        [], description="`open`, or an open state's name; repeatable.", json_schema_extra={"items": {"enum": ["open", *OPEN]}}
    )
    category: list[Text] = Field([], description="Repeatable.")
    overdue: bool | None = None
    since: Instant | None = Field(None, description="Reported since.")


class PublicTilesAsked(TilesAsked):
    since: Day | None = Field(None, description="Reported on this day or later.")  # pyright: ignore[reportIncompatibleVariableOverride]


def _filters(request: Request, public: bool) -> dict[str, Any]:
    asked = read(PublicTilesAsked if public else TilesAsked, request)
    if set(asked.state) - {*OPEN, "open"}:
        raise invalid("/state", "open-states")
    filters: dict[str, Any] = {}
    if asked.state and "open" not in asked.state:
        filters["state"] = sorted(set(asked.state))
    if asked.category:
        filters["category"] = sorted(set(asked.category))
    if asked.overdue is not None:
        filters["overdue"] = asked.overdue
    if asked.since is not None:
        filters["since"] = asked.since
    return filters


async def _issue_tile(request: Request, token: bytes | None, z: int, x: int, y: int) -> Response:
    tiles.check(z, x, y)
    filters = _filters(request, token is None)
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    async with _READERS.entered(), request.app.state.database.acquire() as connection:
        tile = await tiles.issues(connection, token, z, x, y, filters, known)
    headers = {
        "etag": tile.etag or "",
        "cache-control": "public, max-age=60" if token is None else f"private, max-age={DELAY_S}",
    }
    if token is not None:
        headers["vary"] = "authorization, cookie"
    if tile.as_of is not None:
        headers["last-modified"] = format_datetime(tile.as_of.astimezone(UTC), usegmt=True)
    if tile.content is None:
        return Response(status_code=304, headers=headers)
    return Response(tile.content or None, 200 if tile.content else 204, headers, _MVT if tile.content else None)


@router.get("/v1/tiles/issues/{z}/{x}/{y}.mvt", responses=_TILE, openapi_extra=described(TilesAsked))
async def get_issue_tile(z: Zoom, x: Column, y: Column, request: Request) -> Response:
    """Open issues in the caller's scope: single ones from zoom 14, before it counts of squares. At most two seconds behind: see Last-Modified."""
    return await _issue_tile(request, hot(request).token, z, x, y)


@router.get("/v1/tiles/public/{z}/{x}/{y}.mvt", responses=_TILE, openapi_extra=described(PublicTilesAsked))
async def get_public_tile(z: Zoom, x: Column, y: Column, request: Request) -> Response:
    """The same for everybody: what was accepted, in communities that publish it, no more exact than each category allows."""
    if not settings().public:
        raise not_found()
    return await _issue_tile(request, None, z, x, y)


@router.get("/v1/tiles/cells/{z}/{x}/{y}.mvt", responses={status: _TILE[status] for status in (200, 204)})
async def get_cell_tile(z: Zoom, x: Column, y: Column, request: Request) -> Response:
    """Cells of the caller's areas with their counts; up to zoom 11 the areas that they make up."""
    tiles.check(z, x, y)
    database, token, _ = hot(request)
    async with _READERS.entered(), database.acquire() as connection:
        content = await tiles.cells(connection, token, z, x, y)
    headers = {"cache-control": "private, max-age=10", "vary": "authorization, cookie"}
    return Response(content or None, 200 if content else 204, headers, _MVT if content else None)


_SHAPED = {"id": "String", "name": "String", "open": "Number", "overdue": "Number", "recurring": "Number"}
_COUNTED = dict.fromkeys(queries.COUNTS, "Number")
_LAYERS: dict[str, list[dict[str, Any]]] = {
    "issues": [
        {"id": "issues", "minzoom": 0, "maxzoom": queries.LAST_COUNTED, "description": "Counts of squares", "fields": _COUNTED},
        {"id": "issues", "minzoom": queries.LAST_COUNTED + 1, "description": "Single issues; age in days", "fields": {
            "id": "String", "category": "String", "state": "String", "overdue": "Boolean", "recurring": "Boolean", "age": "Number"}},
    ],
    "cells": [
        {"id": "areas", "maxzoom": 11, "fields": _SHAPED | {"level": "String"}},
        {"id": "cells", "minzoom": 12, "fields": _SHAPED | {"area": "String"}},
        {"id": "labels", "fields": {"id": "String", "name": "String", "open": "Number"}},
    ],
}  # fmt: skip
_SINGLE = _LAYERS["issues"][1]
_LAYERS["public"] = [_LAYERS["issues"][0], _SINGLE | {"fields": {"number": "String", **_SINGLE["fields"]}}]
del _LAYERS["public"][1]["fields"]["id"]


@router.get("/v1/tiles/{layer}.json", responses={200: {"model": TileJson}} | refused(401))
async def get_tilejson(layer: str, request: Request) -> Response:
    """TileJSON 3.0.0 of a layer: `issues`, `cells`, or `public`, for which nobody needs to sign in."""
    if layer not in _LAYERS or (layer == "public" and not settings().public):
        raise not_found()
    if layer != "public" and request.state.token is None:
        raise unauthorized()
    async with request.app.state.database.acquire() as connection:
        if layer == "public":
            row = await connection.fetchrow(queries.PUBLIC_BOUNDS)
        else:
            row = await connection.fetchrow(queries.BOUNDS, request.state.token)
    if row is None:
        raise unauthorized()
    bounds = row["bounds"] if row["bounds"] and row["bounds"][0] is not None else [-180.0, -85.0511, 180.0, 85.0511]
    return answer({
        "tilejson": "3.0.0", "name": layer, "scheme": "xyz", "tiles": [f"{base_url(request)}/v1/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": 0, "maxzoom": 18 if layer != "cells" else 16, "bounds": bounds, "vector_layers": _LAYERS[layer], "delay_s": DELAY_S,
    }, headers={"vary": "authorization, cookie"})  # fmt: skip


class HotspotsAsked(Asked):
    area: UUID = Field(description="The area and everything below it.")
    category: list[Text] = Field([], description="Repeatable.")
    since: Instant | None = Field(None, description="Reported since.")
    radius_m: int = Field(60, ge=10, le=1000, description="How near each other issues of a hotspot lie, in metres.")
    least: int | None = Field(
        None,
        ge=2,
        le=1000,
        description="How many issues around an issue make it part of a hotspot; default by how dense they are, 4 at least.",
    )


@router.get("/v1/hotspots", responses={200: {"model": Hotspots}}, openapi_extra=described(HotspotsAsked))
async def get_hotspots(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """Where unresolved issues gather, the worst first: GeoJSON, each with its score and what it is made of. As they were found `as_of`."""
    asked = read(HotspotsAsked, request)
    async with _READERS.entered(), database.transaction() as connection:
        collection, as_of = await hotspots.found(
            connection, caller, asked.area, asked.category, asked.since, asked.radius_m, asked.least
        )
    return answer(collection | {"as_of": as_of})


@router.get("/v1/areas/{id}/summary", responses={200: {"model": AreaSummary}})
async def get_summary(
    id: UUID,
    caller: TheCaller,
    database: TheDatabase,
    since: Annotated[Day | None, Query(description="First day; default: 28 days in all.")] = None,
    until: Annotated[Day | None, Query(description="Last day; default: today.")] = None,
) -> Response:
    """What an area stands at: open and overdue now, found and closed by day, time to close, on-time, rework and recurrence rates."""
    async with _READERS.entered(), database.acquire() as connection:
        return answer(await summaries.of_area(connection, caller, id, since, until))


@router.get("/v1/cells/summary", responses={200: {"model": CellSummaries}})
async def get_cell_summaries(
    request: Request, area: Annotated[UUID | None, Query(description="The area and everything below it.")] = None
) -> Response:
    """All cells at once: open and overdue now, and kept figures of the last 28 days with when they were reckoned. At most 5,000."""
    database, token, _ = hot(request)
    async with _READERS.entered(), database.acquire() as connection:
        items = await summaries.of_cells(connection, token, area)
    return answer({"items": orjson.Fragment(items), "next_cursor": None})


@router.get("/v1/map/style.json", responses={200: {"model": MapStyle}})
async def get_style(
    request: Request, connection: Transaction, view: style.View = "points", theme: style.Theme = "light", public: bool = False
) -> Response:
    """The map as a MapLibre style: `view` points, heat, or cells shaded by what is open there. Needs nothing beyond this server and the base map."""
    groups = {c["code"]: group["code"] for group in await catalogue.read(connection) for c in group["categories"]}
    ours = settings()
    made = style.style(base_url(request), view, theme, public, ours.basemap, ours.basemap_attribution, ours.basemap_datum, groups)
    return answer(made, headers={"cache-control": "public, max-age=300"})


@router.get(
    "/v1/map/{sheet}", responses={200: {"content": {"image/png": {}, "application/json": {"schema": {"type": "object"}}}}}
)
async def get_sprite(sheet: str) -> Response:
    """The style's sprite: sprite.json, sprite.png, and the same @2x."""
    found = re.fullmatch(r"sprite(@2x)?\.(json|png)", sheet)
    if found is None:
        raise not_found()
    content, index = style.sprite(2 if found[1] else 1)
    headers = {"cache-control": "public, max-age=86400"}
    return answer(index, headers=headers) if found[2] == "json" else Response(content, 200, headers, "image/png")
