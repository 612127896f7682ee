"""Taking in past cases with their true history, in bulk: the import's and the demo's way into issues and events.

What a case was on each day is the caller's to know; here its rows are written, once each (the primary keys see to it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.issues.lifecycle import DECIDING
from app.kit.db import Connection
from app.kit.times import EARLIEST, LATEST
from app.kit.wire import dumps
from app.settings import settings


@dataclass(slots=True)
class PastEvent:
    action: str
    source: str | None
    to: str
    at: datetime
    actor_id: UUID | None
    acted_as: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Past:
    """A case as it ended up, and the events that brought it there, oldest first."""

    id: UUID
    category: str
    lat: float
    lon: float
    opened_at: datetime
    reporter_id: UUID
    state: str
    events: list[PastEvent]
    note: str = ""
    place: str = ""
    unit_id: UUID | None = None
    assignee_id: UUID | None = None
    deadline: datetime | None = None
    authority: str | None = None
    reply_by: datetime | None = None
    rectified_by: UUID | None = None
    rectified_at: datetime | None = None
    closed_at: datetime | None = None
    unresolved: str | None = None
    fingerprint: bytes = b""


# The columns that an event of a past case sets beside the state, from its own data or to nothing.
_SETS: dict[str, tuple[str, ...]] = {
    "assign": ("unit_id", "assignee_id", "deadline"),
    "grant_extension": ("deadline",),
    "hand_over": ("authority", "reply_by"),
    "recur": ("recurrences",),
    "close_unresolved": ("unresolved",),
}
_CLEARS: dict[str, tuple[str, ...]] = {
    "assign": ("authority", "reply_by"),
    "reply": ("authority", "reply_by"),
    "close_unresolved": ("authority", "reply_by"),
    "send_back": ("rectified_at",),
    "reopen": ("rectified_at", "closed_at", "unresolved", "unit_id", "assignee_id", "deadline"),
    "fail_inspection": ("rectified_at", "closed_at", "unresolved", "unit_id", "assignee_id", "deadline"),
}
_SAID = {"unit_id": "unit", "assignee_id": "assignee", "recurrences": "times", "unresolved": "reason_code"}


def changed(events: Sequence[PastEvent]) -> list[dict[str, Any] | None]:
    """Of each event the columns that it changed, as they were before: what `events.was` holds."""
    found: list[dict[str, Any] | None] = []
    columns: dict[str, Any] = {"recurrences": 0}
    for event in events:
        new: dict[str, Any] = dict.fromkeys(_CLEARS.get(event.action, ()))
        new |= {name: event.data.get(_SAID.get(name, name)) for name in _SETS.get(event.action, ())}
        if event.to != event.source:
            # A case that was closed when it was reported was mended and closed at once.
            new |= {f"{event.to}_at": event.at} if event.to in ("rectified", "closed") else {}
        found.append({name: columns.get(name) for name, value in new.items() if value != columns.get(name)} or None)
        columns |= new
    return found


_STAGES = """
create temporary table if not exists past (
  id uuid, category text, lat float8, lon float8, opened_at timestamptz, reporter_id uuid, state text, version int, note text,
  place text, unit_id uuid, assignee_id uuid, deadline timestamptz, authority text, reply_by timestamptz, rectified_by uuid,
  rectified_at timestamptz, closed_at timestamptz, unresolved text, updated_at timestamptz, fingerprint bytea, cell_id uuid, area_id uuid
) on commit drop;
create temporary table if not exists past_events (
  issue_id uuid, version int, action text, source text, target text, actor_id uuid, acted_as text, at timestamptz, data text, was text
) on commit drop;
truncate past, past_events
"""
_LOCATE = """
update past set cell_id = c.id, area_id = c.area_id from past p
cross join lateral (
  select g.id, g.area_id from cells g
  where g.retired_at is null and st_intersects(g.geom, st_setsrid(st_makepoint(p.lon, p.lat), 4326)) order by g.id limit 1
) c where past.id = p.id
"""
_LOCATE_AREA = """
update past set area_id = coalesce((
  select g.id from areas g where st_intersects(g.geom, st_setsrid(st_makepoint(past.lon, past.lat), 4326))
  order by array_position(array['community', 'street', 'district', 'city'], g.level), g.id limit 1), $1)
where area_id is null
"""
_ISSUES = """
with added as (
  insert into issues (id, number, state, category, category_version, position, cell_id, area_id, place, note, reporter_id, unit_id,
    assignee_id, deadline, authority, reply_by, rectified_by, rectified_at, closed_at, unresolved, version, created_at, updated_at, duty, duty_at,
    rework)
  select p.id, next_issue_number(p.opened_at, coalesce(known_zone(a.time_zone), $1)), p.state, p.category, k.version,
    st_setsrid(st_makepoint(p.lon, p.lat), 4326), p.cell_id, p.area_id, p.place, p.note, p.reporter_id, p.unit_id, p.assignee_id,
    p.deadline, p.authority, p.reply_by, p.rectified_by, p.rectified_at, p.closed_at, p.unresolved, p.version, p.opened_at, p.updated_at,
    case when p.deadline > now() and p.state in ('reported', 'accepted', 'assigned', 'in_progress') then 'overdue'
         when p.reply_by > now() and p.state = 'handed_over' then 'reply_overdue' end,
    case when p.deadline > now() and p.state in ('reported', 'accepted', 'assigned', 'in_progress') then p.deadline
         when p.reply_by > now() and p.state = 'handed_over' then p.reply_by end,
    (select count(*) from past_events e where e.issue_id = p.id and e.action in ('send_back', 'fail_inspection'))
  from past p join categories k on k.code = p.category left join areas a on a.id = p.area_id order by p.opened_at
  on conflict (id) do nothing returning id
), reported as (
  insert into reports (id, issue_id, account_id, fingerprint, category, category_version, position, claimed_lat, claimed_lon, datum,
    observed_at, received_at, counted_at, place, note, mended)
  select p.id, p.id, p.reporter_id, p.fingerprint, p.category, k.version, st_setsrid(st_makepoint(p.lon, p.lat), 4326), p.lat, p.lon,
    'wgs84', p.opened_at, p.opened_at, p.opened_at, p.place, p.note, false
  from past p join added using (id) join categories k on k.code = p.category
)
insert into events (issue_id, version, action, from_state, to_state, actor_id, acted_as, at, report_id, data, was)
select e.issue_id, e.version, e.action, e.source, e.target, e.actor_id, e.acted_as, e.at,
  case when e.version = 1 then e.issue_id end, e.data::jsonb, e.was::jsonb
from past_events e join added on added.id = e.issue_id order by e.at, e.version
"""
# What everybody may see of them: what a leader or the office took up, unless it was rejected since.
_PUBLISHED = f"""
insert into published (issue_id)
select i.id from past p join issues i on i.id = p.id where (
  select e.action from past_events e
  where e.issue_id = p.id and e.acted_as in ('leader', 'staff') and e.action in {(*DECIDING, "reject")!r}
  order by e.version desc limit 1) <> 'reject'
on conflict do nothing
"""
_COLUMNS = (
    "id", "category", "lat", "lon", "opened_at", "reporter_id", "state", "note", "place", "unit_id", "assignee_id", "deadline",
    "authority", "reply_by", "rectified_by", "rectified_at", "closed_at", "unresolved", "fingerprint",
)  # fmt: skip


def _check(case: Past) -> None:
    own = (case.opened_at, case.deadline, case.reply_by, case.rectified_at, case.closed_at)
    instants = (*own, *(e.at for e in case.events))
    if not all(EARLIEST <= at < LATEST for at in instants if at is not None):
        raise ValueError(f"case {case.id} has an instant outside the years 2000 to 2100")


async def load(connection: Connection, cases: Sequence[Past], home: UUID | None) -> int:
    """Write cases that are not here yet; how many that were. `home` is the area of those that lie in none.

    Runs in the caller's transaction. Raises ValueError for an instant outside the years 2000 to
    2100.
    """
    for case in cases:
        _check(case)
    await connection.execute(_STAGES)
    await connection.copy_records_to_table(
        "past",
        records=[
            (*(getattr(case, name) for name in _COLUMNS), len(case.events), max(e.at for e in case.events)) for case in cases
        ],
        columns=[*_COLUMNS, "version", "updated_at"],
    )
    await connection.copy_records_to_table(
        "past_events",
        records=[
            (
                case.id,
                n,
                e.action,
                e.source,
                e.to,
                e.actor_id,
                e.acted_as,
                e.at,
                dumps(e.data).decode(),
                dumps(was).decode() if was else None,
            )
            for case in cases
            for n, (e, was) in enumerate(zip(case.events, changed(case.events), strict=True), 1)
        ],
        columns=["issue_id", "version", "action", "source", "target", "actor_id", "acted_as", "at", "data", "was"],
    )
    await connection.execute(_LOCATE)
    await connection.execute(_LOCATE_AREA, home)
    before: Any = await connection.fetchval("select count(*) from past join issues using (id)")
    await connection.execute(_ISSUES, settings().time_zone)
    await connection.execute(_PUBLISHED)
    return len(cases) - before
