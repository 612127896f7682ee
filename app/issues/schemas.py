"""The wire of reports, issues and actions."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from app.issues.lifecycle import ACTIONS, Action
from app.kit.datum import Datum, to_wgs84
from app.kit.wire import Accuracy, Claim, Day, Instant, Label, Lat, Lon, Name, Named, Note, Reason, Text, Wire

Code = Annotated[Text, Field(min_length=1, max_length=40)]
Place = Annotated[Text, Field(max_length=200)]


class Position(Wire):
    model_config = ConfigDict(
        json_schema_extra={"not": {"required": ["lat", "lon"], "properties": {"lat": {"const": 0}, "lon": {"const": 0}}}}
    )
    lat: Lat
    lon: Lon
    accuracy_m: Accuracy | None = None
    datum: Datum = "wgs84"

    @model_validator(mode="after")
    def _located(self) -> Position:
        # 0/0 is what a broken receiver says, never where somebody stands.
        if self.lat == 0 and self.lon == 0:
            raise ValueError("null-island")
        return self

    def wgs84(self) -> tuple[float, float]:
        return to_wgs84(self.lat, self.lon, self.datum)


class ReportIn(Wire):
    """What one person saw, once, at one place."""

    category: Code
    position: Position
    observed_at: Claim
    note: Note = ""
    place: Place = ""
    photos: Annotated[list[UUID], Field(max_length=20)] = []
    issue_id: UUID | None = None
    mended_on_the_spot: bool = False
    premises: UUID | None = None

    @field_validator("photos")
    @classmethod
    def _once(cls, value: list[UUID]) -> list[UUID]:
        return list(dict.fromkeys(value))


class BatchItem(ReportIn):
    id: UUID


class Batch(Wire):
    # Items are read one by one, so that a bad one does not refuse the others.
    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=100)]


class ActionIn(Wire):
    """Any action's fields; which of them an action needs and may have stands in the lifecycle table."""

    reason: Reason | None = None
    note: Annotated[Note, Field(min_length=1)] | None = None
    into: UUID | None = None
    unit: UUID | None = None
    assignee: UUID | None = None
    deadline: Instant | None = None
    photos: Annotated[list[UUID], Field(max_length=20)] | None = None
    authority: Name | None = None
    reply_by: Instant | None = None
    to: Literal["rectified", "accepted"] | None = None
    reason_code: Literal["cannot_be_mended", "not_our_matter", "gone", "duplicate", "other"] | None = None
    category: Code | None = None
    position: Position | None = None
    place: Place | None = None
    premises: UUID | None = None
    public_place: Label | None = Field(None, description="The place by the name that everybody may read; empty: by its cell.")


# Fields that an action needs only in some cases; the verb decides.
_CONDITIONAL = {("rectify", "photos"), ("grant_extension", "deadline"), ("grant_extension", "reason")}


def wrong_fields(action: Action, wish: ActionIn) -> list[tuple[str, str]]:
    """JSON pointers and sentence keys of fields that `action` lacks or does not know."""
    given = {name for name in wish.model_fields_set if getattr(wish, name) is not None}
    missing = [name for name in action.needs if name not in given and (action.name, name) not in _CONDITIONAL]
    extra = given - {*action.needs, *action.may}
    return [(f"/{name}", "field-missing") for name in missing] + [(f"/{name}", "field-extra") for name in sorted(extra)]


_FIELDS: dict[str, Any] = ActionIn.model_json_schema()["properties"] | {"position": Position.model_json_schema()}


def _given(action: Action, name: str) -> dict[str, Any]:
    """What a field of an action may be: null, which says no more than leaving it out, only where the action does not need it."""
    told = _FIELDS[name]
    needed = name in action.needs and (action.name, name) not in _CONDITIONAL
    return {**told, "anyOf": [one for one in told["anyOf"] if one.get("type") != "null"]} if needed and "anyOf" in told else told


ACTION_SCHEMA: dict[str, Any] = {
    "oneOf": [
        {
            "title": action.name,
            "type": "object",
            "required": ["action", *(n for n in action.needs if (action.name, n) not in _CONDITIONAL)],
            "additionalProperties": False,
            "properties": {
                "action": {"const": action.name},
                **{name: _given(action, name) for name in (*action.needs, *action.may)},
            },
        }
        for action in ACTIONS.values()
    ]
}


class Ref(Wire):
    id: UUID
    name: str | None


class LatLon(Wire):
    lat: float
    lon: float


class Photo(Wire):
    id: UUID
    kind: Literal["before", "after", "scene"]
    state: Literal["awaited", "stored", "refused", "damaged"]
    # For leaders and staff: taken far from the place, or long before the report.
    doubts: list[Literal["far", "old"]] | None


class Handover(Wire):
    authority: str
    reply_by: Instant


Outcome = Literal["resolved", "unresolved"]
ReasonCode = Literal["cannot_be_mended", "not_our_matter", "gone", "duplicate", "other"]


class Issue(Wire):
    """An issue as a caller sees it; `actions` are those open to the caller now."""

    id: UUID
    number: str
    state: str
    category: str
    position: LatLon
    cell: Ref | None
    area: Ref | None
    place: str
    note: str
    unit: Ref | None
    assignee: Ref | None
    deadline: Instant | None
    # The deadline before extensions, by which it is on time or late; null where none was granted.
    first_deadline: Instant | None
    # How often it was extended since the issue was reported or opened again.
    extensions: int
    overdue: bool
    extension_until: Instant | None
    handover: Handover | None
    recurrence_of: UUID | None
    # How often the same kind came back to this place, one time after the other.
    recurrences: int
    merged_into: UUID | None
    premises: Ref | None
    reports: int
    photos: list[Photo]
    created_at: Instant
    updated_at: Instant
    closed_at: Instant | None
    # Of closed issues: `unresolved` was ended without being mended, for the reason of `reason_code`.
    outcome: Outcome | None
    reason_code: ReasonCode | None
    version: int
    # Said to be mended, and the photograph that its category demands is not here.
    evidence_missing: bool
    actions: list[str]


class IssuePage(Wire):
    items: list[Issue]
    next_cursor: str | None


class Changes(Wire):
    """`removed` are ids that left the caller's scope; `more` that there is more to fetch now."""

    items: list[Issue]
    removed: list[UUID]
    next_cursor: str
    more: bool


class Nearby(Wire):
    id: UUID
    number: str
    state: str
    category: str
    position: LatLon
    distance_m: float
    place: str
    note: str
    reports: int
    created_at: Instant


class Report(Wire):
    id: UUID
    issue_id: UUID
    category: str
    position: Position
    observed_at: Claim
    received_at: Instant
    clock: Literal["ahead", "old"] | None
    note: str
    place: str
    photos: list[UUID]
    mended_on_the_spot: bool
    premises: UUID | None


class ReportAnswer(Wire):
    report: Report
    issue: Issue
    nearby: list[Nearby]


class PublicStep(Wire):
    state: str
    on: Day
    outcome: Outcome | None = None


class PublicIssue(Wire):
    """What everybody may know of an issue, in days of its community; `place` is a name that the office released. `steps` and `merged_from` where
    one was asked for."""

    number: str
    state: str
    category: str
    position: LatLon
    cell: str | None
    area: str | None
    place: str
    reports: int
    recurrences: int
    due_on: Day | None
    overdue: bool
    found_on: Day
    closed_on: Day | None
    outcome: Outcome | None
    reason_code: ReasonCode | None
    merged_from: str | None = None
    steps: list[PublicStep] = []


class PublicPage(Wire):
    items: list[PublicIssue]
    next_cursor: str | None


# Shapes of answers that are written straight from rows.
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


class BlackSpot(Wire):
    id: UUID
    category: str
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


class NearbyPage(Wire):
    items: list[Nearby]
    next_cursor: str | None


class BatchTaken(ReportAnswer):
    id: UUID
    status: Literal[200, 201]


class BatchRefused(Wire):
    """`id` as it was sent, where it can be said back; `problem` is a problem document."""

    id: str | None
    status: int
    problem: dict[str, Any]


class BatchAnswer(Wire):
    items: list[BatchTaken | BatchRefused]
