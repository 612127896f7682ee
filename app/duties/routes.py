"""HTTP of the office's calendar."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.duties import calendar, queries
from app.kit.problems import not_found
from app.kit.route import Route, TheCaller, Transaction
from app.kit.wire import Text, Wire, answer

router = APIRouter(route_class=Route, tags=["duties"])


class DayIn(Wire):
    """Whether the office works on a day, against the rule of its country."""

    working: bool
    name: Annotated[Text, Query(max_length=100)] = ""


@router.get("/v1/areas/{id}/calendar")
async def get_calendar(
    id: UUID, caller: TheCaller, connection: Transaction, year: Annotated[int, Query(ge=2000, le=2100)]
) -> Response:
    """Every day of a year: whether it is a working day, and by what: the country's statutory days, or an area's own entry."""
    zone: Any = await connection.fetchval("select time_zone from areas where id = $1", id)
    if zone is None:
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
async def put_day(id: UUID, day: date, wish: DayIn, caller: TheCaller, connection: Transaction) -> Response:
    """Make a day a working day, or a day off, for an area and those below it. Deadlines reckoned from now on heed it."""
    if not caller.is_admin and id not in caller.staffs:
        raise not_found()
    await connection.execute(queries.PUT_DAY, id, day, wish.working, wish.name)
    return Response(status_code=204)


@router.delete("/v1/areas/{id}/calendar/{day}", status_code=204)
async def delete_day(id: UUID, day: date, caller: TheCaller, connection: Transaction) -> Response:
    """Back to the country's rule."""
    if (not caller.is_admin and id not in caller.staffs) or not await connection.fetchval(queries.DROP_DAY, id, day):
        raise not_found()
    return Response(status_code=204)
