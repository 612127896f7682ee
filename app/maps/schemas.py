"""Shapes of answers about summaries and hotspots."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.kit.wire import Instant, Named, Wire


class Figures(Wire):
    """`closed` as mended; `closed_unresolved` apart from it. `due`: the limit fell in the days, open or closed; the on-time rates are of those."""

    open: int
    overdue: int
    closed: int
    closed_unresolved: int
    median_hours: float | None
    p90_hours: float | None
    due: int
    on_time_rate: float | None
    on_time_extended_rate: float | None
    rework_rate: float | None


class CategoryFigures(Figures):
    category: str


class UnitFigures(Figures):
    unit: Named | None


class SummaryDay(Wire):
    day: date
    opened: int
    closed: int


class AreaSummary(Figures):
    since: date
    until: date
    time_zone: str
    map_as_of: Instant | None
    recurring: int
    states: dict[str, int]
    opened: int
    opened_this_week: int
    closed_this_week: int
    recurrence_rate: float | None
    categories: list[CategoryFigures]
    units: list[UnitFigures]
    days: list[SummaryDay]


class CellSummary(Wire):
    id: UUID
    name: str
    area: UUID
    open: int
    overdue: int
    recurring: int
    opened: int
    closed: int
    closed_unresolved: int
    closed_this_week: int
    due: int
    on_time_rate: float | None
    rework_rate: float | None
    recurrence_rate: float | None
    median_hours: float | None
    p90_hours: float | None
    as_of: Instant | None


class CellSummaries(Wire):
    items: list[CellSummary]
    next_cursor: str | None


class HotspotCell(Wire):
    id: UUID
    name: str
    open: int
    # For the office alone.
    leaders: list[Named] = []


class HotspotCategory(Wire):
    category: str
    open: int


class Trend(Wire):
    week: int
    week_before: int


class HotspotProperties(Wire):
    score: float
    age: float
    open: int
    overdue: int
    recurring: int
    cells: list[HotspotCell]
    trend: Trend
    weeks: list[int]
    oldest: Instant
    categories: list[HotspotCategory]


class Hotspot(Wire):
    type: Literal["Feature"]
    id: UUID
    geometry: dict[str, Any]
    properties: HotspotProperties


class Hotspots(Wire):
    type: Literal["FeatureCollection"]
    features: list[Hotspot]
    as_of: Instant


class TileJson(Wire):
    """TileJSON 3.0.0, and `delay_s`: how many seconds a tile may be behind."""

    tilejson: Literal["3.0.0"]
    name: str
    scheme: Literal["xyz"]
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: list[float]
    vector_layers: list[dict[str, Any]]
    delay_s: float


class MapStyle(BaseModel):
    """A style of MapLibre; what stands in it, its specification says."""

    model_config = ConfigDict(extra="allow")
    version: Literal[8]
    sources: dict[str, Any]
    layers: list[dict[str, Any]]
