"""Statements about walks and coverage."""

# The primary key makes a walk that is sent again the same walk; only its owner may add to it, while a role of theirs ($10 admin, $11 areas)
# reaches the community that counts it.
PUT_PATROL = """
insert into patrols (id, account_id, area_id, started_at, ended_at, people, note, counted_at, clock)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update set ended_at = coalesce(excluded.ended_at, patrols.ended_at), people = excluded.people, note = excluded.note
  where patrols.account_id = excluded.account_id and (patrols.area_id is null or $10 or patrols.area_id = any($11::uuid[]))
returning xmax = 0 as fresh
"""
OWNED = "select started_at, ended_at from patrols where id = $1 and account_id = $2"
LAST_POINT = """
select at, st_y(position) as lat, st_x(position) as lon from patrol_points where patrol_id = $1 and at < $2 order by at desc limit 1
"""
COUNT_POINTS = "select count(*) from patrol_points where patrol_id = $1"
ADD_POINTS = """
with added as (insert into patrol_points (patrol_id, at, position)
select $1, p.at, st_setsrid(st_makepoint(p.lon, p.lat), 4326) from unnest($2::timestamptz[], $3::float8[], $4::float8[]) p(at, lat, lon)
  on conflict do nothing returning 1) select count(*)::int from added
"""
# Of cells that the walker's roles reach ($5 admin, $6 areas).
ADD_CELLS = """
insert into patrol_cells (patrol_id, cell_id, first_at)
select $1, c.id, min(p.at) from unnest($2::timestamptz[], $3::float8[], $4::float8[]) p(at, lat, lon)
cross join lateral (
  select g.id from cells g where g.retired_at is null and ($5 or g.area_id = any($6::uuid[]))
    and st_intersects(g.geom, st_setsrid(st_makepoint(p.lon, p.lat), 4326)) order by g.id limit 1
) c group by c.id
on conflict (patrol_id, cell_id) do update set first_at = least(patrol_cells.first_at, excluded.first_at)
"""
_PATROL = """
select p.id::text, p.started_at, p.ended_at, p.people, p.note, p.clock, p.received_at,
  coalesce((select json_agg(json_build_object('id', c.id, 'name', c.name) order by pc.first_at) from patrol_cells pc
    join cells c on c.id = pc.cell_id where pc.patrol_id = p.id), '[]')::jsonb as cells, a.name
from patrols p join accounts a on a.id = p.account_id
"""
_SEEN = """(p.account_id = $1 or $2 or p.area_id = any($3::uuid[])
  or exists (select from patrol_cells pc where pc.patrol_id = p.id and pc.cell_id = any($4::uuid[])))"""
PATROLS = f"""
{_PATROL} where {_SEEN} and (not $5 or p.account_id = $1) and (p.counted_at, p.id) < ($6::timestamptz, $7::uuid)
order by p.counted_at desc, p.id desc limit $8
"""
PATROL = f"{_PATROL} where p.id = $5 and {_SEEN}"
TRACK = """
select st_asgeojson(st_makeline(position order by at), 6)::jsonb as line from patrol_points where patrol_id = $1 having count(*) > 1
"""
COUNTED_AT = "select counted_at from patrols where id = $1"
# Cells of an area and below × days in the community's own time: walks, person-times, and what was cleared on the spot.
COVERAGE = """
with days as (
  select d::date as day from generate_series($2::date, $3::date, interval '1 day') d
), zones as materialized (
  select a.id, known_zone(a.time_zone) as zone from areas a join area_tree t on t.area_id = a.id and t.ancestor_id = $1
), walks as (
  select pc.cell_id, (p.counted_at at time zone a.zone)::date as day, count(*)::int as walks, sum(p.people)::int as people
  from patrol_cells pc join patrols p on p.id = pc.patrol_id join cells c on c.id = pc.cell_id join zones a on a.id = c.area_id
  where p.counted_at >= ($2::date - 1) and p.counted_at < ($3::date + 2)
  group by 1, 2
), cleared as (
  select i.cell_id, (i.created_at at time zone a.zone)::date as day, count(*)::int as cleared
  from issues i join zones a on a.id = i.area_id
  where i.created_at >= ($2::date - 1) and i.created_at < ($3::date + 2) and i.cell_id is not null
    and exists (select from events e where e.issue_id = i.id and e.version = 1 and e.action = 'report_mended')
  group by 1, 2
)
select c.id::text, c.name, c.area_id::text as area, c.rounds_per_week,
  coalesce(sum(w.walks), 0)::int as walks, coalesce(sum(w.people), 0)::int as person_times, coalesce(sum(r.cleared), 0)::int as cleared,
  json_agg(json_build_object('day', d.day, 'walks', coalesce(w.walks, 0), 'person_times', coalesce(w.people, 0),
    'cleared', coalesce(r.cleared, 0)) order by d.day)::jsonb as days
from cells c join area_tree t on t.area_id = c.area_id and t.ancestor_id = $1 cross join days d
left join walks w on w.cell_id = c.id and w.day = d.day left join cleared r on r.cell_id = c.id and r.day = d.day
where c.retired_at is null group by c.id order by c.name, c.id
"""
# Cells of an area and below: on how many walks each was touched between two instants, and how many a week are planned.
ROUNDS = """
select c.id::text, c.rounds_per_week, (select count(*)::int from patrol_cells pc join patrols p on p.id = pc.patrol_id
  where pc.cell_id = c.id and p.counted_at >= $2 and p.counted_at < $3) as walks
from cells c join area_tree t on t.area_id = c.area_id and t.ancestor_id = $1 where c.retired_at is null
"""
# Of one person: walks, hours (of one walk twelve at most, since some forget to end it), different cells.
WALKED = """
select count(*)::int as patrols, (select count(distinct pc.cell_id)::int from patrol_cells pc join patrols q on q.id = pc.patrol_id
    where q.account_id = $1) as cells,
  coalesce(round(sum(extract(epoch from least(p.ended_at - p.started_at, interval '12 hours')) / 3600)::numeric, 1), 0)::float8 as hours
from patrols p where p.account_id = $1
"""
