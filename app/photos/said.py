"""When and where a photograph says it was taken, in every spelling that cameras have. What cannot be believed is left out.

A time with its offset is an instant. Without one it is the time of a clock on some wall: which wall is known when the photograph
belongs to a place, so it is kept as it is read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from app.kit.times import now

_ORIGINAL, _DIGITIZED = 0x9003, 0x9004
_OFFSETS = (0x9011, 0x9012, 0x9010)
_LAT_SIDE, _LAT, _LON_SIDE, _LON = 1, 2, 3, 4
_FIRST_YEAR = 2000
_EAST, _WEST = timedelta(hours=14), timedelta(hours=-12)
# Clocks of phones and of this machine differ.
_AHEAD = timedelta(days=1)

_HALF = r"(?P<half{}>[ap]\.?m\.?|上午|下午)?"
_TIME = re.compile(
    r"(?P<year>\d{4})\s*[:\-/.年]\s*(?P<month>\d{1,2})\s*[:\-/.月]\s*(?P<day>\d{1,2})日?[\sT_,]+"
    + _HALF.format(1)
    + r"\s*(?P<hour>\d{1,2})\s*(?P<colon>[:.\-])\s*(?P<minute>\d{1,2})"
    + r"(?:\s*(?P=colon)\s*(?P<second>\d{1,2})(?:[.,:]\d+)?)?\s*"
    + _HALF.format(2)
    + r"\s*(?P<offset>(?:GMT|UTC)?[+\-−]\s*\d{1,2}(?::?\d\d)?|[a-z]{1,5})?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?:GMT|UTC)?\s*(?P<sign>[+\-−])\s*(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?", re.I)


@dataclass(frozen=True, slots=True)
class Taken:
    """`at` when the instant is known; else `local`, what the clock showed."""

    at: datetime | None = None
    local: datetime | None = None


def text(value: Any) -> str:
    """A tag as text, whatever type it has in the file, up to its first NUL."""
    if isinstance(value, str):
        # Read as Latin-1, which loses nothing.
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return ""
    value = value.strip(b"\x00 ").split(b"\x00")[0]
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


def _offset(said: str) -> timedelta | None:
    """How far a clock is ahead of UTC; None for what no place on earth has."""
    if said.upper() in ("Z", "UTC", "GMT"):
        return timedelta()
    found = _OFFSET.fullmatch(said.strip())
    if found is None:
        return None
    minutes = int(found["minutes"] or 0)
    shift = timedelta(hours=int(found["hours"]), minutes=minutes)
    shift = shift if found["sign"] == "+" else -shift
    return shift if minutes % 15 == 0 and minutes < 60 and _WEST <= shift <= _EAST else None


def _clock(said: str) -> tuple[datetime, timedelta | None] | None:
    """What a clock showed, and its offset where that is written behind it."""
    found = _TIME.fullmatch(said)
    if found is None:
        return None
    hour, half = int(found["hour"]), (found["half1"] or found["half2"] or "")[:1].lower()
    if half:
        if not 1 <= hour <= 12 or half not in "ap上下":
            return None
        hour = hour % 12 + 12 * (found["half1"] == "下午" or found["half2"] == "下午" or half == "p")
    # Some phones write their midnight as hour 24 of the day that begins.
    hour = 0 if hour == 24 else hour
    try:
        local = datetime(int(found["year"]), int(found["month"]), int(found["day"]), hour, int(found["minute"]))
    except ValueError:
        return None
    second = int(found["second"] or 0)
    if second > 60:
        return None

    return local + timedelta(seconds=second), _offset(found["offset"] or "")


def taken(exif: dict[int, Any]) -> Taken:
    """When, by the Exif tags. Nothing for a time before 2000 or after tomorrow: a camera whose clock was never set."""
    for tag in (_ORIGINAL, _DIGITIZED):
        read = _clock(text(exif.get(tag)))
        if read is not None:
            break
    else:
        return Taken()
    local, shift = read
    if shift is None:
        told = (_offset(text(exif.get(tag))) for tag in _OFFSETS)
        shift = next((offset for offset in told if offset is not None), None)
    latest = now() + _AHEAD
    if local.year < _FIRST_YEAR:
        return Taken()
    if shift is None:
        # Where the day begins first, it is as late as that.
        return Taken(local=local) if local <= (latest + _EAST).replace(tzinfo=None) else Taken()
    at = local.replace(tzinfo=timezone(shift)).astimezone(UTC)
    return Taken(at=at) if at <= latest else Taken()


def _number(value: Any) -> float | None:
    """A rational as a number; None where it says that it is not known: 0/0."""
    try:
        number = float(value)
    except ZeroDivisionError:
        number = math.nan
    if math.isnan(number) and getattr(value, "numerator", 0) == 0:
        return None
    return number


def _parts(value: Any) -> list[float | None]:
    if isinstance(value, bytes | str):
        return [float(part) for part in re.findall(r"-?\d+(?:\.\d+)?", text(value))]
    return [_number(part) for part in (value if isinstance(value, tuple) else (value,))]


def _degrees(value: Any) -> float | None:
    """Degrees from one, two or three numbers, of which the last may have a fraction and what follows may be unknown."""
    parts = _parts(value)
    while parts and parts[-1] is None:
        parts.pop()
        # Without its seconds a whole minute is a guess.
        if not parts or (parts[-1] is not None and parts[-1] % 1 == 0):
            return None
    if not 1 <= len(parts) <= 3 or any(part is None or not math.isfinite(part) for part in parts):
        return None
    degrees, *smaller = [part for part in parts if part is not None]
    sign = math.copysign(1, degrees)
    # Some repeat the minus before every number.
    if sign < 0 and all(part <= 0 for part in smaller):
        smaller = [-part for part in smaller]
    if any(not 0 <= part <= 60 for part in smaller):
        return None
    size = [abs(degrees), *smaller]
    # What is behind a fraction says the same again, or nothing that fits it.
    if any(part % 1 and any(size[n:]) for n, part in enumerate(size, 1)):
        return None
    return sign * sum(part / 60**n for n, part in enumerate(size))


def _signed(value: Any, side: Any, positive: str, negative: str, limit: int) -> float | None:
    """Degrees with the sign of their hemisphere: N, n, `N `, North. A minus that contradicts it, or no hemisphere: nothing."""
    degrees, letter = _degrees(value), text(side).lstrip()[:1].upper()
    if degrees is None or abs(degrees) > limit:
        return None
    if letter == negative:
        return -abs(degrees)
    minus = degrees < 0
    if letter == positive:
        return None if minus else degrees
    return degrees if minus and not letter else None


def position(gps: dict[int, Any]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees. Not 0/0, which is what a receiver writes that found nothing."""
    lat = _signed(gps.get(_LAT), gps.get(_LAT_SIDE), "N", "S", 90)
    lon = _signed(gps.get(_LON), gps.get(_LON_SIDE), "E", "W", 180)
    return None if lat is None or lon is None or (lat, lon) == (0, 0) else (lat, lon)
