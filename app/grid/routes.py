"""HTTP of the grid: areas, cells, units, and which cell a position lies in."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query
from pydantic import ConfigDict
from starlette.responses import Response

from app.grid import queries
from app.grid.schemas import AreaFeature, AreaFeatures, AssignmentRule, AssignmentRules, Located, Office, Publishes, Unit, Units
from app.kit import paging
from app.kit.access import Caller
from app.kit.audit import record
from app.kit.datum import Datum, from_wgs84, to_wgs84
from app.kit.problems import Problem, invalid, not_found
from app.kit.route import Route, Secret, TheCaller, Transaction
from app.kit.wire import Label, Lat, Lon, Name, Text, Wire, answer, page

router = APIRouter(route_class=Route, tags=["grid"])
Limit = Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)]


class UnitIn(Wire):
    area: UUID
    name: Name
    kind: Annotated[Name, Query(max_length=40)] = "other"
    phone: Annotated[Text, Query(max_length=40)] = ""


class OfficeIn(Wire):
    """What an area's papers are signed with, and whom a reply is sent to; empty where there is nothing to say. `open_reports`: whether
    anybody who is signed in may report there. It and `publishes`, left out, stay as they are."""

    issuer: Label = ""
    contact: Annotated[Label, Query(max_length=50)] = ""
    phone: Annotated[Text, Query(max_length=40)] = ""
    open_reports: bool | None = None
    publishes: Publishes | None = None


class CellPatch(Wire):
    """What shall change; `unit: null` takes the sponsoring unit away."""

    name: Name | None = None
    unit: UUID | None = None
    rounds_per_week: Annotated[int, Query(ge=0, le=200)] | None = None


def _shifted(coordinates: Any, datum: Datum) -> Any:
    """GeoJSON coordinates (longitude first) of WGS 84 in another datum, however deep they are nested."""
    if coordinates and isinstance(coordinates[0], (int, float)):
        lat, lon = from_wgs84(coordinates[1], coordinates[0], datum)
        return [round(lon, 7), round(lat, 7)]
    return [_shifted(part, datum) for part in coordinates]


def _feature(row: Any, datum: Datum = "wgs84") -> dict[str, Any]:
    properties = {key: row[key] for key in ("id", "kind", "name", "level", "parent", "time_zone", "publishes", "unit", "people")}
    geometry = row["geometry"]
    if geometry is not None and datum != "wgs84":
        geometry = geometry | {"coordinates": _shifted(geometry["coordinates"], datum)}
    return {"type": "Feature", "id": row["id"], "geometry": geometry, "properties": properties}


async def _place(connection: Any, caller: Caller, id: UUID) -> Any:
    return await connection.fetchrow(queries.PLACE, id, caller.is_admin, caller.staffs, caller.leads)


@router.get("/v1/areas", responses={200: {"model": AreaFeatures}})
async def get_areas(
    caller: TheCaller,
    connection: Transaction,
    secret: Secret,
    parent: UUID | None = None,
    datum: Datum = "wgs84",
    cursor: str | None = None,
    limit: Limit = paging.DEFAULT_LIMIT,
) -> Response:
    """Areas and cells as a GeoJSON FeatureCollection with `next_cursor`; `parent` narrows to what lies directly below."""
    after = UUID(paging.unseal(secret, "areas", cursor)[0]) if cursor else UUID(int=0)
    rows = await connection.fetch(queries.PLACES, parent, caller.is_admin, caller.staffs, caller.leads, after, limit + 1)
    features = [_feature(row, datum) for row in rows[:limit]]
    following = paging.seal(secret, "areas", [features[-1]["id"]]) if len(rows) > limit else None
    return answer({"type": "FeatureCollection", "features": features, "next_cursor": following})


@router.get("/v1/areas/locate", responses={200: {"model": Located}})
async def locate(caller: TheCaller, connection: Transaction, lat: Lat, lon: Lon, datum: Datum = "wgs84") -> Response:
    """The cell at a position, and its area; both null where there is none."""
    lat, lon = to_wgs84(lat, lon, datum)
    cell = await connection.fetchrow(queries.CELL_AT, lon, lat)
    if cell is not None:
        area = {"id": cell["area_id"], "name": cell["area_name"]}
        return answer({"cell": {"id": cell["id"], "name": cell["name"]}, "area": area})
    found = await connection.fetchrow(queries.AREA_AT, lon, lat)
    return answer({"cell": None, "area": dict(found) if found else None})


@router.get("/v1/areas/{id}", responses={200: {"model": AreaFeature}})
async def get_area(id: UUID, caller: TheCaller, connection: Transaction, datum: Datum = "wgs84") -> Response:
    """One area or cell as a GeoJSON Feature."""
    row = await _place(connection, caller, id)
    if row is None:
        raise not_found()
    return answer(_feature(row, datum))


@router.get("/v1/areas/{id}/office", responses={200: {"model": Office}})
async def get_office(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """The body that signs an area's papers, its contact for replies, and what of its issues everybody may see."""
    row = await connection.fetchrow(queries.OFFICE, id) if caller.is_admin or id in caller.reads else None
    if row is None:
        raise not_found()
    return answer(dict(row))


@router.put("/v1/areas/{id}/office", responses={200: {"model": Office}})
async def put_office(id: UUID, wish: OfficeIn, caller: TheCaller, connection: Transaction) -> Response:
    """Say which body signs an area's papers, whom authorities send their replies to, whether anybody may report there, and what of its
    own issues everybody may see: nothing, the accepted ones, or these with the places that the office named."""
    row = None
    if caller.is_admin or id in caller.staffs:
        # One statement on one row: of two at once the later stands, and the same again changes nothing.
        row = await connection.fetchrow(
            queries.PUT_OFFICE, id, wish.issuer, wish.contact, wish.phone, wish.open_reports, wish.publishes
        )
    if row is None:
        raise not_found()
    await record(connection, caller, "office_set", id, id, {"publishes": row["publishes"]})
    return answer(dict(row))


@router.get("/v1/units", responses={200: {"model": Units}})
async def get_units(
    caller: TheCaller,
    connection: Transaction,
    secret: Secret,
    cursor: str | None = None,
    limit: Limit = paging.DEFAULT_LIMIT,
) -> Response:
    """Responsible units of the caller's areas."""
    after = UUID(paging.unseal(secret, "units", cursor)[0]) if cursor else UUID(int=0)
    rows = await connection.fetch(queries.UNITS, caller.is_admin, caller.reads, caller.units, after, limit + 1)
    items = [dict(row) for row in rows[:limit]]
    return page(items, paging.seal(secret, "units", [items[-1]["id"]]) if len(rows) > limit else None)


@router.put("/v1/units/{id}", responses={200: {"model": Unit}})
async def put_unit(id: UUID, wish: UnitIn, caller: TheCaller, connection: Transaction) -> Response:
    """Make or change a responsible unit of one of the caller's areas."""
    if not caller.is_admin and wish.area not in caller.staffs:
        raise not_found()
    try:
        row = await connection.fetchrow(queries.PUT_UNIT, id, wish.area, wish.name, wish.kind, wish.phone)
    except asyncpg.UniqueViolationError:
        raise Problem(409, "conflict", fields=[("/name", "conflict")]) from None
    except asyncpg.ForeignKeyViolationError:
        raise invalid("/area", "unknown-place") from None
    if row is None:
        raise not_found()
    await record(connection, caller, "unit_set", id, wish.area, {"kind": wish.kind})
    return answer(dict(row))


@router.patch("/v1/cells/{id}", responses={200: {"model": AreaFeature}})
async def patch_cell(id: UUID, wish: CellPatch, caller: TheCaller, connection: Transaction) -> Response:
    """Rename a cell, change its sponsoring unit, or say how many rounds a week are planned."""
    sets_unit = "unit" in wish.model_fields_set
    try:
        changed = await connection.fetchval(
            queries.PATCH_CELL, id, wish.name, sets_unit, wish.unit, caller.is_admin, caller.staffs, wish.rounds_per_week
        )
    except asyncpg.UniqueViolationError:
        raise Problem(409, "conflict", fields=[("/name", "conflict")]) from None
    except asyncpg.ForeignKeyViolationError:
        raise invalid("/unit", "unknown-unit") from None
    if changed is None:
        raise not_found()
    if wish.unit is not None and not await connection.fetchval(queries.SPONSORS, id, wish.unit):
        raise invalid("/unit", "unknown-unit")
    told = {name: getattr(wish, name) for name in ("unit", "rounds_per_week") if name in wish.model_fields_set}
    await record(connection, caller, "cell_set", id, changed, told | {"renamed": wish.name is not None})
    return answer(_feature(await _place(connection, caller, id)))


class RuleIn(Wire):
    """Who mends what, and whether a volunteer may close it himself: for an area, or one of its cells; for a category, or all that
    no other rule names."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["unit"], "properties": {"unit": {"type": "string"}}},
                {"required": ["volunteer_may_close"], "properties": {"volunteer_may_close": {"type": "boolean"}}},
            ]
        }
    )
    area: UUID
    unit: UUID | None = None
    volunteer_may_close: bool | None = None
    cell: UUID | None = None
    category: Annotated[Text, Query(max_length=40)] | None = None


@router.get("/v1/assignment-rules", responses={200: {"model": AssignmentRules}})
async def get_rules(
    caller: TheCaller, connection: Transaction, secret: Secret, cursor: str | None = None, limit: Limit = paging.DEFAULT_LIMIT
) -> Response:
    """Which unit is asked when an issue is assigned without naming one; the most specific rule decides."""
    after = UUID(paging.unseal(secret, "rules", cursor)[0]) if cursor else UUID(int=0)
    rows = await connection.fetch(queries.RULES, caller.is_admin, caller.staffs, after, limit + 1)
    items = [dict(row) for row in rows[:limit]]
    return page(items, paging.seal(secret, "rules", [items[-1]["id"]]) if len(rows) > limit else None)


@router.put("/v1/assignment-rules/{id}", responses={200: {"model": AssignmentRule}})
async def put_rule(id: UUID, wish: RuleIn, caller: TheCaller, connection: Transaction) -> Response:
    """Say which unit mends a category in an area or cell, and whether a volunteer who mended it may close it."""
    if wish.unit is None and wish.volunteer_may_close is None:
        raise invalid("/unit", "field-missing")
    if not caller.is_admin and wish.area not in caller.staffs:
        raise not_found()
    try:
        row = await connection.fetchrow(
            queries.PUT_RULE, id, wish.area, wish.cell, wish.category, wish.unit, wish.volunteer_may_close
        )
    except asyncpg.UniqueViolationError:
        raise Problem(409, "conflict", fields=[("/category", "conflict")]) from None
    except asyncpg.ForeignKeyViolationError:
        raise invalid("/category", "unknown-category") from None
    if row is None:
        if await connection.fetchval(queries.RULE_ELSEWHERE, id, wish.area):
            raise not_found()
        known = wish.unit is None or await connection.fetchval(queries.UNIT_SERVES, wish.unit, wish.area)
        raise invalid("/cell", "unknown-place") if known else invalid("/unit", "unknown-unit")
    await record(connection, caller, "rule_set", id, wish.area, wish.model_dump(exclude={"area"}))
    return answer(dict(row))


@router.delete("/v1/assignment-rules/{id}", status_code=204)
async def delete_rule(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Take a rule away."""
    gone = await connection.fetchrow(queries.DROP_RULE, id, caller.is_admin, caller.staffs)
    if gone is None:
        raise not_found()
    told = {"cell": gone["cell_id"], "category": gone["category"], "unit": gone["unit_id"]}
    await record(connection, caller, "rule_removed", id, gone["area_id"], told)
    return Response(status_code=204)
