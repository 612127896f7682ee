"""Statements about accounts, sessions, roles, invitations and stand-ins."""

from app.kit.access import HOLDS, SCOPE, given

# By the one form of its name, or as a name of other letters was kept before there was one; which of the places the account knows.
ACCOUNT_FOR_SIGN_IN = """
select a.id, a.password_hash, array(select k.mark from known_places k where k.account_id = a.id and k.mark = any($2)) as known
from accounts a where a.account = any($1) and a.disabled_at is null order by a.account = $3 limit 1
"""

# One statement counts and reads, so tries made at once are all counted.
THROTTLE = """
insert into throttles (subject, count, resets_at) values ($1, 1, now() + $2::interval)
on conflict (subject) do update set
  count = case when throttles.resets_at < now() then 1 else throttles.count + 1 end,
  resets_at = case when throttles.resets_at < now() then excluded.resets_at else throttles.resets_at end
returning count, ceil(extract(epoch from resets_at - now()))::int as seconds
"""
UNTHROTTLE = "delete from throttles where subject = any($1)"
# Locked in the order of their names, so that two who sign in at once do not wait for each other.
GIVE_BACK = """
update throttles t set count = greatest(t.count - 1, 0)
from (select subject from throttles where subject = any($1) order by subject for update) s where s.subject = t.subject
"""
REMEMBER_PLACE = """
insert into known_places (account_id, mark) values ($1, $2) on conflict (account_id, mark) do update set last_at = now()
"""
FORGET_PLACES = "delete from known_places where account_id = $1"

STILL_FITS = "select true from accounts where id = $1 and password_hash = $2 and disabled_at is null for share"
ADD_SESSION = """
insert into sessions (id, account_id, token_hash, device, expires_at)
values ($1, $2, $3, $4, now() + make_interval(days => $5))
on conflict (token_hash) do update set last_seen_at = now()
  where sessions.account_id = excluded.account_id and sessions.revoked_at is null and sessions.expires_at > now()
returning id, expires_at
"""
SESSIONS = """
select id::text, device, created_at, last_seen_at, expires_at, id = $2 as current from sessions
where account_id = $1 and revoked_at is null and expires_at > now() order by created_at desc, id
"""
REVOKE = "update sessions set revoked_at = now() where id = $1 and account_id = $2 and revoked_at is null returning id"
REVOKE_OTHERS = "update sessions set revoked_at = now() where account_id = $1 and id <> $2 and revoked_at is null"

GRANTS = f"""
select g.id::text, g.role, g.created_at, g.starts_at, g.ends_at,
  case when c.id is not null then json_build_object('kind', 'cell', 'id', c.id, 'name', c.name)
       when u.id is not null then json_build_object('kind', 'unit', 'id', u.id, 'name', u.name)
       when a.id is not null then json_build_object('kind', 'area', 'id', a.id, 'name', a.name) end::jsonb as held_for
from role_grants g
left join areas a on a.id = g.area_id left join cells c on c.id = g.cell_id left join units u on u.id = g.unit_id
where g.account_id = $1 and {HOLDS.format("g")} order by g.created_at, g.id
"""
# `fresh`: so soon after joining, the only devices are those that joined.
PASSWORD = "select password_hash, phone, now() < created_at + interval '1 hour' as fresh from accounts where id = $1"
SET_CREDENTIALS = """
update accounts set account = $2, password_hash = $3 where id = $1 and password_hash is not distinct from $4
  and exists (select from sessions s where s.id = $5 and s.account_id = $1 and s.revoked_at is null) returning true
"""
SESSION_HOLDS = "select true from sessions where id = $1 and revoked_at is null"
ADD_ACCOUNT = (
    "insert into accounts (id, account, name, password_hash) values ($1, $2, $3, $4) on conflict do nothing returning id"
)
ADD_GRANT = """
insert into role_grants (account_id, role, area_id, cell_id, unit_id, granted_by)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true
"""

# What an invitation is for, with the area it lies in; no row when there is no such thing.
TARGET = """
select area_id, cell_id, unit_id from (
  select id as area_id, null::uuid as cell_id, null::uuid as unit_id from areas where id = $1
  union all select area_id, id, null from cells where id = $2 and retired_at is null
  union all select area_id, null, id from units where id = $3) t
"""
STAYS_OPEN = "select true from accounts where id = $1 and disabled_at is null for share"
LOCK_INVITER = "select from accounts where id = $1 for no key update"
# How many the inviter has open and made within a day, and the seconds until the first of each makes room.
INVITATIONS_MADE = """
select count(*) filter (where open) as open, count(*) filter (where lately) as lately,
  ceil(extract(epoch from min(expires_at) filter (where open) - now()))::int as open_s,
  ceil(extract(epoch from min(created_at) filter (where lately) + interval '24 hours' - now()))::int as lately_s
from (select *, revoked_at is null and expires_at > now() and used < uses as open, created_at > now() - interval '24 hours' as lately
  from invitations where inviter_id = $1 and (expires_at > now() or created_at > now() - interval '24 hours')) i
"""
ADD_INVITATION = """
insert into invitations (id, code_hash, inviter_id, role, area_id, cell_id, unit_id, uses, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(hours => $9)) returning expires_at
"""
INVITATIONS = """
select id::text, role, area_id::text as area, cell_id::text as cell, unit_id::text as unit, uses, used, expires_at, created_at
from invitations where inviter_id = $1 and revoked_at is null and expires_at > now() order by created_at desc, id
"""
REVOKE_INVITATION = "update invitations set revoked_at = now() where id = $1 and inviter_id = $2 and revoked_at is null returning role, area_id, cell_id, unit_id"
INVITATION = "select * from invitations where code_hash = $1"
# The row lock of this update lets the last use be had once.
USE_INVITATION = """
update invitations set used = used + 1
where id = $1 and used < uses and expires_at > now() and revoked_at is null returning id
"""
REACH_OF = f"""
select coalesce(array_agg(distinct g.role), '{{}}') as roles, coalesce(bool_or(g.role = 'admin'), false) as is_admin,
  coalesce(array_agg(distinct t.area_id) filter (where g.role = 'staff'), '{{}}') as staffs,
  coalesce(array_agg(distinct t.area_id) filter (where g.role = 'staff' and t.area_id <> t.ancestor_id), '{{}}') as below,
  coalesce(array_agg(distinct g.cell_id) filter (where g.role = 'leader'), '{{}}') as leads
from role_grants g left join area_tree t on t.ancestor_id = g.area_id
where g.account_id = $1 and {HOLDS.format("g")}
"""
SESSION_BY_TOKEN = """
select s.account_id, s.expires_at, s.device, a.name, s.revoked_at is null and s.expires_at > now() and a.disabled_at is null
  and s.created_at > now() - interval '1 day' as lately
from sessions s join accounts a on a.id = s.account_id where s.token_hash = $1
"""


# Whom the caller may thank: people of their areas or cells.
MAY_THANK = """
select exists (select from role_grants g where g.account_id = $1 and ($2 or g.area_id = any($3::uuid[]) or g.cell_id = any($4::uuid[])))
"""
# The primary key lets it be said once. For an issue that the caller sees, or for none.
ADD_THANKS = f"""
with c as materialized ({given(6)})
insert into thanks (id, account_id, by_id, issue_id, text) select $1, $2, $3, $4, $5 from c
where $4::uuid is null or exists (select from issues i where i.id = $4 and {SCOPE})
on conflict (id) do nothing returning true
"""
THANKS_BY = "select by_id, account_id, issue_id, text from thanks where id = $1"
THANKS = """
select t.id::text, t.text, t.at, t.issue_id::text as issue, a.name as by from thanks t join accounts a on a.id = t.by_id
where t.account_id = $1 order by t.at desc, t.id limit 50
"""

# --- stand-ins: roles of a leader for a time ----------------------------------------------------------------------------
LOCK_BOTH = "select from accounts where id = any($1::uuid[]) order by id for share"
# Cells that somebody leads in their own right, within the reach of who asks: themselves, staff for their areas, an admin.
LED = """
select g.area_id, g.cell_id, known_zone(a.time_zone) as time_zone from role_grants g join areas a on a.id = g.area_id
where g.account_id = $1 and g.role = 'leader' and g.stand_in_id is null and ($2 or $1 = $3 or g.area_id = any($4::uuid[]))
order by g.cell_id
"""
# The primary key makes a stand-in that is sent again the same; its leader cannot be exchanged. An office ($7: not the leader, no admin)
# changes and ends what lies in its areas ($8) alone.
PUT_STAND_IN = """
insert into stand_ins (id, leader_id, deputy_id, starts_on, ends_on, by_id) values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set deputy_id = excluded.deputy_id, starts_on = excluded.starts_on, ends_on = excluded.ends_on
  where stand_ins.leader_id = excluded.leader_id
    and ($7 or not exists (select from role_grants g where g.stand_in_id = stand_ins.id and not g.area_id = any($8::uuid[])))
returning true
"""
DROP_STAND_IN_GRANTS = "delete from role_grants where stand_in_id = $1"
# From the first minute of the first day to the last of the last, in the community's own time.
ADD_STAND_IN_GRANT = """
insert into role_grants (account_id, role, area_id, cell_id, granted_by, stand_in_id, starts_at, ends_at)
values ($1, 'leader', $2, $3, $4, $5, $6::date::timestamp at time zone $8, ($7::date + 1)::timestamp at time zone $8)
"""
STAND_INS = """
select s.id::text, json_build_object('id', l.id, 'name', l.name)::jsonb as leader, json_build_object('id', d.id, 'name', d.name)::jsonb as deputy,
  s.starts_on, s.ends_on, coalesce(bool_or(now() >= g.starts_at and now() < g.ends_at), false) as now,
  coalesce(json_agg(json_build_object('id', c.id, 'name', c.name) order by c.name) filter (where c.id is not null), '[]')::jsonb as cells
from stand_ins s join accounts l on l.id = s.leader_id join accounts d on d.id = s.deputy_id
left join role_grants g on g.stand_in_id = s.id left join cells c on c.id = g.cell_id
where ($1 or s.leader_id = $2 or s.deputy_id = $2 or g.area_id = any($3::uuid[])) and ($4::uuid is null or s.id = $4)
group by s.id, l.id, d.id order by s.starts_on desc, s.id limit 200
"""
STAND_IN_AREA = "select area_id from role_grants where stand_in_id = $1 limit 1"
DROP_STAND_IN = """
delete from stand_ins s where s.id = $1
  and ($2 or s.leader_id = $3 or (
    select bool_and(g.area_id = any($4::uuid[])) from role_grants g where g.stand_in_id = s.id)) returning s.leader_id, s.deputy_id
"""
