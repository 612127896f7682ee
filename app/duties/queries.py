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
