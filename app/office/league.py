"""The league: how cells and units do beside each other, with the figures behind, and without making a few cases look like many.

A rate of a few cases says little: one issue mended in time is 100 %. So each is drawn towards the rate of the whole area as if `PRIOR` more cases had gone
as they go there on average (the mean of a beta prior and its data; Efron and Morris: Stein's Paradox in Statistics, Scientific American 236,
1977): adjusted = (part + PRIOR x area's rate) / (whole + PRIOR). Whoever closed fewer than `LEAST` issues is listed without a rank. The score is the mean
of the adjusted rates, each turned so that more is better, of 100; equal scores share a rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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
# Which counts are part and whole of a rate, and whether more of it is better.
_RATES = {
    "on_time": ("on_time", "with_deadline", True),
    "rework": ("reworked", "closed", False),
    "recurrence": ("came_back", "found", False),
    "coverage": ("walked", "planned", True),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Days of an area, from `first` to `last`, in its own time zone."""

    area: UUID
    name: str
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
    return Span(area, row["name"], row["time_zone"], first, last)


def _rated(counts: dict[str, int], overall: dict[str, float | None], names: list[str]) -> dict[str, Any]:
    rates: dict[str, Any] = {}
    for name in names:
        part, whole = counts[_RATES[name][0]], counts[_RATES[name][1]]
        mean = overall[name]
        adjusted = None if mean is None else round((part + PRIOR * mean) / (whole + PRIOR), 4)
        rates[name] = {"part": part, "whole": whole, "rate": round(part / whole, 4) if whole else None, "adjusted": adjusted}
    return rates


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
    totals = {key: sum(row[key] for row in rows) for name in names for key in _RATES[name][:2]}
    overall = {name: totals[_RATES[name][0]] / whole if (whole := totals[_RATES[name][1]]) else None for name in names}
    items: list[dict[str, Any]] = []
    for row in rows:
        rates = _rated(row, overall, names)
        good = [
            rate["adjusted"] if _RATES[name][2] else 1 - rate["adjusted"]
            for name, rate in rates.items()
            if rate["adjusted"] is not None
        ]
        few = row["closed"] < LEAST
        score = None if few or not good else round(100 * sum(good) / len(good), 1)
        items.append(
            {
                "id": row["id"],
                "name": row["name"],
                "rank": None,
                "score": score,
                **{k: row[k] for k in ("found", "closed", "open", "overdue")},
                **rates,
            }
        )
    items.sort(key=lambda item: (item["score"] is None, -(item["score"] or 0), item["name"], item["id"]))
    for n, item in enumerate(items):
        if item["score"] is not None:
            item["rank"] = items[n - 1]["rank"] if n and items[n - 1]["score"] == item["score"] else n + 1
    whole = {
        name: {
            "part": totals[_RATES[name][0]],
            "whole": totals[_RATES[name][1]],
            "rate": None if rate is None else round(rate, 4),
        }
        for name, rate in overall.items()
    }
    return {
        "area": {"id": str(span.area), "name": span.name}, "since": span.first, "until": span.last, "time_zone": span.zone, "of": of,
        "prior": PRIOR, "least": LEAST, "overall": whole, "items": items,
    }  # fmt: skip
