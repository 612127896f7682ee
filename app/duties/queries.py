"""Statements about the office's calendar and digests. What the clock does to issues is a change of issues: issues/queries.py."""

CALENDAR = """
select distinct on (d.day) d.day, d.working from calendar_days d join area_tree t on t.ancestor_id = d.area_id
join areas a on a.id = d.area_id where t.area_id = $1
order by d.day, array_position(array['community', 'street', 'district', 'city'], a.level)
"""
DAYS = """
select d.day, d.working, d.name, d.area_id::text as area from calendar_days d join area_tree t on t.ancestor_id = d.area_id
where t.area_id = $1 and d.day >= $2 and d.day < $3 order by d.day, d.area_id
"""
PUT_DAY = """
insert into calendar_days (area_id, day, working, name) values ($1, $2, $3, $4)
on conflict (area_id, day) do update set working = excluded.working, name = excluded.name
"""
DROP_DAY = "delete from calendar_days where area_id = $1 and day = $2 returning true"
# The primary key lets one worker make the digest of an area and day.
DIGESTS_DUE = """
insert into digests (area_id, day)
select a.id, (now() at time zone a.time_zone)::date from areas a
where (now() at time zone a.time_zone)::time >= '08:30' and exists (select from role_grants g where g.area_id = a.id and g.role = 'staff')
  and not exists (select from digests d where d.area_id = a.id and d.day = (now() at time zone a.time_zone)::date)
on conflict do nothing returning area_id, day
"""
STAFF_OF = "select distinct account_id from role_grants where area_id = $1 and role = 'staff'"
# The directory of an area and of those above it, with what each authority still owes and how long its replies took. Handovers name an
# authority by its name, so that a letter stays true whatever becomes of the directory.
AUTHORITIES = """
select a.id::text, a.area_id::text as area, a.name, a.kind, a.phone, a.address, a.active, coalesce(o.open, 0)::int as open,
  coalesce(o.overdue, 0)::int as overdue, coalesce(r.replies, 0)::int as replies, r.median_hours
from authorities a
left join lateral (
  select count(*) as open, count(*) filter (where i.reply_by < now()) as overdue from issues i
  join area_tree t on t.area_id = i.area_id and t.ancestor_id = a.area_id where i.state = 'handed_over' and i.authority = a.name
) o on true
left join lateral (
  select count(*) as replies,
    round((percentile_cont(0.5) within group (order by extract(epoch from e.at - h.at)) / 3600)::numeric, 1)::float8 as median_hours
  from events e join issues i on i.id = e.issue_id join area_tree t on t.area_id = i.area_id and t.ancestor_id = a.area_id
  cross join lateral (
    select h.at from events h where h.issue_id = e.issue_id and h.action = 'hand_over' and h.version < e.version order by h.version desc limit 1) h
  where e.action = 'reply' and e.data ->> 'authority' = a.name
) r on true
where $1 or a.area_id in (select t.ancestor_id from area_tree t where t.area_id = any($2::uuid[])) or a.area_id = any($2::uuid[])
order by a.name, a.id limit 500
"""
PUT_AUTHORITY = """
insert into authorities (id, area_id, name, kind, phone, address, active) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update set name = excluded.name, kind = excluded.kind, phone = excluded.phone, address = excluded.address,
  active = excluded.active where authorities.area_id = excluded.area_id
returning id::text, area_id::text as area, name, kind, phone, address, active
"""
ADDRESS_OF = """
select a.phone, a.address from authorities a join area_tree t on t.ancestor_id = a.area_id where t.area_id = $1 and a.name = $2 limit 1
"""
