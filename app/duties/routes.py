"""HTTP of the office's calendar, the directory of authorities outside, and samples for inspection."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from app.duties import calendar, queries
from app.duties.schemas import Authorities, AuthorityEntry, CalendarYear, Samples, SampleWithIssues
from app.kit.access import Caller
from app.kit.audit import record
from app.kit.problems import Problem, invalid, not_found
from app.kit.route import Route, TheCaller, Transaction
from app.kit.wire import Day, Label, Name, Text, Wire, answer, page

router = APIRouter(route_class=Route, tags=["duties"])


class DayIn(Wire):
    """Whether the office works on a day, against the rule of its country."""

    working: bool
    name: Label = ""


@router.get("/v1/areas/{id}/calendar", responses={200: {"model": CalendarYear}})
async def get_calendar(
    id: UUID, caller: TheCaller, connection: Transaction, year: Annotated[int, Query(ge=2000, le=2100)]
) -> Response:
    """Every day of a year, for who reads the area or is of a unit there: whether it is a working day, by the country's statutory days or
    an area's own entry."""
    zone: Any = await connection.fetchval("select known_zone(time_zone) from areas where id = $1", id)
    reads = caller.is_admin or id in caller.reads or await connection.fetchval(queries.SERVED, caller.units, id)
    if zone is None or not reads:
        raise not_found()
    own = {row["day"]: row for row in await connection.fetch(queries.DAYS, id, date(year, 1, 1), date(year + 1, 1, 1))}
    exceptions = await calendar.exceptions(connection, id)
    days = [
        {
            "day": day.isoformat(), "working": calendar.is_working_day(day, zone, exceptions),
            "name": own[day]["name"] if day in own else None, "area": own[day]["area"] if day in own else None,
        }
        for day in (date.fromordinal(n) for n in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()))
    ]  # fmt: skip
    return answer({"year": year, "time_zone": zone, "published": calendar.is_published(year, zone), "days": days})


@router.put("/v1/areas/{id}/calendar/{day}", status_code=204)
async def put_day(id: UUID, day: Day, wish: DayIn, caller: TheCaller, connection: Transaction) -> Response:
    """Make a day a working day, or a day off, for an area and those below it. Deadlines reckoned from now on heed it."""
    if not caller.is_admin and id not in caller.staffs:
        raise not_found()
    try:
        await connection.execute(queries.PUT_DAY, id, day, wish.working, wish.name)
    except asyncpg.ForeignKeyViolationError:
        raise not_found() from None
    await record(connection, caller, "calendar_set", id, id, {"day": day, "working": wish.working})
    return Response(status_code=204)


@router.delete("/v1/areas/{id}/calendar/{day}", status_code=204)
async def delete_day(id: UUID, day: Day, caller: TheCaller, connection: Transaction) -> Response:
    """Back to the country's rule."""
    if (not caller.is_admin and id not in caller.staffs) or not await connection.fetchval(queries.DROP_DAY, id, day):
        raise not_found()
    await record(connection, caller, "calendar_removed", id, id, {"day": day})
    return Response(status_code=204)


class AuthorityIn(Wire):
    """An authority outside the community: traffic police, a property manager, the sanitation bureau…"""

    area: UUID
    name: Name
    kind: Annotated[Label, Query(max_length=40)] = "other"
    phone: Annotated[Text, Query(max_length=40)] = ""
    address: Annotated[Text, Query(max_length=200)] = ""
    active: bool = True


@router.get("/v1/authorities", responses={200: {"model": Authorities}})
async def get_authorities(caller: TheCaller, connection: Transaction) -> Response:
    """Whom issues are handed over to: what each still owes, and the median of hours that its replies took. At most 500."""
    return page([dict(row) for row in await connection.fetch(queries.AUTHORITIES, *caller.scope)], None)


@router.put("/v1/authorities/{id}", responses={200: {"model": AuthorityEntry}})
async def put_authority(id: UUID, wish: AuthorityIn, caller: TheCaller, connection: Transaction) -> Response:
    """Enter an authority into the directory, or change its entry."""
    if not caller.is_admin and wish.area not in caller.staffs:
        raise not_found()
    try:
        row = await connection.fetchrow(
            queries.PUT_AUTHORITY, id, wish.area, wish.name, wish.kind, wish.phone, wish.address, wish.active
        )
    except asyncpg.UniqueViolationError:
        raise Problem(409, "conflict", fields=[("/name", "conflict")]) from None
    except asyncpg.ForeignKeyViolationError:
        raise not_found() from None
    if row is None:
        raise not_found()
    await record(connection, caller, "authority_set", id, wish.area, {"active": wish.active})
    return answer(dict(row))


class SampleIn(Wire):
    """Which share of what an area closed in a week (named by its Monday) is to be inspected."""

    area: UUID
    week: Day
    percent: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


def _of(caller: Caller, id: UUID | None) -> tuple[Any, ...]:
    """What SAMPLES asks: the areas that somebody inspects, one sample or all, and what they see."""
    return caller.is_admin, [*caller.staffs, *caller.inspects], id, *caller.scope


@router.get("/v1/samples", responses={200: {"model": Samples}})
async def get_samples(caller: TheCaller, connection: Transaction) -> Response:
    """Samples drawn for inspection, latest week first, with what was found so far; at most 200."""
    return page([dict(row) for row in await connection.fetch(queries.SAMPLES, *_of(caller, None))], None)


@router.put("/v1/samples/{id}", status_code=201, responses={200: {"model": SampleWithIssues}, 201: {"model": SampleWithIssues}})
async def put_sample(id: UUID, wish: SampleIn, caller: TheCaller, connection: Transaction) -> Response:
    """Draw a share of a week's closed issues for inspection: by lot, and once for an area and week. 200 when it was drawn already."""
    zone: Any = await connection.fetchval("select known_zone(time_zone) from areas where id = $1", wish.area)
    if zone is None or not (caller.is_admin or wish.area in caller.staffs):
        raise not_found()
    if wish.week.isoweekday() != 1 or wish.week + timedelta(days=7) > datetime.now(ZoneInfo(zone)).date():
        raise invalid("/week", "week-not-over")
    there = await connection.fetchrow(queries.DRAWN, id, wish.area)
    if there is None:
        try:
            await connection.execute(queries.DRAW, id, wish.area, wish.week, wish.percent, caller.account_id)
        except asyncpg.UniqueViolationError:
            raise Problem(409, "drawn-already") from None
    elif (there["week"], there["percent"]) != (wish.week, wish.percent):
        raise Problem(409, "drawn-already")
    return answer(await _sample(connection, caller, id), 201 if there is None else 200)


@router.get("/v1/samples/{id}", responses={200: {"model": SampleWithIssues}})
async def get_sample(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """One sample with its issues, each with the inspector's finding: actions `pass_inspection` and `fail_inspection` of the issue."""
    return answer(await _sample(connection, caller, id))


async def _sample(connection: Any, caller: Any, id: UUID) -> dict[str, Any]:
    row = await connection.fetchrow(queries.SAMPLES, *_of(caller, id))
    if row is None:
        raise not_found()
    return dict(row) | {"issues": [dict(issue) for issue in await connection.fetch(queries.SAMPLED, id, *caller.scope)]}
