"""Statements about the office's calendar and digests. What the clock does to issues is a change of issues: issues/queries.py."""

from app.kit.access import SCOPE, given, unit_serves

CALENDAR = """
select distinct on (d.day) d.day, d.working from calendar_days d join area_tree t on t.ancestor_id = d.area_id
join areas a on a.id = d.area_id where t.area_id = $1
order by d.day, array_position(array['community', 'street', 'district', 'city'], a.level)
"""
DAYS = """
select d.day, d.working, d.name, d.area_id::text as area from calendar_days d join area_tree t on t.ancestor_id = d.area_id
where t.area_id = $1 and d.day >= $2 and d.day < $3 order by d.day, d.area_id
"""
# Whether one of some units serves an area.
SERVED = f"select exists (select from unnest($1::uuid[]) w(id) where {unit_serves('w.id', '$2')})"
PUT_DAY = """
insert into calendar_days (area_id, day, working, name) values ($1, $2, $3, $4)
on conflict (area_id, day) do update set working = excluded.working, name = excluded.name
"""
DROP_DAY = "delete from calendar_days where area_id = $1 and day = $2 returning true"
# For which areas and days the digest has not been made.
DIGESTS_DUE = """
with zones as materialized (select id, known_zone(time_zone) as zone from areas)
select a.id as area_id, (now() at time zone a.zone)::date as day from zones a
where (now() at time zone a.zone)::time >= '08:30' and exists (select from role_grants g where g.area_id = a.id and g.role = 'staff')
  and not exists (select from digests d where d.area_id = a.id and d.day = (now() at time zone a.zone)::date)
"""
# The primary key lets one worker make the digest of an area and day.
TAKE_DIGEST = "insert into digests (area_id, day) values ($1, $2) on conflict do nothing returning true"
STAFF_OF = "select distinct account_id from role_grants where area_id = $1 and role = 'staff'"

# --- samples for inspection (抽查) --------------------------------------------------------------------------------------
# Drawn by the database's own dice from what was closed in a week of the area's own time, and is closed still. The unique key over
# area and week lets it be drawn once.
DRAW = """
with a as (
  select a.id, $3::date::timestamp at time zone known_zone(a.time_zone) as starts,
    ($3::date + 7)::timestamp at time zone known_zone(a.time_zone) as ends
  from areas a where a.id = $2
), closed as materialized (
  select i.id from a join area_tree t on t.ancestor_id = a.id join issues i on i.area_id = t.area_id
  where i.closed_at >= a.starts and i.closed_at < a.ends and i.state = 'closed' and i.unresolved is null
), s as (
  insert into samples (id, area_id, week, percent, closed, by_id)
  select $1, a.id, $3, $4::float8::numeric, (select count(*) from closed), $5 from a returning id, closed, percent
)
insert into sample_issues (sample_id, issue_id)
select s.id, d.id from s, lateral (select id from closed order by random() limit ceil(s.closed * s.percent / 100)) d
"""
# A finding is the first inspection of the issue since the draw: it stands in the event log and nowhere else.
_FINDING = """
left join lateral (
  select e.action, e.at, e.actor_id, coalesce(e.data ->> 'reason', e.data ->> 'note') as note from events e
  where e.issue_id = m.issue_id and e.action in ('pass_inspection', 'fail_inspection') and e.at >= s.drawn_at order by e.version limit 1
) f on true
"""
# Issues are counted and shown that the caller sees: one may have been moved into another community since.
SAMPLES = f"""
with c as materialized ({given(4)})
select s.id::text, s.area_id::text as area, s.week, s.percent::float8, s.closed, s.drawn_at, a.name as drawn_by, n.drawn, n.passed, n.failed
from c cross join samples s join accounts a on a.id = s.by_id cross join lateral (
  select count(*)::int as drawn, count(*) filter (where f.action = 'pass_inspection')::int as passed,
    count(*) filter (where f.action = 'fail_inspection')::int as failed
  from sample_issues m join issues i on i.id = m.issue_id and {SCOPE} {_FINDING} where m.sample_id = s.id
) n
where ($1 or s.area_id = any($2::uuid[])) and ($3::uuid is null or s.id = $3) order by s.week desc, s.id limit 200
"""
SAMPLED = f"""
with c as materialized ({given(2)})
select i.id::text, i.number, i.category, i.state, i.place, i.closed_at,
  case when l.id is not null then json_build_object('id', l.id, 'name', l.name)::jsonb end as cell,
  case f.action when 'pass_inspection' then 'passed' when 'fail_inspection' then 'failed' end as finding, f.note, f.at, a.name as by
from c cross join samples s join sample_issues m on m.sample_id = s.id join issues i on i.id = m.issue_id and {SCOPE} {_FINDING}
left join cells l on l.id = i.cell_id left join accounts a on a.id = f.actor_id
where s.id = $1 order by l.name nulls last, i.number
"""
DRAWN = "select week, percent::float8 from samples where id = $1 and area_id = $2"
# The directory of an area and of those above it, with what each authority still owes and how long its replies took, of the issues that the
# caller sees. Handovers name an
# authority by its name, so that a letter stays true whatever becomes of the directory.
AUTHORITIES = f"""
with c as materialized ({given(1)})
select a.id::text, a.area_id::text as area, a.name, a.kind, a.phone, a.address, a.active, coalesce(o.open, 0)::int as open,
  coalesce(o.overdue, 0)::int as overdue, coalesce(r.replies, 0)::int as replies, r.median_hours
from c cross join authorities a
left join lateral (
  select count(*) as open, count(*) filter (where i.reply_by < now()) as overdue from issues i
  join area_tree t on t.area_id = i.area_id and t.ancestor_id = a.area_id where i.state = 'handed_over' and i.authority = a.name and {SCOPE}
) o on true
left join lateral (
  select count(*) as replies,
    round((percentile_cont(0.5) within group (order by extract(epoch from e.at - h.at)) / 3600)::numeric, 1)::float8 as median_hours
  from events e join issues i on i.id = e.issue_id join area_tree t on t.area_id = i.area_id and t.ancestor_id = a.area_id
  cross join lateral (
    select h.at from events h where h.issue_id = e.issue_id and h.action = 'hand_over' and h.version < e.version order by h.version desc limit 1) h
  where e.action = 'reply' and e.data ->> 'authority' = a.name and {SCOPE}
) r on true
where c.is_admin or a.area_id in (select t.ancestor_id from area_tree t where t.area_id = any(c.reads)) or a.area_id = any(c.reads)
order by a.name, a.id limit 500
"""
PUT_AUTHORITY = """
insert into authorities (id, area_id, name, kind, phone, address, active) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update set name = excluded.name, kind = excluded.kind, phone = excluded.phone, address = excluded.address,
  active = excluded.active where authorities.area_id = excluded.area_id
returning id::text, area_id::text as area, name, kind, phone, address, active
"""
