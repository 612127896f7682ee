"""Who is asking, and what they may see: two SQL texts that every statement about issues is built from.

`CALLER` is a relation of one row (none when the token is not good): the account behind token hash $1 and what its roles
reach. `SCOPE` is the one condition on an issue `i` for a caller `c`; every list, count, tile and export applies it.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

# A stand-in's roles begin and end by themselves.
HOLDS = "({0}.ends_at is null or now() >= {0}.starts_at and now() < {0}.ends_at)"

CALLER = f"""
select s.id as session_id, a.id as account_id, a.name, a.account, g.*
from sessions s
join accounts a on a.id = s.account_id
cross join lateral (
  select coalesce(array_agg(distinct r.role), '{{}}') as roles,
         coalesce(bool_or(r.role = 'admin'), false) as is_admin,
         coalesce(array_agg(distinct t.area_id) filter (where r.role in ('volunteer', 'leader', 'staff', 'inspector')), '{{}}') as reads,
         coalesce(array_agg(distinct t.area_id) filter (where t.area_id is not null), '{{}}') as writes,
         coalesce(array_agg(distinct t.area_id) filter (where r.role = 'staff'), '{{}}') as staffs,
         coalesce(array_agg(distinct t.area_id) filter (where r.role = 'inspector'), '{{}}') as inspects,
         coalesce(array_agg(distinct r.cell_id) filter (where r.role = 'leader'), '{{}}') as leads,
         coalesce(array_agg(distinct r.unit_id) filter (where r.role = 'worker'), '{{}}') as units,
         (array_agg(r.area_id order by r.created_at) filter (where r.area_id is not null))[1] as home_id
  from role_grants r left join area_tree t on t.ancestor_id = r.area_id
  where r.account_id = a.id and {HOLDS.format("r")}
) g
where s.token_hash = $1 and s.revoked_at is null and s.expires_at > now() and a.disabled_at is null
"""

SCOPE = """(
  c.is_admin or i.area_id = any(c.reads) or i.unit_id = any(c.units) or i.assignee_id = c.account_id
  or i.reporter_id = c.account_id
  or (i.reports > 1 and exists (select from reports r where r.issue_id = i.id and r.account_id = c.account_id))
)"""


# --- writing needs a role that reaches the place --------------------------------------------------------------------------
# Whether the area takes reports of anybody who is signed in.
OPEN_REPORTS = "exists (select from areas o where o.id = {0} and o.open_reports)"
# Whether the caller `c` may write at a position {1} that lies in the area {0} (null: in none). What a role of theirs does not reach at
# once is looked at by a function (migration 0028): no list of an ordinary reader prepares it.
REACHES_PLACE = """(case when c.is_admin or {0} = any(c.writes) then true
  else reaches_beyond({0}, {1}, c.writes, cardinality(c.roles) > 0) end)"""
# Whether the caller `c` may write to the issue `i`.
REACHES = REACHES_PLACE.format("i.area_id", "i.position")
# The same of the account {1} that holds no session here: whether its roles reach the area {0}.
ACCOUNT_REACHES = f"""({OPEN_REPORTS} or exists (
  select from role_grants w left join area_tree t on t.ancestor_id = w.area_id
  where w.account_id = {{1}} and {HOLDS.format("w")} and (w.role = 'admin' or t.area_id = {{0}} or {{0}} is null)))"""
# Whether the account {0} holds any role.
HOLDS_ANY = f"exists (select from role_grants w where w.account_id = {{0}} and {HOLDS.format('w')})"

# What the caller `c` is to the issue `i`, as bits; issues/lifecycle.py reads them. Reporters and assignees are somebody to it while
# a role of theirs reaches it; an assignee's may lie below the area.
REPORTER, SOLE_REPORTER, LEADER, STAFF, ASSIGNEE, RECTIFIER, INSPECTOR = 1, 2, 4, 8, 16, 32, 64
RELATION = f"""(
  case when i.reporter_id = c.account_id and i.reports = 1 then case when {REACHES} then 3 else 0 end
       when i.reporter_id = c.account_id or (i.reports > 1 and exists (
         select from reports r where r.issue_id = i.id and r.account_id = c.account_id))
       then case when not {REACHES} then 0
                 when exists (select from reports r where r.issue_id = i.id and r.account_id <> c.account_id) then 1 else 3 end
       else 0 end
  + case when i.cell_id = any(c.leads) then 4 else 0 end
  + case when c.is_admin or i.area_id = any(c.staffs) then 8 else 0 end
  + case when i.unit_id = any(c.units) or i.assignee_id = c.account_id and ({REACHES}
      or reaches_within(i.area_id, c.writes)) then 16 else 0 end
  + case when i.rectified_by = c.account_id then 32 else 0 end
  + case when i.area_id = any(c.inspects) then 64 else 0 end
)"""


# What a caller's roles reach, as one mark: whoever keeps something made for a reach asks whether it is still the same.
REACH = "md5(concat_ws('|', c.is_admin, c.reads, c.staffs, c.inspects, c.leads, c.units))"


@dataclass(frozen=True, slots=True)
class Caller:
    """The account behind a request and what its roles reach; ids as strings."""

    session_id: uuid.UUID
    account_id: uuid.UUID
    name: str
    account: str | None
    roles: frozenset[str]
    is_admin: bool
    reads: list[uuid.UUID]
    writes: list[uuid.UUID]
    staffs: list[uuid.UUID]
    inspects: list[uuid.UUID]
    leads: list[uuid.UUID]
    units: list[uuid.UUID]
    home_id: uuid.UUID | None

    @property
    def scope(self) -> tuple[uuid.UUID, bool, list[uuid.UUID], list[uuid.UUID]]:
        """What SCOPE asks of a caller, as `given` takes it."""
        return self.account_id, self.is_admin, self.reads, self.units

    @classmethod
    def of(cls, row: Any) -> Caller:
        return cls(
            row["session_id"], row["account_id"], row["name"], row["account"], frozenset(row["roles"]), row["is_admin"],
            row["reads"], row["writes"], row["staffs"], row["inspects"], row["leads"], row["units"], row["home_id"],
        )  # fmt: skip


def token_hash(authorization: str | None) -> bytes | None:
    """SHA-256 of the bearer token in an Authorization header; tokens carry 256 random bits, so no salt is needed."""
    if not authorization or authorization[:7].lower() != "bearer ":
        return None
    return hashlib.sha256(authorization[7:].strip().encode()).digest()


def unit_serves(unit: str, area: str) -> str:
    """Whether a unit serves an area: its own area lies on the way from it to the root, or below it."""
    on_the_way = f"(t.ancestor_id, t.area_id) in ((u.area_id, {area}), ({area}, u.area_id))"
    return f"exists (select from units u join area_tree t on {on_the_way} where u.id = {unit})"


def given(first: int) -> str:
    """The relation `c` of a caller who is known already, for SCOPE: parameters from `first` on, in the order of `Caller.scope`."""
    kinds = {"account_id": "uuid", "is_admin": "bool", "reads": "uuid[]", "units": "uuid[]"}
    return "select " + ", ".join(f"${n}::{kind} as {name}" for n, (name, kind) in enumerate(kinds.items(), first))
