"""What every request body and answer is made of."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response


class Wire(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("nul")
    return text


Text = Annotated[str, AfterValidator(_no_nul)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_nul)]
Note = Annotated[str, Field(max_length=4000), AfterValidator(_no_nul)]
Reason = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_no_nul)]
Instant = AwareDatetime
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
