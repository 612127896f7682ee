"""Statements about areas, cells and units."""

from app.kit.access import HOLDS, unit_serves

# A point on a shared border lies in several cells; the smallest id always has it.
CELL_AT = """
select c.id::text, c.name, a.id::text as area_id, a.name as area_name
from cells c join areas a on a.id = c.area_id
where c.retired_at is null and st_intersects(c.geom, st_setsrid(st_makepoint($1, $2), 4326))
order by c.id limit 1
"""
AREA_AT = """
select id::text, name from areas
where st_intersects(geom, st_setsrid(st_makepoint($1, $2), 4326))
order by array_position(array['community', 'street', 'district', 'city'], level), id limit 1
"""

_AREA = """
select a.id::text, 'area' as kind, a.name, a.level, a.parent_id::text as parent, a.time_zone, a.publishes, null::text as unit,
  null::jsonb as people, st_asgeojson(a.geom, 6)::jsonb as geometry from areas a
"""
# A cell's people are shown to whom they answer to: the leader of the cell and staff.
_CELL = f"""
select l.id::text, 'cell' as kind, l.name, 'cell' as level, l.area_id::text as parent, null::text as time_zone, null::text as publishes,
  l.unit_id::text as unit,
  case when $2 or l.area_id = any($3::uuid[]) or l.id = any($4::uuid[]) then (
    select coalesce(json_agg(json_build_object('id', p.id, 'name', p.name, 'role', g.role) order by g.role, p.name), '[]')::jsonb
    from role_grants g join accounts p on p.id = g.account_id where g.cell_id = l.id and {HOLDS.format("g")}) end as people,
  st_asgeojson(l.geom, 6)::jsonb as geometry from cells l
"""
PLACES = f"""
with places as (
  ({_AREA} where ($1::uuid is null or a.parent_id = $1) and a.id > $5 order by a.id limit $6)
  union all
  ({_CELL} where l.retired_at is null and ($1::uuid is null or l.area_id = $1) and l.id > $5 order by l.id limit $6)
) select * from places order by id limit $6
"""
PLACE = f"{_AREA} where a.id = $1 union all {_CELL} where l.id = $1 and l.retired_at is null"

# What an area's papers are signed with, whom a reply is sent to, and what everybody may see.
OFFICE = "select id::text as area, issuer, contact, phone, open_reports, publishes from areas where id = $1"
PUT_OFFICE = """
update areas set issuer = $2, contact = $3, phone = $4, open_reports = coalesce($5, open_reports), publishes = coalesce($6, publishes) where id = $1
returning id::text as area, issuer, contact, phone, open_reports, publishes
"""

UNITS = """
select u.id::text, u.name, u.kind, u.phone, u.area_id::text as area from units u
where ($1 or u.area_id in (select t.area_id from area_tree t where t.ancestor_id = any($2::uuid[])
    union select t.ancestor_id from area_tree t where t.area_id = any($2::uuid[])) or u.id = any($3::uuid[]))
  and u.id > $4 order by u.id limit $5
"""
# What left somebody's sight is told to areas, units and accounts by their ids (departures): a unit may have the id of no area and no
# person. Theirs are drawn by the server, so none can come to have a unit's.
PUT_UNIT = """
insert into units (id, area_id, name, kind, phone) select $1, $2, $3, $4, $5
where not exists (select from areas where id = $1 union all select from cells where id = $1 union all select from accounts where id = $1)
on conflict (id) do update set name = excluded.name, kind = excluded.kind, phone = excluded.phone
  where units.area_id = excluded.area_id
returning id::text, name, kind, phone, area_id::text as area
"""
# Whether a unit may sponsor a cell, and whether it serves an area.
SPONSORS = f"select {unit_serves('$2', 'c.area_id')} from cells c where c.id = $1"
UNIT_SERVES = f"select {unit_serves('$1', '$2')}"
PATCH_CELL = """
update cells set name = coalesce($2, name), unit_id = case when $3 then $4 else unit_id end,
  rounds_per_week = coalesce($7, rounds_per_week)
where id = $1 and retired_at is null and ($5 or area_id = any($6::uuid[])) returning area_id
"""

RULES = """
select r.id::text, r.area_id::text as area, r.cell_id::text as cell, r.category, r.unit_id::text as unit, r.volunteer_may_close
from assignment_rules r
where ($1 or r.area_id = any($2::uuid[])) and r.id > $3 order by r.id limit $4
"""
# The unique key over area, cell and category keeps two rules from answering the same question.
RULE_ELSEWHERE = "select true from assignment_rules where id = $1 and area_id <> $2"
PUT_RULE = f"""
insert into assignment_rules (id, area_id, cell_id, category, unit_id, volunteer_may_close)
select $1, $2, $3, $4, $5, $6
where ($5::uuid is null or {unit_serves("$5", "$2")})
  and ($3::uuid is null or exists (select from cells c where c.id = $3 and c.area_id = $2 and c.retired_at is null))
on conflict (id) do update set cell_id = excluded.cell_id, category = excluded.category, unit_id = excluded.unit_id,
  volunteer_may_close = excluded.volunteer_may_close
  where assignment_rules.area_id = excluded.area_id
returning id::text, area_id::text as area, cell_id::text as cell, category, unit_id::text as unit, volunteer_may_close
"""
DROP_RULE = """
delete from assignment_rules where id = $1 and ($2 or area_id = any($3::uuid[])) returning area_id, cell_id, category, unit_id
"""

AREAS_BY_NAME = "select id, name, level, parent_id, known_zone(time_zone) as time_zone from areas where name = $1"
# An area is known by its name within its parent (a unique constraint): importing it again redraws
# it, and gives it another zone where one is named.
PUT_AREA = """
insert into areas (id, parent_id, level, name, geom, time_zone)
values ($1, $2, $3, $4, st_multi(st_geomfromwkb($5, 4326)), $6)
on conflict (parent_id, name) do update set geom = coalesce(excluded.geom, areas.geom),
  time_zone = case when $7 then excluded.time_zone else areas.time_zone end
returning id
"""
LEVELS_BELOW = "select name, level from areas where parent_id is not distinct from $1 and name = any($2::text[])"
PUT_AREA_TREE = """
insert into area_tree (ancestor_id, area_id)
select ancestor_id, $1::uuid from area_tree where area_id = $2 union select $1, $1 on conflict do nothing
"""
LEAVES = """
select a.id, a.name, st_asbinary(a.geom) as geom from areas a join area_tree t on t.area_id = a.id
where t.ancestor_id = $1 and a.geom is not null
  and not exists (select from areas c where c.parent_id = a.id) order by a.name
"""
PUT_CELL = """
insert into cells (id, area_id, name, geom, unit_id) values ($1, $2, $3, st_multi(st_geomfromwkb($4, 4326)), $5)
on conflict (area_id, name) do nothing returning id
"""
PARENT_GEOM = "select st_asbinary(geom) as geom from areas where id = $1"
