"""The wire of people: sessions, invitations, roles."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from app.kit.policy import Role
from app.kit.wire import Name, Text, Wire


def _lower(text: str) -> str:
    return text.lower()


AccountName = Annotated[str, Field(min_length=2, max_length=100, pattern=r"^[\w.@+-]+$"), AfterValidator(_lower)]


class SignIn(Wire):
    account: Annotated[Text, Field(max_length=200)]
    password: Annotated[Text, Field(max_length=500)]
    device: Annotated[Text, Field(max_length=100)] = ""


class Credentials(Wire):
    account: AccountName
    password: Annotated[Text, Field(min_length=8, max_length=500)]
    current_password: Annotated[Text, Field(max_length=500)] | None = None


class InvitationIn(Wire):
    """For exactly one of `area`, `cell` and `unit`, as the role demands."""

    role: Role
    area: UUID | None = None
    cell: UUID | None = None
    unit: UUID | None = None
    uses: Annotated[int, Field(ge=1, le=500)] = 1
    expires_in_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24 * 7


class AcceptIn(Wire):
    name: Name
    device: Annotated[Text, Field(max_length=100)] = ""
