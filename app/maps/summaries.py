"""What an area, or every cell, stands at: open and overdue now, and how the last days went."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.access import Caller
from app.kit.db import Connection
from app.kit.problems import invalid, not_found
from app.kit.route import unauthorized
from app.kit.times import now
from app.maps import queries

DAYS, MOST_DAYS = 28, 366


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 1)


def _rate(part: int, whole: int) -> float | None:
    """None when there is nothing of which it could be a part."""
    return round(part / whole, 3) if whole else None


def _ended(row: dict[str, Any]) -> dict[str, Any]:
    """Of issues that were closed as mended: how many, how long they took, how many were sent back before; of those due, how many were mended in
    time. What was closed unresolved is a figure of its own."""
    return {
        "closed": row["closed"], "closed_unresolved": row["closed_unresolved"], "median_hours": _hours(row["median_s"]),
        "p90_hours": _hours(row["p90_s"]), "due": row["due"], "on_time_rate": _rate(row["on_time"], row["due"]),
        "on_time_extended_rate": _rate(row["on_time_extended"], row["due"]), "rework_rate": _rate(row["reworked"], row["closed"]),
    }  # fmt: skip


_NOTHING: dict[str, Any] = {
    "closed": 0, "closed_unresolved": 0, "median_s": None, "p90_s": None, "reworked": 0, "due": 0, "on_time": 0, "on_time_extended": 0,
}  # fmt: skip
Span = tuple[UUID, date, date, str, datetime]


def span_of(area: UUID, first: date, last: date, zone: str) -> Span:
    """Days of an area as the statements take them: with the instant as of which they are told, their end or now."""
    end = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    return area, first, last, zone, min(end, now())


def _most_open(open_now: Counter[str | None], others: set[str | None]) -> list[str | None]:
    """The keys of both, those with most open issues first."""
    return sorted({*open_now, *others}, key=lambda key: (-open_now[key], key or ""))


async def of_area(connection: Connection, caller: Caller, area: UUID, since: date | None, until: date | None) -> dict[str, Any]:
    """The summary of an area and everything below it, from `since` to `until` in its own time (default: the last 28 days).

    On-time rate: of the issues due in the days (issues/due.py), those mended by their limit and checked. Rework rate: closed issues that were sent
    back or failed inspection, of those closed. Recurrence rate: issues that came back, of those found. Time to close: from the
    report until closing. Days that are over are told as of their end. Problems: 404; 422 days out of order or more than a year.
    """
    zone: Any = await connection.fetchval(queries.AREA, area)
    if zone is None or not (caller.is_admin or area in caller.reads):
        raise not_found()
    today = datetime.now(ZoneInfo(zone)).date()
    last = until or today
    first = since or last - timedelta(days=DAYS - 1)
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise invalid("/until", "days-order")
    span = span_of(area, first, last, zone)
    open_now = await connection.fetch(queries.OPEN_NOW, area)
    opened = {row["day"]: row for row in await connection.fetch(queries.OPENED, *span)}
    closed = {row["day"]: row["closed"] for row in await connection.fetch(queries.CLOSED_BY_DAY, *span)}
    by: dict[tuple[int, str | None], dict[str, Any]] = {}
    for statement in (queries.CLOSED_BY, queries.DUE_BY, queries.UNRESOLVED_BY):
        for row in await connection.fetch(statement, *span):
            key = row["by"], row["category"] if row["by"] == 1 else row["unit"] if row["by"] == 2 else None
            by[key] = by.get(key, _NOTHING) | dict(row)

    def ended(which: int, of: str | None) -> dict[str, Any]:
        return _ended(by.get((which, of), _NOTHING))

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
        **ended(3, None),
        "categories": [
            {"category": code, "open": open_by["category"][code], "overdue": open_by["category_overdue"][code], **ended(1, code)}
            for code in _most_open(open_by["category"], {key for which, key in by if which == 1})
        ],
        "units": [
            {"unit": {"id": unit, "name": names[unit]} if unit else None, "open": open_by["unit"][unit], "overdue": open_by["unit_overdue"][unit],
             **ended(2, unit)}
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
    """Cells or units of an area by name, with the counts behind their rates, as `of_area` defines them: found and came back, closed, sent back
    before, due and what became of it; open and overdue now, or at the end of days that are over. At most 5,000."""
    past = last < datetime.now(ZoneInfo(zone)).date()
    return [dict(row) for row in await connection.fetch(queries.COMPARED[of, past], *span_of(area, first, last, zone))]


async def became(connection: Connection, area: UUID, first: date, last: date, zone: str) -> dict[str, dict[str, Any]]:
    """The field's rates of an area for some days, each as part, whole and rate, as of their end or now.

    Of the issues found in the days: filed (accepted, sent to somebody or mended on the spot); those that came back. Of the issues due in the days
    (issues/due.py): mended, closed as mended, on time, on time with extensions, mended in time and not checked yet, and overdue, which is the rest. Of the issues
    closed as mended in the days: rework. `unresolved` were closed without being mended, of all that were closed.
    """
    span = span_of(area, first, last, zone)
    found: Any = await connection.fetchrow(queries.BECAME, *span)
    closed: Any = await connection.fetchrow(queries.CLOSED_ALL, *span)
    due: Any = await connection.fetchrow(queries.DUE_ALL, *span)
    unresolved: Any = await connection.fetchval(queries.UNRESOLVED_ALL, *span)
    rates = {
        "filed": (found["filed"], found["found"]), "rectified": (due["mended"], due["due"]), "closed": (due["due_closed"], due["due"]),
        "on_time": (due["on_time"], due["due"]), "on_time_extended": (due["on_time_extended"], due["due"]),
        "unchecked": (due["unchecked"], due["due"]),
        "overdue": (due["due"] - due["on_time"] - due["unchecked"], due["due"]), "rework": (closed["reworked"], closed["closed"]),
        "recurrence": (found["came_back"], found["found"]), "unresolved": (unresolved, unresolved + closed["closed"]),
    }  # fmt: skip
    return {name: {"part": part, "whole": whole, "rate": _rate(part, whole)} for name, (part, whole) in rates.items()}
