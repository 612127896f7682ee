"""Working time in a community's own zone: when a deadline falls, and how much of it is left.

Working hours are 08:30-12:00 and 14:00-17:30 on working days: seven hours a day. Working days of China are the statutory
ones with their make-up days, where the library knows the year, under any name of its zones; in other years and zones Monday to
Friday. Before either goes what an area, or the nearest one above it, has entered itself (`exceptions`: day → whether it is worked on).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import floor
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import chinese_calendar

from app.duties import queries
from app.kit.db import Connection
from app.kit.times import within

Clock = Literal["working", "calendar"]
_SPANS = ((time(8, 30), time(12, 0)), (time(14, 0), time(17, 30)))
# Further than this nothing is reckoned: a stored deadline may be anything.
_MAX_DAYS = 366 * 8
_MOST_S = 100 * 366 * 86_400
Exceptions = Mapping[date, bool]
_Spans = list[tuple[datetime, datetime]]
_NONE: Exceptions = {}
# The mainland's zones with their older names; Hong Kong, Macau and Taipei have days of their own.
_CHINA = frozenset({"Asia/Shanghai", "Asia/Urumqi", "Asia/Kashgar", "Asia/Chongqing", "Asia/Chungking", "Asia/Harbin", "PRC"})


async def exceptions(connection: Connection, area: UUID | None) -> Exceptions:
    """The days that an area's calendar enters itself; an empty mapping for no area."""
    return {row["day"]: row["working"] for row in await connection.fetch(queries.CALENDAR, area)} if area else _NONE


def is_published(year: int, zone: str) -> bool:
    """Whether the statutory days of a year are known; if not, as anywhere outside China, Monday to
    Friday are reckoned as worked on."""
    try:
        return zone in _CHINA and chinese_calendar.is_workday(date(year, 1, 1)) in (True, False)
    except NotImplementedError:  # so the library says of a year it does not know
        return False


def is_working_day(day: date, zone: str, exceptions: Exceptions = _NONE) -> bool:
    own = exceptions.get(day)
    return _by_country(day, zone) if own is None else own


@lru_cache(maxsize=4096)
def _by_country(day: date, zone: str) -> bool:
    if zone in _CHINA:
        try:
            return chinese_calendar.is_workday(day)
        except NotImplementedError:  # a year whose statutory days are not yet published
            pass
    return day.weekday() < 5


def _spans(day: date, zone: str, exceptions: Exceptions) -> _Spans:
    if not is_working_day(day, zone, exceptions):
        return []
    tz = ZoneInfo(zone)
    return [
        (datetime.combine(day, start, tz).astimezone(UTC), datetime.combine(day, end, tz).astimezone(UTC))
        for start, end in _SPANS
    ]


def _days_from(start: datetime, zone: str, exceptions: Exceptions, step: int) -> Iterator[_Spans]:
    """The working spans of each day from that of `start` on (`step` 1), or back (-1), for years."""
    day = start.astimezone(ZoneInfo(zone)).date()
    for _ in range(_MAX_DAYS):
        spans = _spans(day, zone, exceptions)
        yield spans if step > 0 else spans[::-1]
        day += timedelta(days=step)


def _ahead(start: datetime, left: timedelta, zone: str, exceptions: Exceptions) -> datetime:
    last = start
    for spans in _days_from(start, zone, exceptions, 1):
        for opens, closes in spans:
            begin = max(opens, start)
            if begin < closes:
                if left <= closes - begin:
                    return begin + left
                left -= closes - begin
                last = closes
    return last


def _back(start: datetime, left: timedelta, zone: str, exceptions: Exceptions) -> datetime:
    first = start
    for spans in _days_from(start, zone, exceptions, -1):
        for opens, closes in spans:
            end = min(closes, start)
            if opens < end:
                if left <= end - opens:
                    return end - left
                left -= end - opens
                first = opens
    return first


def add(start: datetime, seconds: int, clock: Clock, zone: str, exceptions: Exceptions = _NONE) -> datetime:
    """The instant `seconds` of `clock` time after `start`, in UTC; before it where they are negative.

    Beyond what is reckoned (eight years of days, and every instant's bounds) it is the last that is.
    """
    start = within(start)
    span = timedelta(seconds=max(-_MOST_S, min(_MOST_S, seconds)))
    if clock == "calendar":
        return within(start + span)
    if span < timedelta():
        return _back(start, -span, zone, exceptions)
    return _ahead(start, span, zone, exceptions)


def between(start: datetime, end: datetime, clock: Clock, zone: str, exceptions: Exceptions = _NONE) -> int:
    """Whole seconds of `clock` time from `start` to `end`, negative when `end` is past.

    Rounded down, so that nothing is gained by stopping a clock again and again.
    """
    start, end = within(start), within(end)
    if clock == "calendar":
        return floor((end - start).total_seconds())
    early, late = min(start, end), max(start, end)
    total = timedelta()
    for spans in _days_from(early, zone, exceptions, 1):
        for opens, closes in spans:
            total += max(timedelta(), min(closes, late) - max(opens, early))
        if spans and spans[-1][1] >= late:
            break
    return floor(total.total_seconds() if start <= end else -total.total_seconds())
