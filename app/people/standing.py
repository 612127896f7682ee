"""Who stands above whom: the rule book of `kit/policy.py` as SQL, and the one look at a person before anything is done to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.kit.access import CALLER
from app.kit.db import Connection
from app.kit.policy import MAY_TAKE_BACK, Giver, Role
from app.kit.problems import Problem, not_found


def _one_of(roles: frozenset[Role]) -> str:
    return "array[" + ", ".join(f"'{role}'" for role in sorted(roles)) + "]"


def above(rules: Mapping[Giver, frozenset[Role]]) -> str:
    """SQL: whether the caller `c` stands above the role `g`."""
    return f"""(c.is_admin
  or g.role = any({_one_of(rules["leader"])}) and coalesce(g.cell_id = any(c.leads), false)
  or g.role = any({_one_of(rules["staff"])}) and g.area_id = any(c.staffs)
  or g.role = any({_one_of(rules["staff above"])})
    and exists (select from areas x where x.id = g.area_id and x.parent_id = any(c.staffs)))"""


ABOVE = above(MAY_TAKE_BACK)
# Whose roles the caller may see: of their areas and of the cells they lead.
SEES = "(c.is_admin or g.area_id = any(c.staffs) or coalesce(g.cell_id = any(c.leads), false) and g.role = 'volunteer')"
# Roles that are held, for a time or not, and those of closed accounts.
ALL_GRANTS = """
select id, account_id, role, area_id, cell_id, unit_id, starts_at, ends_at, false as closed from role_grants
union all select id, account_id, role, area_id, cell_id, unit_id, null, null, true from closed_grants
"""
# Open work of somebody `a` who holds no role any more, which the caller manages.
LEFT_BEHIND = f"""(not exists (select from ({ALL_GRANTS}) g where g.account_id = a.id) and (
  exists (select from issues i where i.assignee_id = a.id and i.is_open and i.area_id = any(c.staffs))
  or exists (select from black_spots b where b.owner_id = a.id and b.ended_at is null and b.area_id = any(c.staffs))))"""
PERSON = f"""
with c as ({CALLER})
select a.id, a.name, a.disabled_at, a.id = c.account_id as oneself, c.name as caller_name, c.is_admin or s.seen as seen, c.is_admin or s.above as above,
  s.admin, s.areas, {LEFT_BEHIND} as left_behind
from c join accounts a on a.id = $2 cross join lateral (
  select coalesce(bool_or({SEES}), false) as seen, coalesce(bool_and({ABOVE}), false) as above,
    coalesce(bool_or(g.role = 'admin' and not g.closed), false) as admin,
    coalesce(array_agg(distinct g.area_id) filter (where g.area_id is not null), '{{}}') as areas
  from ({ALL_GRANTS}) g where g.account_id = a.id) s
"""
# Rows of admins are locked first and in one order, then accounts in the order of their ids (docs/adr/0014): so of two admins who
# remove each other at once the second finds itself the last, and two people whose work goes to each other do not wait for each other.
LOCK_ADMINS = "select account_id from role_grants where role = 'admin' order by id for update"
LOCK_ACCOUNTS = "select from accounts where id = any($1::uuid[]) order by id for no key update"


async def person(connection: Connection, token: bytes, id: UUID, *, to: UUID | None = None, work: bool = False) -> Any:
    """Somebody for whom the caller answers, to whom something shall be done; their row is locked, with that of `to` who gets something of
    theirs, and the caller's roles are read behind that lock. `work`: of somebody who holds no role any more the office still hands over
    what they left.

    Problems: 404 nobody whom the caller sees; 403 somebody who does not stand below, or the caller themselves.
    """
    await connection.execute(LOCK_ACCOUNTS, [id] if to is None else [id, to])
    row = await connection.fetchrow(PERSON, token, id)
    if row is not None and work and row["left_behind"] and not row["oneself"]:
        return row
    if row is None or not row["seen"]:
        raise not_found()
    if row["oneself"]:
        raise Problem(403, "oneself")
    if not row["above"]:
        raise Problem(403, "not-above")
    return row


async def not_the_last_admin(connection: Connection, id: UUID) -> None:
    """Problem 409 when the account is the only one left that is an admin. To be asked before the account's row is locked."""
    admins = {row["account_id"] for row in await connection.fetch(LOCK_ADMINS)}
    if admins == {id}:
        raise Problem(409, "last-admin")
