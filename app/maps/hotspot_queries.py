"""Statements that find hotspots, and keep what was found."""

from app.kit.access import HOLDS

AREA_EXISTS = "select true from areas where id = $1"
KEPT = "select as_of, found from hotspots_kept where area_id = $1 and asked = $2"
LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 20261124))"
# One renewal at a time, for the minute that it may take.
RENEW = """
update hotspots_kept set renewed_at = now() where area_id = $1 and asked = $2 and renewed_at < now() - interval '1 minute' returning true
"""
KEEP = """
insert into hotspots_kept (area_id, asked, as_of, found) values ($1, $2, clock_timestamp(), $3)
on conflict (area_id, asked) do update set as_of = excluded.as_of, found = excluded.found returning as_of, found
"""
# The map's places in metres of Mercator; radius and hulls are stretched as the middle of what is there is (by cosh(y / R)), so that they
# are metres on the ground, and hulls are put back to where they are in WGS 84. How many issues make a hotspot ($5 null): at least 4, and at
# least four times as many as would lie within the radius if they were spread evenly over the squares (of zoom 18, some 140 metres) that
# hold any, or over a hundred of them; else a whole dense city would be one hotspot. Weeks are counted back from now, the present one last:
# how many issues of the place were reported in each.
_METRES = "(40075016.685578488::float8 / 1073741824)"
_HALF = "20037508.342789244::float8"
_DAYS = "(extract(epoch from now() - {}.created_at)::float8 / 86400)"


def _reported(which: str) -> str:
    return f"""
    select floor({_DAYS.format("i")} / 7)::int as ago from issues i where {which} and i.mercator && hot.hull and i.created_at > now() - make_interval(days => 7 * $6)
      and i.area_id in (select x.area_id from area_tree x where x.ancestor_id = $1)
      and st_intersects(i.mercator, hot.hull) and ($2::text[] is null or i.category = any($2))"""


FIND = f"""
with points as materialized (
  select i.id, i.q >> 24 as square, i.category, i.cell_id, i.overdue, i.recurring, i.created_at, least({_DAYS.format("i")}, 30) / 30 as age,
    (i.tx + 0.5::float8) * {_METRES} - {_HALF} as x, {_HALF} - (i.ty + 0.5::float8) * {_METRES} as y
  from map_issues i where i.area_id in (select x.area_id from area_tree x where x.ancestor_id = $1)
    and ($2::text[] is null or i.category = any($2)) and ($3::timestamptz is null or i.created_at >= $3)
), m as materialized (
  select s.stretch, coalesce($5::int, greatest(4,
    ceil(4 * n * pi() * ($4::float8 * s.stretch) ^ 2 / (squares * (40075016.685578488::float8 / 262144) ^ 2))::int)) as least
  from (select count(*) as n, greatest(count(distinct square), 100) as squares, cosh(avg(y) / 6378137) as stretch from points) s
), clustered as materialized (
  select p.*, st_clusterdbscan(st_setsrid(st_makepoint(x, y), 3857), $4::float8 * (select stretch from m), (select least from m)) over () as cluster from points p
), scored as materialized (
  select cluster, count(*)::int as open, count(*) filter (where overdue)::int as overdue, count(*) filter (where recurring)::int as recurring,
    sum(age) as age, min(created_at) as oldest, count(*) + count(*) filter (where overdue) + count(*) filter (where recurring) + sum(age) as score
  from clustered where cluster is not null group by cluster order by score desc, cluster limit 30
), shaped as (
  select c.cluster, min(c.id::text) as id,
    st_buffer(st_convexhull(st_collect(st_setsrid(st_makepoint(c.x, c.y), 3857))), $4::float8 / 2 * (select stretch from m), 4) as hull
  from clustered c where c.cluster in (select cluster from scored) group by c.cluster
), hot as materialized (
  select scored.*, shaped.id, st_translate(shaped.hull, o.here[1] - o.there[1], o.here[2] - o.there[2]) as hull
  from scored join shaped using (cluster) cross join lateral (select st_transform(st_centroid(shaped.hull), 4326) as p) c
  cross join lateral (
    select on_map(st_x(c.p), st_y(c.p), f.datum) as there, on_map(st_x(c.p), st_y(c.p), 'wgs84') as here from followers f where f.name = 'map') o
), kinds as (
  select cluster, json_agg(json_build_object('category', category, 'open', n) order by n desc, category) as top from (
    select cluster, category, count(*)::int as n, row_number() over (partition by cluster order by count(*) desc, category) as rank
    from clustered where cluster in (select cluster from scored) group by 1, 2) k where rank <= 3 group by cluster
), places as (
  select cluster, json_agg(json_build_object('id', l.id, 'name', l.name, 'open', n) order by n desc, l.name) as cells from (
    select cluster, cell_id, count(*)::int as n from clustered where cluster in (select cluster from scored) and cell_id is not null group by 1, 2) k
  join cells l on l.id = k.cell_id group by cluster
), series as (
  select hot.cluster, w.weeks from hot cross join lateral (
    select json_agg(coalesce(r.n, 0) order by g.ago desc) as weeks from generate_series(0, $6::int - 1) g(ago) left join (
      select ago, count(*)::int as n from ({_reported("i.state = 'closed'")} union all {_reported("i.is_open")}) i group by ago
    ) r using (ago)) w
)
select json_agg(json_build_object('type', 'Feature', 'id', hot.id, 'geometry', st_asgeojson(st_transform(hot.hull, 4326), 6)::json, 'properties',
  json_build_object('score', round(hot.score::numeric, 1), 'open', hot.open, 'overdue', hot.overdue,
    'recurring', hot.recurring, 'age', round(hot.age::numeric, 1), 'oldest', hot.oldest, 'categories', kinds.top, 'cells', coalesce(places.cells, '[]'),
    'trend', json_build_object('week', series.weeks -> -1, 'week_before', series.weeks -> -2), 'weeks', series.weeks))
  order by hot.score desc, hot.id)::jsonb
from hot join kinds using (cluster) join series using (cluster) left join places using (cluster)
"""
LEADERS = f"""
select g.cell_id::text as cell, json_agg(json_build_object('id', a.id, 'name', a.name) order by a.name)::jsonb as leaders
from role_grants g join accounts a on a.id = g.account_id where g.role = 'leader' and g.cell_id = any($1::uuid[]) and {HOLDS.format("g")}
group by g.cell_id
"""
