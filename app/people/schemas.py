"""The wire of people: sessions, invitations, roles."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from app.kit.policy import Role
from app.kit.wire import Instant, Label, Name, Named, Text, Wire, shown_name
from app.people import passwords


def _account(text: str) -> str:
    return passwords.canonical_account(shown_name(text))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# Which letters it may have, the verb says: a name that was chosen before may stay.
AccountName = Annotated[str, Field(min_length=2, max_length=100), AfterValidator(_account)]


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


class InvitationIn(Wire):
    """For exactly one of `area`, `cell` and `unit`, as the role demands. How many uses and hours it may have depends on the role."""

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
    unresolved: int
    cleared: int
    walked: Walked
    thanks: list[Thanks]
