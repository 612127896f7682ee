"""Working time in a community's own zone: when a deadline falls, and how much of it is left.

Working hours are 08:30-12:00 and 14:00-17:30 on working days: seven hours a day. Working days of China are the statutory
ones with their make-up days, where the library knows the year, under any name of its zones; in other years and zones Monday to
Friday. Before either goes what an area, or the nearest one above it, has entered itself (`exceptions`: day → whether it is worked on).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import chinese_calendar

from app.duties import queries
from app.kit.db import Connection

Clock = Literal["working", "calendar"]
_SPANS = ((time(8, 30), time(12, 0)), (time(14, 0), time(17, 30)))
_MAX_DAYS = 366 * 8
Exceptions = Mapping[date, bool]
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


def _spans(day: date, zone: str, exceptions: Exceptions) -> list[tuple[datetime, datetime]]:
    if not is_working_day(day, zone, exceptions):
        return []
    tz = ZoneInfo(zone)
    return [
        (datetime.combine(day, start, tz).astimezone(UTC), datetime.combine(day, end, tz).astimezone(UTC))
        for start, end in _SPANS
    ]


def add(start: datetime, seconds: int, clock: Clock, zone: str, exceptions: Exceptions = _NONE) -> datetime:
    """The instant `seconds` of `clock` time after `start`, in UTC."""
    start = start.astimezone(UTC)
    if clock == "calendar":
        return start + timedelta(seconds=seconds)
    left = timedelta(seconds=max(0, seconds))
    day = start.astimezone(ZoneInfo(zone)).date()
    for _ in range(_MAX_DAYS):
        for opens, closes in _spans(day, zone, exceptions):
            begin = max(opens, start)
            if begin < closes:
                if left <= closes - begin:
                    return begin + left
                left -= closes - begin
        day += timedelta(days=1)
    raise ValueError("a deadline this far away cannot be reckoned in working hours")


def between(start: datetime, end: datetime, clock: Clock, zone: str, exceptions: Exceptions = _NONE) -> int:
    """Seconds of `clock` time from `start` to `end`; negative calendar time, or 0 working time, when `end` is past."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if clock == "calendar":
        return int((end - start).total_seconds())
    total = timedelta()
    day, last = start.astimezone(ZoneInfo(zone)).date(), end.astimezone(ZoneInfo(zone)).date()
    while day <= last:
        for opens, closes in _spans(day, zone, exceptions):
            total += max(timedelta(), min(closes, end) - max(opens, start))
        day += timedelta(days=1)
    return int(total.total_seconds())
