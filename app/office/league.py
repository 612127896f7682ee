"""The league: how cells and units do beside each other, with the figures behind, and without making a few cases look like many.

What is scored is a share of what was due in the days (issues/due.py), whether it was closed or not: mended on time, at the first time, for good. So
an issue that is left open counts as much as one that was closed, and against whoever has it; nobody rises by not closing.

A rate of a few cases says little: one issue mended in time is 100 %. So each is drawn towards the rate of the whole area as if `PRIOR` more cases had gone
as they go there on average (the mean of a beta prior and its data; Efron and Morris: Stein's Paradox in Statistics, Scientific American 236,
1977): adjusted = (part + PRIOR x area's rate) / (whole + PRIOR). Where fewer than `LEAST` were due there is no rank. The score is the mean
of the adjusted rates, of 100; ranks go by the score before it is rounded, and equal scores share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.access import Caller
from app.kit.db import Connection
from app.kit.problems import invalid, not_found
from app.kit.times import now
from app.maps import summaries
from app.office import queries
from app.patrols import walking

PRIOR, LEAST = 10, 5
DAYS, MOST_DAYS = 28, 366
Of = Literal["cells", "units"]
# Which counts are part and whole of a rate.
_RATES = {
    "on_time": ("on_time", "due"),
    "on_time_extended": ("on_time_extended", "due"),
    "first_time": ("first_time", "due"),
    "lasting": ("lasting", "due"),
    "rework": ("reworked", "closed"),
    "recurrence": ("came_back", "found"),
    "coverage": ("walked", "planned"),
}
# Those that make the score: of all of them more is better, and none is better for an issue that was not closed.
SCORED = ("on_time", "first_time", "lasting", "coverage")


@dataclass(frozen=True, slots=True)
class Span:
    """Days of an area, from `first` to `last`, in its own time zone."""

    area: UUID
    name: str
    issuer: str
    zone: str
    first: date
    last: date

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """From the beginning of the first day to the end of the last, or now while that goes on."""
        begin, end = (
            datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)
            for day in (self.first, self.last + timedelta(days=1))
        )
        return begin, min(end, max(now(), begin))


async def span_of(connection: Connection, caller: Caller, area: UUID, since: date | None, until: date | None) -> Span:
    """The last 28 days, or those asked for. Problems: 404 an area whose papers are not for this caller; 422 days out of order or to come."""
    row = await connection.fetchrow(queries.AREA, area)
    areas = [*caller.staffs, *caller.inspects]
    if row is None or not await connection.fetchval(queries.SERVES, area, caller.is_admin, areas, caller.leads):
        raise not_found()
    today = now().astimezone(ZoneInfo(row["time_zone"])).date()
    last = until or today
    first = since or last - timedelta(days=DAYS - 1)
    if not first <= last <= first + timedelta(days=MOST_DAYS) or first > today or first.year < 2000:
        raise invalid("/until" if until else "/since", "days-order")
    return Span(area, row["name"], row["issuer"], row["time_zone"], first, last)


def _adjusted(part: int, whole: int, mean: Fraction | None) -> Fraction | None:
    """A rate drawn towards the mean, exactly: what is compared must not be rounded."""
    return None if mean is None else (part + PRIOR * mean) / (whole + PRIOR)


def _told(part: int, whole: int) -> dict[str, Any]:
    return {"part": part, "whole": whole, "rate": round(part / whole, 4) if whole else None}


async def table(connection: Connection, span: Span, of: Of) -> dict[str, Any]:
    """The league of an area: `overall`, and `items` by rank, those without one after them by name."""
    rows = await summaries.compared(connection, of, span.area, span.first, span.last, span.zone)
    names = [name for name in _RATES if name != "coverage" or of == "cells"]
    if of == "cells":
        walks = await walking.rounds(connection, span.area, *span.instants)
        for row in rows:
            walked, planned = walks.get(row["id"], (0, 0.0))
            # Planned rounds as a whole number; more walks than planned do not make up for another cell.
            row["planned"] = round(planned)
            row["walked"] = min(walked, row["planned"])
    return {
        "area": {"id": str(span.area), "name": span.name}, "since": span.first, "until": span.last, "time_zone": span.zone, "of": of,
        "prior": PRIOR, "least": LEAST, **ranked(rows, names),
    }  # fmt: skip


def ranked(rows: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Rows of counts as `items` with their rates, score and rank, and the rates `overall`."""
    totals = {name: tuple(sum(row[key] for row in rows) for key in _RATES[name]) for name in names}
    means = {name: Fraction(part, whole) if whole else None for name, (part, whole) in totals.items()}
    items: list[tuple[Fraction | None, dict[str, Any]]] = []
    for row in rows:
        rates = {name: _adjusted(row[_RATES[name][0]], row[_RATES[name][1]], means[name]) for name in names}
        good = [rate for name in SCORED if (rate := rates.get(name)) is not None]
        exact = 100 * sum(good, Fraction()) / len(good) if good and row["due"] >= LEAST else None
        told = {
            name: _told(row[_RATES[name][0]], row[_RATES[name][1]])
            | {"adjusted": None if rate is None else round(float(rate), 4)}
            for name, rate in rates.items()
        }
        counts = {k: row[k] for k in ("found", "due", "closed", "closed_unresolved", "open", "overdue")}
        score = None if exact is None else round(float(exact), 2)
        items.append((exact, {"id": row["id"], "name": row["name"], "rank": None, "score": score, **counts, **told}))
    items.sort(key=lambda item: (item[0] is None, -(item[0] or 0), item[1]["name"], item[1]["id"]))
    for n, (exact, item) in enumerate(items):
        if exact is not None:
            item["rank"] = items[n - 1][1]["rank"] if n and items[n - 1][0] == exact else n + 1
    return {"overall": {name: _told(*totals[name]) for name in names}, "items": [item for _, item in items]}
