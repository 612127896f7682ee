"""What every request body and answer is made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
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


@lru_cache
def _mistaken(model: type[BaseModel]) -> dict[type, frozenset[str]]:
    """For a type that JSON has: the fields of a body for which pydantic would take it, though they are of another type."""

    def kinds(told: Any) -> set[Any]:
        if get_origin(told) in (Union, UnionType):
            return {kind for each in get_args(told) for kind in kinds(each)} - {type(None)}
        return kinds(get_args(told)[0]) if get_origin(told) is Annotated else {told}

    fields = {name: kinds(field.annotation) for name, field in model.model_fields.items()}
    numbers = frozenset(name for name, told in fields.items() if told <= {int, float})
    truths = frozenset(name for name, told in fields.items() if told == {bool})
    return {str: numbers | truths, bool: numbers, int: truths, float: truths}


class Wire(BaseModel):
    """A request body: unknown fields are refused, and so is NUL in any text."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _clean(cls, value: Any, info: ValidationInfo) -> Any:
        """Whatever type a field has: a text without the check would be a 500 of the database. JSON has numbers and truth values:
        what only looks like one is none."""
        if info.field_name in _mistaken(cls).get(type(value), ()):
            raise ValueError("field-type")
        return _no_nul(value)


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
Name = Annotated[str, Field(min_length=1, max_length=100, json_schema_extra={"format": "name"}), AfterValidator(shown_name)]
# A name that may be left out.
Label = Annotated[str, Field(max_length=100, json_schema_extra={"format": "label"}), AfterValidator(shown_or_empty)]
Note = Annotated[str, Field(max_length=4000)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
_AsWritten = BeforeValidator(_written(_WRITTEN_INSTANT, "instant"))
# RFC 3339 with its zone, from 2000 up to 2100.
_INSTANT = {"type": "string", "format": "date-time", "pattern": "^20[0-9]{2}-"}
Instant = Annotated[AwareDatetime, _AsWritten, AfterValidator(_bounded_instant), WithJsonSchema(_INSTANT)]
# What a phone's clock says. However wrong it is, what it stamps is taken; no clock says a year before 1970.
_CLAIM = {"type": "string", "format": "date-time", "pattern": "^(20[0-9]{2}|19[789][0-9]|1969-12-31)"}
Claim = Annotated[AwareDatetime, _AsWritten, AfterValidator(_bounded_claim), WithJsonSchema(_CLAIM)]
_DAY = {"type": "string", "format": "date", "pattern": "^20[0-9]{2}-"}
Day = Annotated[date, BeforeValidator(_written(_WRITTEN_DAY, "day")), AfterValidator(_bounded_day), WithJsonSchema(_DAY)]
_TIME = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}
TimeOfDay = Annotated[time, BeforeValidator(_written(_WRITTEN_TIME, "time-of-day")), WithJsonSchema(_TIME)]
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
