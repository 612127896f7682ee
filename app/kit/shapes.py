"""Shapes of answers that are written straight from rows: for the service's description, and the clients generated from it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.kit.policy import Role
from app.kit.wire import Instant, Wire

Code = str


class Named(Wire):
    id: UUID
    name: str


class HeldFor(Wire):
    id: UUID
    kind: Literal["area", "cell", "unit"]
    name: str


class Held(Wire):
    id: UUID
    role: Role
    created_at: Instant
    starts_at: Instant | None
    ends_at: Instant | None
    held_for: HeldFor | None


class Me(Wire):
    id: UUID
    name: str
    account: str | None
    roles: list[Held]
    cells: list[Named]
    units: list[Named]


class SignedIn(Wire):
    token: str | None
    expires_at: Instant
    account: Me


class Device(Wire):
    id: UUID
    device: str
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant
    current: bool


class Devices(Wire):
    items: list[Device]
    next_cursor: str | None


class PersonRole(Wire):
    id: UUID
    role: Role
    area: UUID | None
    cell: UUID | None
    unit: UUID | None
    starts_at: Instant | None
    ends_at: Instant | None


class Person(Wire):
    id: UUID
    name: str
    phone: str
    roles: list[PersonRole]


class People(Wire):
    items: list[Person]
    next_cursor: str | None


class Invitation(Wire):
    """`qr` is an SVG; the code is shown this once."""

    id: UUID
    code: str
    url: str
    qr: str
    role: Role
    uses: int
    expires_at: Instant


class Thanks(Wire):
    id: UUID
    text: str
    issue: UUID | None
    by: str
    at: Instant


class Walked(Wire):
    patrols: int
    cells: int
    hours: float


class MyRecord(Wire):
    name: str
    reports: int
    closed: int
    cleared: int
    walked: Walked
    thanks: list[Thanks]


class Category(Wire):
    code: Code
    name: dict[Literal["zh-CN", "en"], str]
    group: Code
    needs: list[Literal["after"]]
    active: bool
    version: int
    radius_m: int
    window_hours: int
    deadline_clock: Literal["working", "calendar"]
    deadline_hours: int
    public_precision_m: int
    volunteer_may_close: bool


class Group(Wire):
    code: Code
    name: dict[Literal["zh-CN", "en"], str]
    categories: list[Category]


class Catalogue(Wire):
    items: list[Group]
    next_cursor: str | None


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


class Unit(Wire):
    id: UUID
    name: str
    kind: str
    phone: str
    area: UUID


class Units(Wire):
    items: list[Unit]
    next_cursor: str | None


class Authority(Wire):
    id: UUID
    area: UUID
    name: str
    kind: str
    phone: str
    address: str
    active: bool
    open: int
    overdue: int
    replies: int
    median_hours: float | None


class Authorities(Wire):
    items: list[Authority]
    next_cursor: str | None


class By(Wire):
    """In what capacity somebody acted, and who, where the caller may know."""

    capacity: str | None = Field(alias="as")
    id: UUID | None
    name: str | None


class TimelineEntry(Wire):
    version: int
    action: str
    source: str | None = Field(alias="from")
    to: str | None
    at: Instant
    by: By
    report: UUID | None
    data: dict[str, Any]


class Timeline(Wire):
    items: list[TimelineEntry]
    next_cursor: str | None


class Notice(Wire):
    id: UUID
    kind: str
    issue: UUID | None
    text: str
    photo: UUID | None
    created_at: Instant
    read_at: Instant | None


class Notices(Wire):
    items: list[Notice]
    next_cursor: str | None
    unread: int


class Channel(Wire):
    id: UUID
    kind: Literal["mail", "wecom", "dingtalk", "feishu", "push"]
    address: str
    kinds: list[str] | None
    language: str
    daily: bool
    created_at: Instant
    failed_at: Instant | None
    failure: str | None


class Channels(Wire):
    items: list[Channel]
    next_cursor: str | None


class PushKey(Wire):
    key: str


class Patrol(Wire):
    """`name` only for whom the walker answers to; `track` (GeoJSON) where one walk was asked for, while it is kept."""

    id: UUID
    started_at: Instant
    ended_at: Instant | None
    people: int
    note: str
    clock: str | None
    received_at: Instant
    cells: list[Named]
    name: str | None
    track: dict[str, Any] | None = None


class Patrols(Wire):
    items: list[Patrol]
    next_cursor: str | None


class CoverageDay(Wire):
    day: date
    walks: int
    person_times: int
    cleared: int


class CoverageCell(Wire):
    id: UUID
    name: str
    area: UUID
    rounds_per_week: int
    walks: int
    person_times: int
    cleared: int
    days: list[CoverageDay]


class Coverage(Wire):
    since: date
    until: date
    time_zone: str
    cells: list[CoverageCell]
    walked: int
    person_times: int
    behind: list[Named]
    unwalked: list[Named]


class BlackSpot(Wire):
    id: UUID
    category: Code
    position: dict[Literal["lat", "lon"], float]
    cell: Named | None
    area: UUID | None
    latest_issue: UUID
    recurrences: int
    came_back: int
    plan: str
    since: Instant
    last_seen_at: Instant
    ended_at: Instant | None
    owner: UUID | None
    owner_name: str | None


class BlackSpots(Wire):
    items: list[BlackSpot]
    next_cursor: str | None


class Figures(Wire):
    open: int
    overdue: int
    closed: int
    median_hours: float | None
    p90_hours: float | None
    on_time_rate: float | None
    rework_rate: float | None


class CategoryFigures(Figures):
    category: Code


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
    closed_this_week: int
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
    leaders: list[Named]


class HotspotCategory(Wire):
    category: Code
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


class Clause(Wire):
    """`href` leads to the issues that the sentence counts."""

    text: str
    href: str | None


class Part(Wire):
    title: str
    clauses: list[Clause]


class Issued(Wire):
    by: str
    at: Instant


class Weekly(Wire):
    """The weekly summary; `issued` null for a draft."""

    area: Named
    week: date
    until: date
    time_zone: str
    language: Literal["zh-CN", "en"]
    title: str
    span: str
    parts: list[Part]
    figures: dict[str, Any]
    issued: Issued | None


class Activity(Wire):
    """`own`: the caller noted it himself."""

    id: UUID
    area: UUID
    kind: Literal["household_visit", "questionnaire", "leaflet", "clean_up", "meeting"]
    on_day: date
    count: int
    collected: int | None
    people: int
    place: str
    note: str
    by: str
    own: bool


class Activities(Wire):
    items: list[Activity]
    next_cursor: str | None
