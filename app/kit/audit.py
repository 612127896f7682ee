"""What the office does is kept: roles, settings, papers, exports, and looks at what names people. Rows are added, never changed (a trigger holds it).

`record` writes in the transaction of the change it tells of, so that there is neither without the other. A look is recorded before
its answer goes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Protocol, get_args
from uuid import UUID

from app.kit.access import HOLDS
from app.kit.db import Connection

Kind = Literal[
    "role_given", "role_taken", "invitation_made", "invitation_accepted", "invitation_taken_back", "stand_in_put", "stand_in_ended",
    "account_closed", "account_reopened", "devices_ended", "password_reset_made", "password_reset_used", "credentials_set",
    "office_set", "unit_set", "cell_set", "rule_set", "rule_removed", "category_set", "calendar_set", "calendar_removed", "authority_set",
    "paper_issued", "ledger_exported", "archive_exported", "dossier_exported", "circulation_exported", "weekly_exported", "letter_exported",
    "original_seen", "people_read", "work_handed",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Actor(Protocol):
    """Whoever acts: a caller, or somebody who has just signed in."""

    @property
    def account_id(self) -> UUID: ...
    @property
    def session_id(self) -> UUID: ...


_RECORD = """
insert into audit (account_id, session_id, device, kind, subject_id, subject, area_id, details)
select $1, $2, coalesce((select s.device from sessions s where s.id = $2), ''), $3, $4, $5, w.area_id, $7::jsonb
from unnest($6::uuid[]) w(area_id)
"""
# For what areas the roles are held by which somebody reads: those of an export that no area narrows.
_HELD = f"""
select distinct r.area_id from role_grants r
where r.account_id = $1 and r.role in ('leader', 'staff', 'inspector') and {HOLDS.format("r")}
"""
# Codes, ids, numbers and days. Whatever else somebody wrote is not kept here.
_CODE = re.compile(r"[\w.:+-]{1,64}", re.ASCII)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (UUID, date)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value[:20]]  # pyright: ignore[reportUnknownVariableType]
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


async def record(
    connection: Connection,
    caller: Actor | None,
    kind: Kind,
    subject: UUID | str | None,
    area: UUID | None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Keep that `caller` (None: the command line) did `kind` to `subject`, which concerns `area` (None: only an admin reads of it).

    `details` are codes, ids, numbers and days; of any other text only its name is kept. Runs in the caller's transaction.
    """
    await _record(connection, caller, kind, subject, [area], details)


async def record_export(
    connection: Connection, caller: Actor, is_admin: bool, kind: Kind, area: UUID | None, details: Mapping[str, Any]
) -> None:
    """Keep that somebody took along what they may read: of one area, or of all that they hold a role for."""
    areas: list[UUID | None] = [area]
    if area is None and not is_admin:
        areas = [row["area_id"] for row in await connection.fetch(_HELD, caller.account_id)] or [None]
    await _record(connection, caller, kind, None, areas, details)


async def _record(
    connection: Connection,
    caller: Actor | None,
    kind: Kind,
    subject: UUID | str | None,
    areas: list[UUID | None],
    details: Mapping[str, Any] | None,
) -> None:
    id, code = (None, subject or "") if isinstance(subject, str) or subject is None else (subject, "")
    told = {name: _plain(value) for name, value in (details or {}).items()}
    who = (caller.account_id, caller.session_id) if caller else (None, None)
    await connection.execute(_RECORD, *who, kind, id, code, areas, told)
