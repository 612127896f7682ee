"""The wire of premises."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.kit.datum import Datum, to_wgs84
from app.kit.wire import Day, Instant, Label, Name, Named, Note, Text, Wire

_POINT: dict[str, Any] = {
    "type": "array",
    "prefixItems": [{"type": "number", "minimum": -180, "maximum": 180}, {"type": "number", "minimum": -90, "maximum": 90}],
    "minItems": 2,
    "maxItems": 2,
}


class Frontage(Wire):
    """A GeoJSON Point or LineString, [lon, lat]; `datum` as for positions."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"type": {"const": "Point"}, "coordinates": _POINT}},
                {
                    "properties": {
                        "type": {"const": "LineString"},
                        "coordinates": {"type": "array", "items": _POINT, "minItems": 2, "maxItems": 200},
                    }
                },
            ]
        }
    )
    type: Literal["Point", "LineString"]
    coordinates: list[Any]
    datum: Datum = "wgs84"

    @model_validator(mode="after")
    def _shaped(self) -> Frontage:
        points = [self.coordinates] if self.type == "Point" else self.coordinates
        if self.type == "LineString" and not 2 <= len(points) <= 200:
            raise ValueError("bad-frontage")
        for point in points:
            if not isinstance(point, list) or len(point) != 2 or not all(  # pyright: ignore[reportUnknownArgumentType]
                isinstance(n, int | float) and not isinstance(n, bool) for n in point
            ) or not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):  # fmt: skip
                raise ValueError("bad-frontage")
        return self

    def wkt(self) -> tuple[str, tuple[float, float]]:
        """WKT in WGS 84, and its first point as lat, lon."""
        points = [self.coordinates] if self.type == "Point" else self.coordinates
        turned = [to_wgs84(float(lat), float(lon), self.datum) for lon, lat in points]
        inside = ",".join(f"{lon!r} {lat!r}" for lat, lon in turned)
        return f"{self.type.upper()}({inside})", turned[0]


class LetterIn(Wire):
    """The letter of responsibility: when it was signed, and its photograph."""

    signed_on: Day
    photo: UUID | None = None


class PremisesIn(Wire):
    """A shop's or household's front, and who answers for it."""

    area: UUID
    name: Name
    kind: Literal["shop", "household", "institution", "other"] = "shop"
    frontage: Frontage
    owner: Label = ""
    phone: Annotated[Text, Field(max_length=40)] = ""
    address: Annotated[Text, Field(max_length=200)] = ""
    letter: LetterIn | None = None
    active: bool = True


class VisitIn(Wire):
    """A visit, or a warning (告知), to premises."""

    kind: Literal["visit", "warning"] = "visit"
    at: Instant
    note: Note = ""
    photos: Annotated[list[UUID], Field(max_length=20)] = []


# Shapes of answers that are written straight from rows.
class Letter(Wire):
    signed_on: date
    photo: UUID | None


class Premises(Wire):
    """`owner` and `phone` only for whom the caller answers to; `repeats` are issues of a kind that was found there before."""

    id: UUID
    area: UUID
    cell: Named | None
    name: str
    kind: Literal["shop", "household", "institution", "other"]
    address: str
    frontage: dict[str, Any]
    owner: str | None
    phone: str | None
    letter: Letter | None
    active: bool
    issues: int
    open: int
    repeats: int
    visits: int
    warnings: int
    last_visit: Instant | None


class PremisesPage(Wire):
    items: list[Premises]
    next_cursor: str | None


class Visit(Wire):
    id: UUID
    kind: Literal["visit", "warning"]
    at: Instant
    note: str
    by: str | None
    photos: list[UUID]


class PremisesIssue(Wire):
    id: UUID
    number: str
    category: str
    state: str
    created_at: Instant
    closed_at: Instant | None
    note: str
    repeat: bool


class PremisesRecord(Wire):
    visits: list[Visit]
    issues: list[PremisesIssue]


class PremisesWithRecord(Premises):
    record: PremisesRecord
