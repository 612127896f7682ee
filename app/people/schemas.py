"""The wire of people: sessions, invitations, roles."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from app.kit.policy import HELD_FOR, Role
from app.kit.wire import Instant, Label, Name, Named, Text, Wire, shown_name
from app.people import passwords


def _account(text: str) -> str:
    return passwords.canonical_account(shown_name(text))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# Which letters it may have, the verb says: a name that was chosen before may stay.
AccountName = Annotated[str, Field(min_length=2, max_length=100, json_schema_extra={"format": "name"}), AfterValidator(_account)]


class SignIn(Wire):
    account: Annotated[Text, Field(max_length=200), AfterValidator(_composed)]
    password: Annotated[Text, Field(max_length=500)]
    device: Label = ""


class Credentials(Wire):
    account: AccountName
    password: Annotated[
        Text, Field(max_length=passwords.LONGEST, description="At least 8 characters, not common, not one's own name.")
    ]
    current_password: Annotated[Text, Field(max_length=500)] | None = None


_GIVEN: list[tuple[Role, str | None]] = [
    (role, target) for role, targets in HELD_FOR.items() for target in (sorted(targets) or [None])
]


def _held_for(role: Role, target: str | None) -> dict[str, Any]:
    """An invitation to a role names the one thing that it is for."""
    others: dict[str, Any] = {name: {"type": "null"} for name in ("area", "cell", "unit") if name != target}
    named: dict[str, Any] = {target: {"type": "string", "format": "uuid"}} if target else {}
    return {"required": ["role", *named], "properties": {"role": {"const": role}} | others | named}


class InvitationIn(Wire):
    """For exactly one of `area`, `cell` and `unit`, as the role demands. How many uses and hours it may have depends on the role."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [_held_for(role, target) for role, target in _GIVEN]})
    role: Role
    area: UUID | None = None
    cell: UUID | None = None
    unit: UUID | None = None
    uses: Annotated[int, Field(ge=1, le=500)] = 1
    expires_in_hours: Annotated[int, Field(ge=1, le=24 * 90)] | None = None


class AcceptIn(Wire):
    name: Name
    device: Label = ""


# Shapes of answers that are written straight from rows.
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
    published: bool


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
    may_take_back: bool


class Person(Wire):
    """`answers`: the caller stands above every role of theirs, and may end their devices, make a link for a new password and, as the
    office, close their account. `password`: they have one. `issues`: how many open ones are assigned to them by name. `closed_for` is why the account was closed."""

    id: UUID
    name: str
    phone: str
    roles: list[PersonRole]
    answers: bool
    password: bool
    issues: int
    closed_at: Instant | None
    closed_for: str | None


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


class CloseIn(Wire):
    """Why the account is closed, for the office to remember; `to` whom all of their work goes at the same time."""

    reason: Annotated[Text, Field(max_length=300)] = ""
    to: UUID | None = None


class HandOverIn(Wire):
    to: UUID


class HandedOver(Wire):
    """How many of each."""

    issues: int
    cells: int
    black_spots: int


class IssueLeft(Wire):
    id: UUID
    number: str
    category: str
    state: str
    place: str
    deadline: Instant | None


class IssuesLeft(Wire):
    count: int
    items: list[IssueLeft]


class CellLeft(Wire):
    id: UUID
    name: str
    area_id: UUID


class SpotLeft(Wire):
    id: UUID
    category: str
    area_id: UUID | None


class StandInLeft(Wire):
    """`as_leader`: somebody (`other`) stands in for them; otherwise they stand in for somebody."""

    id: UUID
    as_leader: bool
    other: str
    starts_on: date
    ends_on: date


class Work(Wire):
    issues: IssuesLeft
    cells: list[CellLeft]
    black_spots: list[SpotLeft]
    stand_ins: list[StandInLeft]


class ResetLink(Wire):
    """`qr` is an SVG; the link is shown this once. It sets account and password once and signs out every device."""

    url: str
    qr: str
    expires_at: Instant


class ResetIn(Wire):
    """`account` may be left out by who has an account name already."""

    code: Annotated[Text, Field(min_length=1, max_length=100)]
    account: AccountName | None = None
    password: Annotated[Text, Field(min_length=8, max_length=500)]
    device: Label = ""


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
    unresolved: int
    cleared: int
    walked: Walked
    thanks: list[Thanks]


class OpenInvitation(Wire):
    id: UUID
    role: Role
    area: UUID | None
    cell: UUID | None
    unit: UUID | None
    uses: int
    used: int
    expires_at: Instant
    created_at: Instant


class OpenInvitations(Wire):
    items: list[OpenInvitation]
    next_cursor: str | None


class ThanksSaid(Wire):
    id: UUID
    text: str


class StandIn(Wire):
    """`now`: the deputy leads the cells at present."""

    id: UUID
    leader: Named
    deputy: Named
    starts_on: date
    ends_on: date
    now: bool
    cells: list[Named]


class StandIns(Wire):
    items: list[StandIn]
    next_cursor: str | None
