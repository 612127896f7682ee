"""Statements that find hotspots, and keep what was found."""

from app.kit.access import HOLDS

AREA_EXISTS = "select true from areas where id = $1"
KEPT = "select as_of, found from hotspots_kept where area_id = $1 and asked = $2"
LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 20261124))"
KEEP = """
insert into hotspots_kept (area_id, asked, as_of, found) values ($1, $2, clock_timestamp(), $3)
on conflict (area_id, asked) do update set as_of = excluded.as_of, found = excluded.found returning as_of, found
"""
# The map's places in metres of Mercator; radius and hulls are stretched by the latitude of the middle of what is there, so that they are
# metres on the ground. Weeks are counted back from now, the present one last: how many issues of the place were reported in each.
_METRES = "40075016.685578488 / 1073741824"
FIND = f"""
with points as materialized (
  select i.id, i.category, i.cell_id, i.overdue, i.recurring, i.created_at, least(extract(epoch from now() - i.created_at) / 86400, 30) / 30 as age,
    st_setsrid(st_makepoint((i.tx + 0.5) * {_METRES} - 20037508.342789244, 20037508.342789244 - (i.ty + 0.5) * {_METRES}), 3857) as at
  from map_issues i where i.area_id in (select x.area_id from area_tree x where x.ancestor_id = $1)
    and ($2::text[] is null or i.category = any($2)) and ($3::timestamptz is null or i.created_at >= $3)
), stretch as materialized (
  select 1 / greatest(cos(radians(st_y(st_transform(st_setsrid(st_makepoint(0, avg(st_y(at))), 3857), 4326)))), 0.05) as by from points
), clustered as materialized (
  select p.*, st_clusterdbscan(p.at, $4::float8 * (select by from stretch), $5::int) over () as cluster from points p
), hot as materialized (
  select cluster, min(id::text) as id, count(*)::int as open, count(*) filter (where overdue)::int as overdue,
    count(*) filter (where recurring)::int as recurring, round(sum(age)::numeric, 1)::float8 as age, min(created_at) as oldest,
    st_buffer(st_convexhull(st_collect(at)), $4::float8 / 2 * (select by from stretch), 4) as hull
  from clustered where cluster is not null group by cluster
  order by count(*) + count(*) filter (where overdue) + count(*) filter (where recurring) + sum(age) desc, min(id::text) limit 100
), kinds as (
  select cluster, json_agg(json_build_object('category', category, 'open', n) order by n desc, category) as top from (
    select cluster, category, count(*)::int as n, row_number() over (partition by cluster order by count(*) desc, category) as rank
    from clustered join hot using (cluster) group by 1, 2) k where rank <= 3 group by cluster
), places as (
  select cluster, json_agg(json_build_object('id', l.id, 'name', l.name, 'open', n) order by n desc, l.name) as cells from (
    select cluster, cell_id, count(*)::int as n from clustered join hot using (cluster) where cell_id is not null group by 1, 2) k
  join cells l on l.id = k.cell_id group by cluster
), weeks as (
  select hot.cluster, w.ago, count(r.created_at)::int as reported from hot cross join generate_series(0, $6::int - 1) w(ago)
  left join lateral (
    select i.created_at from issues i where i.state = 'closed' and i.mercator && hot.hull and st_intersects(i.mercator, hot.hull)
      and ($2::text[] is null or i.category = any($2)) and i.created_at > now() - make_interval(days => 7 * $6::int)
    union all
    select i.created_at from issues i where i.is_open and i.mercator && hot.hull and st_intersects(i.mercator, hot.hull)
      and ($2::text[] is null or i.category = any($2)) and i.created_at > now() - make_interval(days => 7 * $6::int) offset 0
  ) r on floor(extract(epoch from now() - r.created_at) / 604800) = w.ago
  group by 1, 2
), series as (
  select cluster, json_agg(reported order by ago desc) as weeks, max(reported) filter (where ago = 0) as now, max(reported) filter (where ago = 1) as before
  from weeks group by cluster
)
select json_agg(json_build_object('type', 'Feature', 'id', hot.id, 'geometry', st_asgeojson(st_transform(hot.hull, 4326), 6)::json, 'properties',
  json_build_object('score', round((hot.open + hot.overdue + hot.recurring + hot.age)::numeric, 1), 'open', hot.open, 'overdue', hot.overdue,
    'recurring', hot.recurring, 'age', hot.age, 'oldest', hot.oldest, 'categories', kinds.top, 'cells', coalesce(places.cells, '[]'),
    'trend', json_build_object('week', series.now, 'week_before', series.before), 'weeks', series.weeks))
  order by hot.open + hot.overdue + hot.recurring + hot.age desc, hot.id)::jsonb
from hot join kinds using (cluster) join series using (cluster) left join places using (cluster)
"""
LEADERS = f"""
select g.cell_id::text as cell, json_agg(json_build_object('id', a.id, 'name', a.name) order by a.name)::jsonb as leaders
from role_grants g join accounts a on a.id = g.account_id where g.role = 'leader' and g.cell_id = any($1::uuid[]) and {HOLDS.format("g")}
group by g.cell_id
"""
