"""Statements about people as the office manages them: closing, devices, roles, links."""

from app.kit.access import CALLER
from app.people.standing import ABOVE, ALL_GRANTS, SEES

# People whom the caller sees, with all their roles that the caller sees; `answers`: the caller stands above every role of theirs.
PEOPLE = f"""
with c as ({CALLER}), g as ({ALL_GRANTS})
select a.id::text, a.name, a.phone, p.roles, not p.oneself and (c.is_admin or not exists (
    select from g where g.account_id = a.id and not {ABOVE})) as answers,
  coalesce((select count(*) from issues i where i.assignee_id = a.id and i.is_open), 0)::int as issues,
  a.password_hash is not null as password, a.disabled_at as closed_at, a.closed_for
from c cross join lateral (
  select g.account_id, g.account_id = c.account_id as oneself, json_agg(json_build_object(
    'id', g.id, 'role', g.role, 'area', g.area_id, 'cell', g.cell_id, 'unit', g.unit_id, 'starts_at', g.starts_at, 'ends_at', g.ends_at,
    'may_take_back', {ABOVE}))::jsonb as roles
  from g where {SEES} and g.closed = $5 and ($2::uuid is null or g.cell_id = $2) and g.account_id > $3
  group by g.account_id
  -- With those who have left, who hold no role any more and left work behind.
  union all select a.id, a.id = c.account_id, '[]'::jsonb from accounts a where $5 and a.id > $3 and $2::uuid is null and a.id in (
      select i.assignee_id from issues i where i.is_open and i.assignee_id is not null and (c.is_admin or i.area_id = any(c.staffs))
      union select b.owner_id from black_spots b where b.ended_at is null and (c.is_admin or b.area_id = any(c.staffs)))
    and not exists (select from g where g.account_id = a.id)
  order by 1 limit $4
) p join accounts a on a.id = p.account_id order by a.id
"""

DISABLE = f"""
update accounts set disabled_at = now(), closed_by = (select account_id from ({CALLER.replace("$1", "$2")}) c), closed_for = $3 where id = $1
"""
ENABLE = "update accounts set disabled_at = null, closed_by = null, closed_for = null where id = $1"
END_STAND_INS = "delete from stand_ins where leader_id = $1 or deputy_id = $1"
SHELVE_GRANTS = """
with gone as (delete from role_grants where account_id = $1 returning *)
insert into closed_grants (id, account_id, role, area_id, cell_id, unit_id, granted_by, created_at)
select id, account_id, role, area_id, cell_id, unit_id, granted_by, created_at from gone
"""
# A cell may have been retired meanwhile: its roles are over.
UNSHELVE_GRANTS = """
with back as (delete from closed_grants where account_id = $1 returning *)
insert into role_grants (id, account_id, role, area_id, cell_id, unit_id, granted_by, created_at)
select id, account_id, role, area_id, cell_id, unit_id, granted_by, created_at from back b
where not exists (select from cells c where c.id = b.cell_id and c.retired_at is not null) on conflict do nothing
"""
SESSIONS = """
select id::text, device, created_at, last_seen_at, expires_at, false as current from sessions
where account_id = $1 and revoked_at is null and expires_at > now() order by created_at desc, id
"""
END_SESSIONS = """
update sessions set revoked_at = now() where account_id = $1 and ($2::uuid is null or id = $2) and revoked_at is null returning id
"""
DROP_PUSH = "delete from channels where account_id = $1 and kind = 'push'"
DROP_CHANNELS = "delete from channels where account_id = $1"
FORGET_UNSENT = "delete from deliveries d using channels c where c.account_id = $1 and d.channel_id = c.id and d.sent_at is null"
VOID_INVITATIONS = "update invitations set revoked_at = now() where inviter_id = $1 and revoked_at is null"
# What was made with sessions ($2) of an account: the audit knows.
VOID_INVITATIONS_OF = """
update invitations set revoked_at = now() where inviter_id = $1 and revoked_at is null and id in (
  select a.subject_id from audit a where a.account_id = $1 and a.kind = 'invitation_made' and a.session_id = any($2))
"""
VOID_LINKS_OF = """
update reset_links set revoked_at = now() where by_id = $1 and used_at is null and revoked_at is null and id in (
  select (a.details->>'link')::uuid from audit a where a.account_id = $1 and a.kind = 'password_reset_made' and a.session_id = any($2))
"""
VOID_LINKS_BY = "update reset_links set revoked_at = now() where by_id = $1 and used_at is null and revoked_at is null"
VOID_LINKS = """
update reset_links set revoked_at = now() where (account_id = $1 or by_id = $1) and used_at is null and revoked_at is null
"""

GRANT = "select account_id, role from role_grants where id = $1"
GRANT_SEEN = f"""
with c as ({CALLER})
select g.account_id, g.role, g.area_id, g.cell_id, g.unit_id, g.ends_at, {ABOVE} as above from c join role_grants g on g.id = $2 and {SEES}
"""
# Whoever stands in for a leader loses with them what they lead no more.
DROP_GRANT = """
with gone as (
  delete from role_grants g where g.id = $1 returning id, account_id, cell_id, role, stand_in_id
)
delete from role_grants d using gone, stand_ins s
where gone.role = 'leader' and gone.stand_in_id is null and s.leader_id = gone.account_id and d.stand_in_id = s.id and d.cell_id = gone.cell_id
"""

# --- links that set a password ------------------------------------------------------------------------------------------
ADD_LINK = """
with earlier as (
  update reset_links set revoked_at = now() where account_id = $3 and used_at is null and revoked_at is null
)
insert into reset_links (id, code_hash, account_id, by_id, expires_at) values ($1, $2, $3, $4, now() + make_interval(hours => $5))
returning expires_at
"""
LINK_MADE = """
select account_id, by_id, expires_at, used_at is not null or revoked_at is not null or expires_at <= now() as over from reset_links where id = $1
"""
LINK = """
select l.id, l.account_id, l.by_id, a.name, a.account, a.phone from reset_links l join accounts a on a.id = l.account_id
where l.code_hash = $1 and l.used_at is null and l.revoked_at is null and l.expires_at > now() and a.disabled_at is null
"""
# The row lock of this update lets a link be used once.
USE_LINK = """
update reset_links set used_at = now() where id = $1 and used_at is null and revoked_at is null and expires_at > now() returning true
"""
# Whether who made a link still stands above all roles of whom it is for.
STILL_ABOVE = f"""
select c.is_admin or c.is_open and not exists (select from ({ALL_GRANTS}) g where g.account_id = $2 and not {ABOVE}) from (
  select (select disabled_at is null from accounts where id = $1) as is_open, coalesce(bool_or(r.role = 'admin'), false) as is_admin,
    coalesce(array_agg(distinct t.area_id) filter (where r.role = 'staff'), '{{}}') as staffs,
    coalesce(array_agg(distinct r.cell_id) filter (where r.role = 'leader'), '{{}}') as leads
  from role_grants r left join area_tree t on t.ancestor_id = r.area_id
  where r.account_id = $1 and (r.ends_at is null or now() >= r.starts_at and now() < r.ends_at)
) c
"""
SET_CREDENTIALS = "update accounts set account = coalesce($2, account), password_hash = $3 where id = $1 returning account, name"
# Whom the office's part of it is told: staff of the areas where the person's roles are held, but the person.
AREA_OF = "select area_id from role_grants where account_id = $1 and area_id is not null order by area_id limit 1"
OFFICE_OF = """
select distinct g.account_id from role_grants g
where g.role = 'staff' and g.account_id <> $1 and g.area_id in (select r.area_id from role_grants r where r.account_id = $1)
"""
