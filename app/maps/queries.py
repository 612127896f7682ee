"""Statements of the map: keeping its read model, and tiles made from it.

`map_issues` holds every open issue once, with its place as one number `q` (Z-order): a tile of any zoom is one range of `q`. `map_counts`
holds, for the squares of every other zoom from 4 to 18, how many there are, by state and group, for each audience. Both are written by `FOLLOW` and
`REBUILD` alone, which take turns by the lock on the follower's row.
"""

from __future__ import annotations

from functools import lru_cache

from app.issues.as_it_was import at_instant, below, present
from app.issues.due import SUMS, due
from app.issues.lifecycle import MENDABLE, OPEN
from app.issues.queries import OVERDUE
from app.kit.access import CALLER, REACH, SCOPE

# The groups of the catalogue, each a column of the counts; tests hold the two together.
GROUPS = (
    "sanitation", "construction", "clutter", "trade", "traffic", "posting", "animals", "green", "facilities", "safety", "other",
)  # fmt: skip
COUNTS = ("open", "overdue", "recurring", *OPEN, *GROUPS)
# The zoom of stored places; by how much finer than its tile a square is; the zooms whose squares are counted: every other one, since a tile
# between reads the finer ones and puts four together.
FINEST, FINER = 30, 4
LEVELS = "generate_series(4, 18, 2) l(level)"
# Tiles up to this zoom show counts, beyond it single issues.
LAST_COUNTED = 13
PUBLIC = "00000000-0000-0000-0000-000000000001"
_NOWHERE = "00000000-0000-0000-0000-000000000000"

_MEASURES = {
    "open": "1",
    "overdue": "overdue::int",
    "recurring": "recurring::int",
    **{state: f"(state = '{state}')::int" for state in OPEN},
    **{group: f"(category_group = '{group}')::int" for group in GROUPS},
}
# An issue `i` as the map has it. What everybody may know of its place is blurred first and shifted to the base map after: so the list and
# the tiles of either datum tell one square, and comparing them tells no more.
_ROW = f"""
select i.id, z_order(p.tx, p.ty) as q, p.tx, p.ty, z_order(p.ptx, p.pty) as public_q, p.ptx as public_tx, p.pty as public_ty,
  i.area_id, i.cell_id, i.unit_id, i.assignee_id, i.reporter_id, i.reports, i.category, g.group_code as category_group, i.state,
  coalesce({OVERDUE}, false) as overdue, i.recurrences > 0 as recurring, i.created_at,
  case when i.state in ('reported', 'accepted', 'assigned', 'in_progress') then i.deadline end as ends_at,
  coalesce(a.publishes <> 'nothing', false) and exists (select from published s where s.issue_id = i.id) as published,
  (i.created_at at time zone known_zone(coalesce(a.time_zone, '')))::date as found_on
from issues i join categories g on g.code = i.category
join category_versions v on v.code = i.category and v.version = i.category_version
left join areas a on a.id = i.area_id
cross join lateral (select datum from followers where name = 'map') d
cross join lateral (select on_map(st_x(i.position), st_y(i.position), d.datum) as at,
  blurred_place(st_x(i.position), st_y(i.position), v.public_precision_m) as known offset 0) m
cross join lateral (select on_map(m.known[1], m.known[2], d.datum) as at offset 0) b
cross join lateral (select tile_x(m.at[1]) as tx, tile_y(m.at[2]) as ty, tile_x(b.at[1]) as ptx, tile_y(b.at[2]) as pty) p
"""
_COLUMNS = (
    "id", "q", "tx", "ty", "public_q", "public_tx", "public_ty", "area_id", "cell_id", "unit_id", "assignee_id", "reporter_id", "reports",
    "category", "category_group", "state", "overdue", "recurring", "created_at", "ends_at", "published", "found_on",
)  # fmt: skip


def _counted(source: str, sign: str) -> str:
    """The counts to which the map rows of `source` (alias x) contribute, each with its sign."""
    sums = ", ".join(f"sum({sign}{measure})::int as {name}" for name, measure in _MEASURES.items())
    return f"""
select k.level, k.q, k.audience, {sums}, sum({sign}k.tx::bigint)::bigint as sum_x, sum({sign}k.ty::bigint)::bigint as sum_y
from {source} x cross join lateral (
  select l.level::smallint as level, x.q >> (2 * ({FINEST} - l.level)) as q, coalesce(x.area_id, '{_NOWHERE}') as audience, x.tx, x.ty
  from {LEVELS}
  union all select l.level::smallint, x.public_q >> (2 * ({FINEST} - l.level)), '{PUBLIC}', x.public_tx, x.public_ty
  from {LEVELS} where x.published and (select public from followers where name = 'map')
  union all select -1::smallint, 0, x.cell_id, x.tx, x.ty where x.cell_id is not null
) k group by 1, 2, 3
"""


_TARGETS = (*COUNTS, "sum_x", "sum_y")
_PUT_COUNTS = f"insert into map_counts (level, q, audience, {', '.join(_TARGETS)}, version)"
_VERSION = "pg_current_xact_id()::text::bigint"

# One worker at a time: the lock is taken before the statement that reads, which then sees what the one before wrote. True: count anew, since
# that was asked for, or the base map has another datum, or the map is published or no longer.
LOCK = "select snapshot = '' or datum <> $1 or public <> $2 from followers where name = 'map' for update skip locked"
# After days without a worker, or a large import, there is much to do at once.
PATIENT = "set local statement_timeout = 0"
# Read the event log from the last snapshot to now: what became of the issues it names is put into the map, together with what became
# overdue since, and with all issues of a community that publishes otherwise than before: what this statement saw of that it marks as heeded, so that
# a change beside it is heeded the next time. Whatever changed on the map moves the version of its squares, also when no count does. `offset 0` keeps the lookups by
# primary key: how many issues are touched is not known to the planner.
_TOUCHED = """
  select e.issue_id as id from f join events e on e.tx >= pg_snapshot_xmin(f.base) and not pg_visible_in_snapshot(e.tx, f.base)
  union select m.id from map_issues m where not m.overdue and m.ends_at <= now()
    and not exists (select from set_aside s where s.follower = 'map' and s.subject = m.id::text)
  union select m.id from areas a join map_issues m on m.area_id = a.id where a.publishes <> a.publishes_on_map
    and not exists (select from set_aside s where s.follower = 'map' and s.subject = m.id::text)
"""
_FOLLOW = f"""
with f as materialized (
  select snapshot::pg_snapshot as base from followers where name = 'map'
), turned as materialized (
  select a.id, a.publishes from areas a where a.publishes <> a.publishes_on_map
), touched as materialized (__TOUCHED__), before as materialized (
  select m.* from touched cross join lateral (select * from map_issues m where m.id = touched.id offset 0) m
), after as materialized (
  select r.* from touched cross join lateral ({_ROW} where i.id = touched.id and i.is_open offset 0) r
), same as materialized (
  select before.id from before join after on before.id = after.id where row(before.*) is not distinct from row(after.*)
), old as materialized (
  select * from before where id not in (select id from same)
), fresh as materialized (
  select * from after where id not in (select id from same)
), gone as (
  delete from map_issues m using old where m.id = old.id and not exists (select from fresh where fresh.id = old.id)
), put as (
  insert into map_issues ({", ".join(_COLUMNS)}) select {", ".join(_COLUMNS)} from fresh
  on conflict (id) do update set {", ".join(f"{c} = excluded.{c}" for c in _COLUMNS[1:])}
), stale as (
  insert into cell_figures (cell_id)
  select c.id from (
    select i.cell_id from touched cross join lateral (select i.cell_id from issues i where i.id = touched.id offset 0) i union select old.cell_id from old
  ) x join cells c on c.id = x.cell_id
  on conflict (cell_id) do update set stale = true
), counted as (
  {_PUT_COUNTS}
  select level, q, audience, {", ".join(f"sum({c})" for c in _TARGETS)}, {_VERSION} from (
    {_counted("old", "-")} union all {_counted("fresh", "+")}) d group by level, q, audience
  on conflict (level, q, audience) do update set {", ".join(f"{c} = map_counts.{c} + excluded.{c}" for c in _TARGETS)}, version = excluded.version
), heeded as (
  update areas a set publishes_on_map = turned.publishes from turned where a.id = turned.id and __GOES_ON__
), seen as (
  update followers set snapshot = pg_current_snapshot()::text, at = now() where name = 'map' and __GOES_ON__
)
select count(*)::int from touched
"""
FOLLOW = _FOLLOW.replace("__TOUCHED__", _TOUCHED).replace("__GOES_ON__", "true")
# The same for issues `$1` alone, with the follower where it was; and which those are, with the snapshot to go on from.
FOLLOW_SOME = _FOLLOW.replace("__TOUCHED__", "select unnest($1::uuid[]) as id from f").replace("__GOES_ON__", "false")
TOUCHED = f"""
with f as materialized (select snapshot::pg_snapshot as base from followers where name = 'map')
select pg_current_snapshot()::text as snapshot, coalesce((select array_agg(t.id order by t.id) from ({_TOUCHED}) t), '{{}}') as ids from f
"""
# Everything anew, in the order of the map, but for what could not be put on it before; whoever reads meanwhile sees the map as it was.
_NOT_ASIDE = "not exists (select from set_aside s where s.follower = 'map' and s.subject = i.id::text)"
OPEN_ISSUES = f"select i.id from issues i where i.is_open and {_NOT_ASIDE} order by i.id"
CHECK_SOME = (
    f"select count(*) from (select r.* from ({_ROW} where i.id = any($1::uuid[]) and i.is_open) r offset 0) r where r is not null"
)
SET_UP = "update followers set datum = $1, public = $2 where name = 'map'"
REBUILD = (
    "set local work_mem = '128MB'",
    # Before the issues are read: whoever changes it meanwhile has them read once more.
    "update areas set publishes_on_map = publishes where publishes_on_map <> publishes",
    "delete from map_issues",
    "delete from map_counts",
    f"insert into map_issues ({', '.join(_COLUMNS)}) select {', '.join(_COLUMNS)} from ({_ROW} where i.is_open and {_NOT_ASIDE}) r order by q",
    f"{_PUT_COUNTS} select d.*, {_VERSION} from ({_counted('map_issues', '+')}) d",
    "insert into cell_figures (cell_id) select id from cells on conflict (cell_id) do update set stale = true",
    "update followers set snapshot = pg_current_snapshot()::text, at = now() where name = 'map'",
)
ANEW = "update followers set snapshot = '' where name = 'map'"
ANALYZE = ("analyze map_issues", "analyze map_counts")

# --- tiles --------------------------------------------------------------------------------------------------------------
_FILTERS = {
    "state": "i.state = any(${}::text[])",
    "category": "i.category = any(${}::text[])",
    "overdue": "i.overdue = ${}",
    "since": "i.created_at >= ${}",
}
# Everybody is told days: an age that grows at the very second, or an instant to search by halves with, would tell the second of a report.
_FILTERS_PUBLIC = _FILTERS | {"since": "i.found_on >= ${}"}
_RANGE = "m.q >= $2::bigint and m.q < $3::bigint"
# What a caller sees beside the areas they read: what their unit or they themselves have to mend, and what they reported.
_BEYOND = """
select distinct on (b.id) b.* from c cross join lateral (
  select m.* from unnest(c.units) u(id) cross join lateral (select * from map_issues m where m.unit_id = u.id and {range} offset 0) m
  union all select m.* from (select * from map_issues m where m.assignee_id = c.account_id and {range} offset 0) m
  union all select m.* from (select * from map_issues m where m.reporter_id = c.account_id and {range} offset 0) m
  union all select m.* from reports r cross join lateral (select * from map_issues m where m.id = r.issue_id and {range} offset 0) m
    where r.account_id = c.account_id and r.issue_id <> r.id
) b where not c.is_admin and not coalesce(b.area_id = any(c.reads), false)
"""
_PROPERTIES = ", ".join(f"sum({c})::int as {c}" for c in COUNTS)
# A shape of tile coordinates, 0 to 4095: what lies in a tile is drawn in that tile alone.
_SHIFT = FINEST - 12


def _local(column: str, zoom: int) -> str:
    shift = _SHIFT - zoom
    return f"(({column} >> {shift}) & 4095)" if shift >= 0 else f"(({column} << {-shift}) & 4095)"


@lru_cache(maxsize=512)
def tile(zoom: int, filters: tuple[str, ...], public: bool) -> str:
    """The tile of issues at a zoom. Parameters: token hash ($1; null for the public), the range of q in FINEST zoom ($2, $3), the
    client's ETags ($4), what else the answer depends on ($5), then the filters' values. Columns: whether the token is good, etag, as_of, and
    the tile, null when the client has it."""
    known = _FILTERS_PUBLIC if public else _FILTERS
    terms = [known[name].format(number) for number, name in enumerate(filters, 6)]
    conditions = "".join(f" and {term}" for term in terms)
    q, tx, ty = ("public_q", "public_tx", "public_ty") if public else ("q", "tx", "ty")
    scope = "i.published" if public else SCOPE
    reads = f"t.audience = '{PUBLIC}'" if public else f"(t.audience = any(c.reads) or c.is_admin and t.audience <> '{PUBLIC}')"
    wanted = min(zoom + FINER if zoom <= LAST_COUNTED else zoom, 18)
    level = wanted + wanted % 2
    down, square = 2 * (FINEST - level), 2 * (FINEST - wanted)
    touched = f"t.level = {level} and t.q >= $2::bigint >> {down} and t.q <= ($3::bigint - 1) >> {down}"
    if zoom > LAST_COUNTED:
        # A phone's id holds the millisecond in which it was made.
        who = "(select n.number from issues n where n.id = i.id) as number" if public else "i.id::text as id"
        age = (
            "(now() at time zone known_zone(''))::date - i.found_on"
            if public
            else "floor(extract(epoch from now() - i.created_at) / 86400)"
        )
        features = f"""
  select st_makepoint({_local(f"i.{tx}", zoom)}, {_local(f"i.{ty}", zoom)}) as geom, {who}, i.category, i.state,
    i.overdue, i.recurring, greatest(0, {age})::int as age
  from map_issues i, c where i.{q} >= $2::bigint and i.{q} < $3::bigint and {scope}{conditions}"""
    else:
        squares = f"select t.q >> {square - down} as q, {', '.join(f't.{c}' for c in _TARGETS)} from map_counts t, c where {touched} and t.open > 0 and {reads}"
        live = f"""
    select i.{q} >> {square} as q, {", ".join(f"sum({m.replace('overdue::', 'i.overdue::')})::int as {n}" for n, m in _MEASURES.items())},
      sum(i.{tx}::bigint)::bigint as sum_x, sum(i.{ty}::bigint)::bigint as sum_y"""
        if filters:
            squares = (
                f"{live} from map_issues i, c where i.{q} >= $2::bigint and i.{q} < $3::bigint and {scope}{conditions} group by 1"
            )
        elif not public:
            squares += f" union all {live} from ({_BEYOND.format(range=_RANGE)}) i group by 1"
        features = f"""
  select st_makepoint({_local("(sum(sum_x) / sum(open))::bigint", zoom)}, {_local("(sum(sum_y) / sum(open))::bigint", zoom)}) as geom, {_PROPERTIES}
  from ({squares}) s group by q"""
    caller = (
        "select null::uuid as account_id, ''::text as reach where $1::bytea is null"
        if public
        else f"select c.*, {REACH} as reach from ({CALLER}) c"
    )
    return f"""
with c as materialized ({caller}),
e as materialized (
  select '"' || md5(concat_ws('|', c.account_id, c.reach, $5::text, now()::date, (
    select max(t.version) from map_counts t where {touched}))) || '"' as etag,
    (select at from followers where name = 'map') as as_of
  from c
)
select e.etag, e.as_of, case when not e.etag = any($4::text[]) then coalesce((
  select st_asmvt(f, 'issues', 4096, 'geom') from ({features}) f), '') end as tile
from e
"""


# Shapes `s` (geom in Mercator, id, name and counts) as a tile: drawn with a margin, so that no edge shows, and in `labels` each once, as a point.
_SHAPES = """
with c as materialized ({caller}), d as materialized (select datum from followers where name = 'map'), s as materialized ({shapes})
select c.account_id, (select st_asmvt(f, '{layer}', 4096, 'geom') from (
    select st_asmvtgeom(s.geom, st_tileenvelope($2, $3, $4), 4096, 64, true) as geom, {columns} from s) f where geom is not null)
  || (select st_asmvt(f, 'labels', 4096, 'geom') from (
    select st_asmvtgeom(st_pointonsurface(s.geom), st_tileenvelope($2, $3, $4), 4096, 0, true) as geom, s.id, s.name, s.open from s
  ) f where geom is not null) as tile
from c
"""
_NEAR_TILE = "{}.geom && st_expand(st_transform(st_tileenvelope($2, $3, $4, margin => 0.016), 4326), case d.datum when 'wgs84' then 0 else 0.01 end)"
_CELL_COUNTS = ", ".join(f"coalesce(t.{c}, 0) as {c}" for c in ("open", "overdue", "recurring"))
CELLS = _SHAPES.format(
    caller=CALLER, layer="cells", columns="s.id, s.name, s.area, s.open, s.overdue, s.recurring",
    shapes=f"""
  select shape_on_map(l.geom, d.datum) as geom, l.id::text as id, l.name, l.area_id::text as area, {_CELL_COUNTS}
  from c, d, cells l left join map_counts t on t.level = -1 and t.q = 0 and t.audience = l.id
  where l.retired_at is null and (c.is_admin or l.area_id = any(c.reads)) and {_NEAR_TILE.format("l")}""",
)  # fmt: skip
_AREA_SUMS = ", ".join(f"coalesce(sum(t.{c}), 0)::int as {c}" for c in ("open", "overdue", "recurring"))
AREAS = _SHAPES.format(
    caller=CALLER, layer="areas", columns="s.id, s.name, s.level, s.open, s.overdue, s.recurring",
    shapes=f"""
  select shape_on_map(a.geom, d.datum) as geom, a.id::text as id, a.name, a.level, n.* from c, d, areas a cross join lateral (
    select {_AREA_SUMS} from area_tree x join cells l on l.area_id = x.area_id and l.retired_at is null
    left join map_counts t on t.level = -1 and t.q = 0 and t.audience = l.id where x.ancestor_id = a.id) n
  where a.level = $5 and (c.is_admin or a.id = any(c.reads)) and {_NEAR_TILE.format("a")}""",
)  # fmt: skip
# Where the public's map begins: the box of all cells of communities that publish.
PUBLIC_BOUNDS = """
select array[st_xmin(b), st_ymin(b), st_xmax(b), st_ymax(b)] as bounds from (
  select st_extent(l.geom) as b from cells l join areas a on a.id = l.area_id where l.retired_at is null and a.publishes <> 'nothing') x
"""
# Where the caller's map begins: the box of what he reads.
BOUNDS = f"""
with c as ({CALLER})
select c.account_id, (select array[st_xmin(b), st_ymin(b), st_xmax(b), st_ymax(b)] from (
  select st_extent(l.geom) as b from cells l where l.retired_at is null and (c.is_admin or l.area_id = any(c.reads))) x) as bounds from c
"""

# --- figures of cells ---------------------------------------------------------------------------------------------------
# The last 28 days, today included, and this week from Monday, in the time of the cell's community.
_DAYS = "(date_trunc('day', now() at time zone a.zone) - interval '27 days') at time zone a.zone"
_WEEK = "date_trunc('week', now() at time zone a.zone) at time zone a.zone"
_TODAY = "date_trunc('day', now() at time zone a.zone) at time zone a.zone"
# Of issues that were closed as mended: how many, how many of them sent back before, how long they took.
_CLOSED = """
count(*)::int as closed, count(*) filter (where i.reworked)::int as reworked,
  percentile_cont(0.5) within group (order by extract(epoch from i.closed_at - i.created_at)::float8) as median_s,
  percentile_cont(0.9) within group (order by extract(epoch from i.closed_at - i.created_at)::float8) as p90_s
"""
_FIGURES = f"""
with zones as materialized (select id, known_zone(time_zone) as zone from areas),
due as (
  select f.cell_id, {_DAYS} as since, {_WEEK} as week from cell_figures f join cells l on l.id = f.cell_id join zones a on a.id = l.area_id
  where (f.stale or f.as_of < {_TODAY}) and __WHICH__ order by f.as_of limit 200 for update of f skip locked
)
update cell_figures f set stale = false, as_of = now(), opened = o.opened, came_back = o.came_back,
  closed = c.closed, closed_unresolved = u.closed_unresolved, closed_this_week = c.closed_this_week, due = d.due,
  on_time = d.on_time, reworked = c.reworked, median_s = c.median_s, p90_s = c.p90_s
from due cross join lateral (
  select count(*)::int as opened, count(i.recurrence_of)::int as came_back from issues i
  where i.cell_id = due.cell_id and i.created_at >= due.since and i.state <> 'merged'
) o cross join lateral (
  select {_CLOSED}, count(*) filter (where i.closed_at >= due.week)::int as closed_this_week
  from (
    select i.created_at, i.closed_at, i.rework > 0 as reworked from issues i
    where i.cell_id = due.cell_id and i.closed_at >= due.since and i.state = 'closed' and i.unresolved is null) i
) c cross join lateral (
  select count(*)::int as closed_unresolved from issues i where i.cell_id = due.cell_id and i.closed_at >= due.since and i.unresolved is not null
) u cross join lateral (select {SUMS} from ({due("cell_id", "array[due.cell_id]", "due.since", "now()")}) d) d
where f.cell_id = due.cell_id returning 1
"""
# What was set aside is tried again after a day.
_CELL_NOT_ASIDE = """not exists (select from set_aside s where s.follower = 'cell figures' and s.subject = f.cell_id::text
    and s.at > now() - interval '1 day')"""
FIGURES = _FIGURES.replace("__WHICH__", _CELL_NOT_ASIDE)
FIGURES_OF_SOME = _FIGURES.replace("__WHICH__", "f.cell_id = any($1::uuid[])")
FIGURES_DUE = f"""
with zones as materialized (select id, known_zone(time_zone) as zone from areas)
select f.cell_id from cell_figures f join cells l on l.id = f.cell_id join zones a on a.id = l.area_id
where (f.stale or f.as_of < {_TODAY}) and {_CELL_NOT_ASIDE} order by f.as_of limit 200
"""
_RATES = """
  round((f.on_time::numeric / nullif(f.due, 0)), 3)::float8 as on_time_rate, round((f.reworked::numeric / nullif(f.closed, 0)), 3)::float8 as rework_rate,
  round((f.came_back::numeric / nullif(f.opened, 0)), 3)::float8 as recurrence_rate,
  round((f.median_s / 3600)::numeric, 1)::float8 as median_hours, round((f.p90_s / 3600)::numeric, 1)::float8 as p90_hours
"""
CELL_SUMMARIES = f"""
with c as materialized ({CALLER})
select c.account_id, (select json_agg(x)::text from (
  select l.id, l.name, l.area_id as area, coalesce(t.open, 0) as open, coalesce(t.overdue, 0) as overdue, coalesce(t.recurring, 0) as recurring,
    f.opened, f.closed, f.closed_unresolved, f.closed_this_week, f.due, {_RATES}, nullif(f.as_of, '-infinity') as as_of
  from cells l join cell_figures f on f.cell_id = l.id left join map_counts t on t.level = -1 and t.q = 0 and t.audience = l.id
  where l.retired_at is null and (c.is_admin or l.area_id = any(c.reads))
    and ($2::uuid is null or l.area_id in (select x.area_id from area_tree x where x.ancestor_id = $2))
  order by l.name, l.id limit 5000) x) as items
from c
"""

# --- the summary of an area ---------------------------------------------------------------------------------------------
AREA = "select known_zone(a.time_zone) from areas a where a.id = $1"
_TREE = "select x.area_id from area_tree x where x.ancestor_id = $1"
OPEN_NOW = f"""
select i.state, i.category, i.unit_id::text as unit, count(*)::int as open, count(*) filter (where i.overdue)::int as overdue,
  count(*) filter (where i.recurring)::int as recurring
from map_issues i where i.area_id in ({_TREE}) group by 1, 2, 3
"""
# Figures of days, from $2 to $3 in the zone $4, are those of the end of the days or of now, whichever is earlier ($5): an issue is what it was then.
_BELOW = below("$1")
_SPAN = "{} >= $2::date::timestamp at time zone $4 and {} < ($3::date + 1)::timestamp at time zone $4"
_SINCE = "($2::date::timestamp at time zone $4)"
_END = "$5::timestamptz"
# Reported by then: a clock ahead may have dated a report up to ten minutes after it came.
_SEEN = f"i.created_at < {_END} + interval '10 minutes'"
_FOUND = f"""
from ({present(_BELOW, _END, _SPAN.format("i.created_at", "i.created_at"))}) i {at_instant(_END)}
where t.area_id = any({_BELOW}) and t.state <> 'merged'"""
# What was closed as mended; what has changed since may have been closed then and be open now.
_ENDED = f"""(
  select i.created_at, t.closed_at, t.category, t.cell_id, t.unit_id, t.unresolved is not null as unresolved, i.rework > 0 and (i.updated_at < {_END} or exists (
    select from events e where e.issue_id = i.id and e.action in ('send_back', 'fail_inspection') and e.at < {_END})) as reworked
  from (
    {present(_BELOW, _END, f"{_SPAN.format('i.closed_at', 'i.closed_at')} and i.updated_at < {_END}")}
    union all {present(_BELOW, _END, f"i.updated_at >= {_END} and {_SEEN}")}
  ) i {at_instant(_END)}
  where t.area_id = any({_BELOW}) and t.state = 'closed' and {_SPAN.format("t.closed_at", "t.closed_at")}
)"""
_MENDED = f"(select * from {_ENDED} i where not i.unresolved)"
_DUE = due("area_id", _BELOW, _SINCE, f"least({_END}, ($3::date + 1)::timestamp at time zone $4)")
OPENED = f"""
select (i.created_at at time zone $4)::date as day, count(*)::int as opened, count(t.recurrence_of)::int as came_back {_FOUND} group by 1
"""
CLOSED_BY_DAY = f"select (i.closed_at at time zone $4)::date as day, count(*)::int as closed from {_MENDED} i group by 1"
# `by` 3: all; 1: a category; 2: a unit. All, and by category, and by unit, in one reading.
_GROUPS = "grouping(i.category, i.unit_id) as by"
_SETS = "group by grouping sets ((), (i.category), (i.unit_id))"
CLOSED_BY = f"select i.category, i.unit_id::text as unit, {_GROUPS}, {_CLOSED} from {_MENDED} i {_SETS}"
DUE_BY = f"select i.category, i.unit_id::text as unit, {_GROUPS}, {SUMS} from ({_DUE}) i {_SETS}"
UNRESOLVED_BY = f"""
select i.category, i.unit_id::text as unit, {_GROUPS}, count(*)::int as closed_unresolved from {_ENDED} i where i.unresolved {_SETS}
"""
# Cells or units of an area beside each other, in the same terms.
_PLACES = {
    "cells": f"select l.id, l.name from cells l where l.area_id = any({_BELOW}) and l.retired_at is null",
    "units": """select u.id, u.name from units u where u.id in (
      select id from opened union select id from closed union select id from due union select id from held)""",
}
# What is open and overdue: as the map has it, or as it was at $5.
_HELD = {
    False: f"""
  select m.{{key}} as id, count(*)::int as open, (count(*) filter (where m.overdue))::int as overdue
  from map_issues m where m.area_id = any({_BELOW}) and m.{{key}} is not null group by 1""",
    True: f"""
  select t.{{key}} as id, count(*)::int as open, (count(*) filter (where t.deadline < {_END} and t.state in {MENDABLE!r}))::int as overdue
  from ({present(_BELOW, _END, f"{_SEEN} and (i.is_open or i.updated_at >= {_END})")}) i {at_instant(_END)}
  where t.area_id = any({_BELOW}) and t.state in {OPEN!r} and t.{{key}} is not null group by 1""",
}


def _compared(of: str, past: bool) -> str:
    key = "cell_id" if of == "cells" else "unit_id"
    return f"""
with opened as materialized (
  select t.{key} as id, count(*)::int as found, count(t.recurrence_of)::int as came_back {_FOUND} and t.{key} is not null group by 1
), ended as materialized (
  select i.* from {_ENDED} i where i.{key} is not null
), closed as materialized (
  select i.{key} as id, {_CLOSED} from ended i where not i.unresolved group by 1
), unresolved as materialized (
  select i.{key} as id, count(*)::int as n from ended i where i.unresolved group by 1
), due as materialized (
  select i.{key} as id, {SUMS} from ({_DUE}) i where i.{key} is not null group by 1
), held as materialized ({_HELD[past].format(key=key)}
)
select p.id::text, p.name, coalesce(o.found, 0) as found, coalesce(o.came_back, 0) as came_back, coalesce(c.closed, 0) as closed,
  coalesce(x.n, 0) as closed_unresolved, coalesce(c.reworked, 0) as reworked, coalesce(d.due, 0) as due, coalesce(d.on_time, 0) as on_time,
  coalesce(d.on_time_extended, 0) as on_time_extended, coalesce(d.first_time, 0) as first_time, coalesce(d.lasting, 0) as lasting,
  coalesce(h.open, 0) as open, coalesce(h.overdue, 0) as overdue
from ({_PLACES[of]}) p left join opened o on o.id = p.id left join closed c on c.id = p.id left join unresolved x on x.id = p.id
left join due d on d.id = p.id left join held h on h.id = p.id
order by p.name, p.id limit 5000
"""


COMPARED = {(of, past): _compared(of, past) for of in _PLACES for past in (False, True)}
# What became of the issues found in a span. Filed: accepted or sent to somebody, or mended on the spot.
BECAME = f"""
select count(*)::int as found, count(t.recurrence_of)::int as came_back,
  (count(*) filter (where t.state not in ('reported', 'rejected', 'withdrawn')))::int as filed {_FOUND}
"""
CLOSED_ALL = f"select {_CLOSED} from {_MENDED} i"
UNRESOLVED_ALL = f"select count(*)::int from {_ENDED} i where i.unresolved"
DUE_ALL = f"select {SUMS} from ({_DUE}) i"
UNIT_NAMES = "select id::text, name from units where id = any($1::uuid[])"
MAP_AS_OF = "select at from followers where name = 'map'"
