"""Shapes of answers about areas, cells and units."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kit.policy import Role
from app.kit.wire import Named, Wire

# What everybody may see of a community: nothing, its accepted issues, or these with the places that the office named.
Publishes = Literal["nothing", "issues", "places"]


class AreaPerson(Wire):
    id: UUID
    name: str
    role: Role


class AreaProperties(Wire):
    id: UUID
    kind: Literal["area", "cell"]
    name: str
    level: str
    parent: UUID | None
    time_zone: str | None
    publishes: Publishes | None = Field(description="What everybody may see of an area; null for cells.")
    unit: UUID | None
    people: list[AreaPerson] | None


class AreaFeature(Wire):
    """`geometry` is GeoJSON, null for areas that only hold others."""

    type: Literal["Feature"]
    id: UUID
    geometry: dict[str, Any] | None
    properties: AreaProperties


class AreaFeatures(Wire):
    type: Literal["FeatureCollection"]
    features: list[AreaFeature]
    next_cursor: str | None


class Located(Wire):
    cell: Named | None
    area: Named | None


class Office(Wire):
    """`issuer` signs the area's papers (empty: the area's name); `contact` and `phone` are told to who owes a reply; `open_reports`:
    anybody who is signed in may report there."""

    area: UUID
    issuer: str
    contact: str
    phone: str
    open_reports: bool
    publishes: Publishes


class Unit(Wire):
    id: UUID
    name: str
    kind: str
    phone: str
    area: UUID


class Units(Wire):
    items: list[Unit]
    next_cursor: str | None


class AssignmentRule(Wire):
    id: UUID
    area: UUID
    cell: UUID | None
    category: str | None
    unit: UUID | None
    volunteer_may_close: bool | None


class AssignmentRules(Wire):
    items: list[AssignmentRule]
    next_cursor: str | None
