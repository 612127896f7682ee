"""What an area, or every cell, stands at: open and overdue now, and how the last days went."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.access import Caller
from app.kit.db import Connection
from app.kit.problems import invalid, not_found
from app.kit.route import unauthorized
from app.maps import queries

DAYS, MOST_DAYS = 28, 366


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 1)


def _rate(part: int, whole: int) -> float | None:
    """None when there is nothing of which it could be a part."""
    return round(part / whole, 3) if whole else None


def _closed(row: Any) -> dict[str, Any]:
    """Of issues that were closed: how long they took, how many in time (of those with a deadline), how many sent back."""
    return {
        "closed": row["closed"], "median_hours": _hours(row["median_s"]), "p90_hours": _hours(row["p90_s"]),
        "on_time_rate": _rate(row["on_time"], row["with_deadline"]), "rework_rate": _rate(row["reworked"], row["closed"]),
    }  # fmt: skip


_NOTHING = {"closed": 0, "median_s": None, "p90_s": None, "on_time": 0, "with_deadline": 0, "reworked": 0}


def _most_open(open_now: Counter[str | None], others: set[str | None]) -> list[str | None]:
    """The keys of both, those with most open issues first."""
    return sorted({*open_now, *others}, key=lambda key: (-open_now[key], key or ""))


async def of_area(connection: Connection, caller: Caller, area: UUID, since: date | None, until: date | None) -> dict[str, Any]:
    """The summary of an area and everything below it, from `since` to `until` in its own time (default: the last 28 days).

    On-time rate: closed issues with a deadline that were mended by it, of those with a deadline. Rework rate: closed issues that were
    sent back or failed inspection, of those closed. Recurrence rate: issues that came back, of those found. Time to close: from the
    report until closing. Problems: 404; 422 days out of order or more than a year.
    """
    zone: Any = await connection.fetchval(queries.AREA, area)
    if zone is None or not (caller.is_admin or area in caller.reads):
        raise not_found()
    today = datetime.now(ZoneInfo(zone)).date()
    last = until or today
    first = since or last - timedelta(days=DAYS - 1)
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise invalid("/until", "days-order")
    span = (area, first, last, zone)
    open_now = await connection.fetch(queries.OPEN_NOW, area)
    opened = {row["day"]: row for row in await connection.fetch(queries.OPENED, *span)}
    closed = {row["day"]: row["closed"] for row in await connection.fetch(queries.CLOSED_BY_DAY, *span)}
    groups = await connection.fetch(queries.CLOSED_BY, *span)
    by = {(row["by"], row["category"] if row["by"] == 1 else row["unit"] if row["by"] == 2 else None): row for row in groups}
    open_by: dict[str, Counter[str | None]] = {
        name: Counter() for name in ("state", "category", "unit", "category_overdue", "unit_overdue")
    }
    overdue = recurring = 0
    for row in open_now:
        for name in ("state", "category", "unit"):
            open_by[name][row[name]] += row["open"]
        for name in ("category", "unit"):
            open_by[f"{name}_overdue"][row[name]] += row["overdue"]
        overdue, recurring = overdue + row["overdue"], recurring + row["recurring"]
    units = {unit for unit in [*open_by["unit"], *(key for which, key in by if which == 2)] if unit is not None}
    names = {row["id"]: row["name"] for row in await connection.fetch(queries.UNIT_NAMES, list(units))}
    monday = today - timedelta(days=today.weekday())
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found, back = sum(r["opened"] for r in opened.values()), sum(r["came_back"] for r in opened.values())
    return {
        "since": first.isoformat(), "until": last.isoformat(), "time_zone": zone, "map_as_of": await connection.fetchval(queries.MAP_AS_OF),
        "open": sum(open_by["state"].values()), "overdue": overdue, "recurring": recurring, "states": dict(open_by["state"]),
        "opened": found, "opened_this_week": sum(r["opened"] for day, r in opened.items() if day >= monday),
        "closed_this_week": sum(n for day, n in closed.items() if day >= monday), "recurrence_rate": _rate(back, found),
        **_closed(by.get((3, None), _NOTHING)),
        "categories": [
            {"category": code, "open": open_by["category"][code], "overdue": open_by["category_overdue"][code], **_closed(by.get((1, code), _NOTHING))}
            for code in _most_open(open_by["category"], {key for which, key in by if which == 1})
        ],
        "units": [
            {"unit": {"id": unit, "name": names[unit]} if unit else None, "open": open_by["unit"][unit], "overdue": open_by["unit_overdue"][unit],
             **_closed(by.get((2, unit), _NOTHING))}
            for unit in _most_open(open_by["unit"], {key for which, key in by if which == 2})
        ],
        "days": [{"day": d.isoformat(), "opened": opened[d]["opened"] if d in opened else 0, "closed": closed.get(d, 0)} for d in days],
    }  # fmt: skip


async def of_cells(connection: Connection, token: bytes, area: UUID | None) -> str:
    """JSON of every cell that the caller reads: counts of now, and kept figures of the last 28 days with when they were reckoned."""
    row = await connection.fetchrow(queries.CELL_SUMMARIES, token, area)
    if row is None:
        raise unauthorized()
    return row["items"] or "[]"


async def compared(
    connection: Connection, of: Literal["cells", "units"], area: UUID, first: date, last: date, zone: str
) -> list[dict[str, Any]]:
    """Cells or units of an area by name, with the counts behind their rates, as `of_area` defines them: found and came back, closed, with a
    deadline, on time, reworked in the days; open and overdue now. At most 5,000."""
    return [dict(row) for row in await connection.fetch(queries.COMPARED[of], area, first, last, zone)]


async def became(connection: Connection, area: UUID, first: date, last: date, zone: str) -> dict[str, dict[str, Any]]:
    """The field's rates of an area for some days, each as part, whole and rate.

    Of the issues found in the days: filed (accepted, sent to somebody or mended on the spot) of those found; rectified and closed by now of
    those filed; overdue: not mended by the deadline, of those filed that had one; recurrence of those found. Of the issues closed in the days: on
    time of those with a deadline, rework of those closed.
    """
    span = (area, first, last, zone)
    found: Any = await connection.fetchrow(queries.BECAME, *span)
    closed: Any = await connection.fetchrow(queries.CLOSED_ALL, *span)
    rates = {
        "filed": (found["filed"], found["found"]), "rectified": (found["rectified"], found["filed"]), "closed": (found["closed"], found["filed"]),
        "on_time": (closed["on_time"], closed["with_deadline"]), "overdue": (found["late"], found["with_deadline"]),
        "rework": (closed["reworked"], closed["closed"]), "recurrence": (found["came_back"], found["found"]),
    }  # fmt: skip
    return {name: {"part": part, "whole": whole, "rate": _rate(part, whole)} for name, (part, whole) in rates.items()}
