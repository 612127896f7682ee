"""What every request body and answer is made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)
from starlette.responses import Response

from app.kit import visible
from app.kit.times import EARLIEST, LATEST


def _no_nul(value: Any) -> Any:
    """PostgreSQL keeps no NUL in a text."""
    texts: list[Any] = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and "\x00" in text for text in texts):
        raise ValueError("nul")
    return value


class Wire(BaseModel):
    """A request body: unknown fields are refused, and so is NUL in any text."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    # Whatever type a field has: a text without the check would be a 500 of the database.
    _clean = field_validator("*", mode="before")(_no_nul)


def shown_name(text: str) -> str:
    """A name as it is kept: composed (NFC) and trimmed. ValueError, with the key of its sentence, for one that nobody
    could see, that would break a line or turn the direction of what stands around it, or that looks like another."""
    name = visible.trimmed(text)
    if any(map(visible.fits_no_name, name)):
        raise ValueError("name-characters")
    if not visible.is_visible(name):
        raise ValueError("name-invisible")
    if visible.is_disguised(name):
        raise ValueError("name-letters")
    return name


def shown_or_empty(text: str) -> str:
    return shown_name(text) if text else text


_WRITTEN_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,30})?)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_WRITTEN_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)
_WRITTEN_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _written(pattern: re.Pattern[str], key: str) -> Callable[[Any], Any]:
    """A check for text of a pattern, so that a number is never taken for seconds."""

    def check(value: Any) -> Any:
        if isinstance(value, (date, time)) or (isinstance(value, str) and pattern.fullmatch(value.strip())):
            return value
        raise ValueError(key)

    return check


# A phone whose battery was empty believes in the first day of 1970, of its own zone.
_FIRST_CLAIM = datetime(1969, 12, 31, tzinfo=UTC)


def _bounded_instant(at: datetime) -> datetime:
    # Compared before anything converts it: the years 1 and 9999 have instants that no zone can shift.
    if not EARLIEST <= at < LATEST:
        raise ValueError("instant-bounds")
    return at


def _bounded_claim(at: datetime) -> datetime:
    if not _FIRST_CLAIM <= at < LATEST:
        raise ValueError("claim-bounds")
    return at


def _bounded_day(day: date) -> date:
    if not EARLIEST.date() <= day < LATEST.date():
        raise ValueError("day-bounds")
    return day


Text = Annotated[str, AfterValidator(_no_nul)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(shown_name)]
# A name that may be left out.
Label = Annotated[str, Field(max_length=100), AfterValidator(shown_or_empty)]
Note = Annotated[str, Field(max_length=4000)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
_AsWritten = BeforeValidator(_written(_WRITTEN_INSTANT, "instant"))
# RFC 3339 with its zone, from 2000 up to 2100.
Instant = Annotated[AwareDatetime, _AsWritten, AfterValidator(_bounded_instant)]
# What a phone's clock says. However wrong it is, what it stamps is taken; no clock says a year before 1970.
Claim = Annotated[AwareDatetime, _AsWritten, AfterValidator(_bounded_claim)]
Day = Annotated[date, BeforeValidator(_written(_WRITTEN_DAY, "day")), AfterValidator(_bounded_day)]
TimeOfDay = Annotated[time, BeforeValidator(_written(_WRITTEN_TIME, "time-of-day"))]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]

MOST_ACCURACY_M = 1_000_000


def _at_most(metres: float) -> float:
    return min(metres, MOST_ACCURACY_M)


# A desktop that guesses by its address may be off by half the earth: said, but no reason to refuse what was seen.
Accuracy = Annotated[
    float,
    Field(
        ge=0,
        allow_inf_nan=False,
        description="Metres within which the place lies; more than 1,000,000 is kept as 1,000,000.",
    ),
    AfterValidator(_at_most),
]


class Named(Wire):
    """Something with a name, as answers refer to it."""

    id: UUID
    name: str


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON with times as RFC 3339 in UTC."""
    return Response(dumps(body), status, headers, "application/json")


def dumps(body: Any) -> bytes:
    return orjson.dumps(body, default=str, option=orjson.OPT_UTC_Z)


def page(items: list[Any], next_cursor: str | None, headers: dict[str, str] | None = None) -> Response:
    return answer({"items": items, "next_cursor": next_cursor}, headers=headers)
