"""Statements about reports, issues and their events. Each is text built once; the first parameter is the token's hash."""

from __future__ import annotations

from functools import lru_cache

from app.kit import photographs
from app.kit.access import ACCOUNT_REACHES, CALLER, HOLDS, REACH, REACHES, REACHES_PLACE, RELATION, SCOPE, unit_serves
from app.kit.paging import MAX_LIMIT, rows_for

# How often the deadline was extended since the issue was reported, or opened again with a new clock.
_EXTENDED = """(
  select count(*)::int from events x
  where x.issue_id = {0}
    and (x.action = 'grant_extension' or x.action = 'assign' and x.data ? 'extended_from')
    and x.version > coalesce((
      select max(b.version) from events b
      where b.issue_id = {0} and b.action in ('reopen', 'fail_inspection')
        and b.was ?| array['deadline', 'deadline_left_s']), 0)
)"""
OVERDUE = "(i.deadline < now() and i.state in ('reported', 'accepted', 'assigned', 'in_progress'))"
_ENDED_LATELY = "(coalesce(i.closed_at, i.updated_at) > now() - interval '14 days')"

# What a leader should look at twice.
_DOUBTS = f"to_json({photographs.doubts('area.time_zone')})"

# Everything the wire shows of an issue `i` to the caller `c`. Names of persons only to whom they answer.
ISSUE = f"""
i.id::text, i.number, i.state, i.category, st_y(i.position) as lat, st_x(i.position) as lon,
i.cell_id::text, cell.name as cell_name, i.area_id::text, area.name as area_name, i.place, i.note,
i.unit_id::text, unit.name as unit_name, i.assignee_id::text,
case when c.is_admin or i.assignee_id = c.account_id or i.area_id = any(c.staffs) or i.cell_id = any(c.leads)
  then assignee.name end as assignee_name,
i.deadline, i.first_deadline,
case when i.first_deadline is null and i.first_left_s is null then 0
  else {_EXTENDED.format("i.id")} end as extensions,
{OVERDUE} as overdue, i.extension_until, i.authority, i.reply_by,
i.recurrence_of::text, i.recurrences, i.merged_into::text, premises.id::text as premises_id, premises.name as premises_name, i.reports,
case when i.evidence > 0 then (
  select json_agg(json_build_object('id', e.photo_id, 'kind', e.kind, 'state', coalesce(p.state, 'awaited'), 'doubts',
    case when c.is_admin or i.area_id = any(c.staffs) or i.cell_id = any(c.leads) then {_DOUBTS} end) order by e.position, e.photo_id)
  from evidence e left join photos p on p.id = e.photo_id and p.account_id = e.account_id
  left join photo_files f on f.sha256 = p.sha256 left join reports r on r.id = e.report_id
  where e.issue_id = i.id)::text end as photos,
i.created_at, i.updated_at, i.closed_at, i.unresolved, i.version, {RELATION} as relation, {_ENDED_LATELY} as ended_lately,
{photographs.EVIDENCE_MISSING} as evidence_missing
"""
NAMES = """
left join cells cell on cell.id = i.cell_id left join areas area on area.id = i.area_id
left join units unit on unit.id = i.unit_id left join accounts assignee on assignee.id = i.assignee_id
-- Of another community only for who reads that: an issue may have been moved.
left join premises on premises.id = i.premises_id and (premises.area_id = i.area_id or c.is_admin or premises.area_id = any(c.reads))
"""

# --- intake: one statement, so that a report costs one round trip and is one transaction -------------------------------
# What makes it safe: reports' primary key. Of two sends of one report, whether at once or years apart, one inserts it;
# the issue, its event and its evidence are made from the rows that insert returned, or not at all.
_NEARBY = f"""
select n.id, n.number, n.state, n.category, json_build_object('lat', n.lat, 'lon', n.lon) as position,
  round(n.distance_m::numeric, 1)::float8 as distance_m, n.place, n.note, n.reports, n.created_at
from (
  select i.id, i.number, i.state, i.category, st_y(i.position) as lat, st_x(i.position) as lon, i.place, i.note, i.reports,
    i.created_at, st_distancesphere(i.position, p.at) as distance_m
  from issues i
  where i.is_open and i.category = $3 and i.mercator && st_expand(p.flat, k.radius_m * p.stretch)
    and i.updated_at > now() - make_interval(hours => k.window_hours) and {SCOPE}
) n where n.distance_m <= k.radius_m order by n.distance_m, n.id limit 10
"""
_PLACE = """
k as materialized (
  select v.code, v.version, v.after_photo, v.volunteer_may_close, v.radius_m, v.window_hours
  from categories g join category_versions v using (code, version) where g.code = $3 and g.active
),
p as materialized (
  select st_setsrid(st_makepoint($4, $5), 4326) as at, st_setsrid(st_makepoint($6, $7), 3857) as flat, $8::float8 as stretch
)"""
# Not the photograph of somebody else: what was named by a stranger would take its place when the two issues are merged.
_OTHERS = "not exists (select from photos o where o.id = u.photo and o.account_id <> {})"
# The phone's photographs stand awaited until their bytes arrive: whoever comes second, report or photograph, finds the row of the
# first through the primary key of photos, so that neither can miss the other.
_INTAKE_PHOTOS = f""",
w as (
  insert into photos (id, account_id) select photo, i.reporter_id from i, unnest($20::uuid[]) photo on conflict do nothing
),
f as (
  insert into evidence (issue_id, photo_id, account_id, report_id, kind, position, at)
  select i.id, photo, i.reporter_id, i.id,
    case when not $19 then 'before' when n = cardinality($20::uuid[]) then 'after' else 'before' end, n, greatest(now(), i.rectified_at)
  from i, unnest($20::uuid[]) with ordinality as u(photo, n) where {_OTHERS.format("i.reporter_id")}
)"""
_ARRIVED = """
(select array_agg(p.id) from photos p where p.id = any($20::uuid[]) and p.account_id = c.account_id and p.state = 'stored')
"""
# Whether the photograph of what was mended, the last, is here already and of nothing else. One that arrives at this very moment is not
# seen: then the issue waits for its check like any other.
_PROVED = """
(not k.after_photo or exists (
  select from photos p where p.id = ($20::uuid[])[cardinality($20::uuid[])] and p.account_id = c.account_id and p.state = 'stored'
    and not exists (select from evidence o where o.photo_id = p.id and o.account_id = p.account_id)))
"""
_INTAKE = f"""
with c as materialized ({CALLER}),
{_PLACE},
l as materialized (
  select g.id, g.name, g.area_id from cells g, p
  where g.retired_at is null and st_intersects(g.geom, p.at) order by g.id limit 1
),
b as materialized (
  select coalesce((select area_id from l),
    (select g.id from areas g, p where st_intersects(g.geom, p.at)
     order by array_position(array['community', 'street', 'district', 'city'], g.level), g.id limit 1)) as id
),
a as materialized (
  select x.id, x.name, known_zone(x.time_zone) as time_zone from areas x where x.id = coalesce((select id from b), (select home_id from c))
),
-- The roles are read by the statement that writes: a report is either before the taking back of a role or refused.
m as materialized (select %(reaches)s as reaches from c, b, p),
prior as materialized (select account_id, fingerprint from reports where id = $2),
r as (
  insert into reports (id, issue_id, account_id, fingerprint, category, category_version, position, claimed_lat, claimed_lon,
    datum, accuracy_m, observed_at, counted_at, clock, place, note, mended%(column)s)
  select $2, $2, c.account_id, $9, k.code, k.version, p.at, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19%(premises)s
  from c, k, p, m
  where m.reaches and not exists (select from prior) and not ($19 and k.after_photo and cardinality($20::uuid[]) = 0)
  on conflict (id) do nothing
  returning id, account_id, received_at
),
i as (
  insert into issues (id, number, state, category, category_version, position, cell_id, area_id, place, note, reporter_id,
    evidence, created_at, rectified_by, rectified_at, closed_at%(column)s)
  select r.id, next_issue_number($15, coalesce(a.time_zone, $21)),
    case when not $19 then 'reported' when %(may_close)s then 'closed' else 'rectified' end,
    k.code, k.version, p.at, l.id, a.id, $17, $18, r.account_id, %(evidence)s, $15,
    case when $19 then r.account_id end, case when $19 then $15 end,
    case when $19 and %(may_close)s then $15 end%(premises)s
  from r cross join k cross join p cross join c left join l on true left join a on true
  returning *
),
e as (
  insert into events (issue_id, version, action, to_state, actor_id, acted_as, report_id)
  select i.id, 1, case when $19 then 'report_mended' else 'report' end, i.state, i.reporter_id, 'reporter', i.id from i
)%(photos)s
select c.account_id, m.reaches, k.code is not null as known, ($19 and k.after_photo and cardinality($20::uuid[]) = 0) as lacks_photo,
  prior.account_id as prior_account, prior.fingerprint as prior_fingerprint,
  i.id::text, i.number, i.state, i.category, st_y(i.position) as lat, st_x(i.position) as lon,
  i.cell_id::text, l.name as cell_name, i.area_id::text, a.name as area_name, i.place, i.note, i.created_at, i.updated_at,
  i.closed_at, i.premises_id::text, %(named)s as premises_name,
  %(missing)s as evidence_missing, case when i.id is not null then {RELATION} end as relation, r.received_at, %(arrived)s as arrived,
  case when i.id is not null then (select json_agg(near) from ({_NEARBY}) near)::text end as nearby
from c cross join m left join k on true cross join p left join prior on true left join r on true left join i on true
left join l on true left join a on true
"""
# What a volunteer may close themselves: the most specific rule of their cell or area that says so, else the catalogue.
_MAY_CLOSE = """coalesce((
  select m.volunteer_may_close from assignment_rules m
  where m.volunteer_may_close is not null and m.area_id = {area} and (m.cell_id = {cell} or m.cell_id is null)
    and (m.category = {category} or m.category is null)
  order by m.cell_id is null, m.category is null limit 1), {default})"""


@lru_cache
def intake(photos: bool, mended: bool, premises: bool) -> str:
    """The statement for a report with or without each. Parameters: those of `_PLACE`, then in `submit`'s order; premises last ($22)."""
    may_close = _MAY_CLOSE.format(area="a.id", cell="l.id", category="k.code", default="k.volunteer_may_close")
    may_close = f"({may_close} and {_PROVED})"
    return _INTAKE % {
        "reaches": REACHES_PLACE.format("b.id", "p.at"),
        "photos": _INTAKE_PHOTOS if photos else "",
        "evidence": f"(select count(*) from unnest($20::uuid[]) u(photo) where {_OTHERS.format('r.account_id')})"
        if photos
        else "0",
        "arrived": _ARRIVED if photos else "null::uuid[]",
        "may_close": may_close if mended else "false",
        "missing": f"i.state = 'rectified' and not {_PROVED}" if mended else "false",
        "column": ", premises_id" if premises else "",
        "premises": ", $22::uuid" if premises else "",
        "named": "(select x.name from premises x where x.id = $22)" if premises else "null::text",
    }


# Premises that a report may name: of an area that the caller reads.
PREMISES_SEEN = f"""
with c as ({CALLER}) select x.id is not null as seen from c left join premises x on x.id = $2 and (c.is_admin or x.area_id = any(c.reads))
"""
NEARBY = f"""
with c as materialized ({CALLER}), {_PLACE}
select k.code is not null as known, (select json_agg(near) from ({_NEARBY}) near)::text as nearby
from c left join k on true cross join p where $2::uuid is null
"""

# --- a report that joins an issue: the lock on the issue orders it among the issue's other changes ----------------------
JOINABLE = f"""
with recursive c as materialized ({CALLER}),
chain as (
  select i.id, i.merged_into, i.is_open, 1 as depth from issues i, c where i.id = $2 and {SCOPE}
  union all select s.id, s.merged_into, s.is_open, chain.depth + 1 from chain join issues s on s.id = chain.merged_into
  where chain.depth < 20
)
select chain.id, chain.is_open and {SCOPE} as is_open, {REACHES} as reaches from chain join issues i on i.id = chain.id cross join c
where chain.merged_into is null
"""
SEEN = f"with c as ({CALLER}) select exists (select from issues i where i.id = $2 and {SCOPE}) from c"
LOCK_ISSUE = """
select id, version, state, is_open, rectified_by, rectified_at, closed_at, area_id, cell_id, unit_id, assignee_id, reporter_id
from issues where id = $1 for update
"""
KIND = f"""
select v.code, v.version, v.after_photo, v.deadline_clock, {
    _MAY_CLOSE.format(area="$2::uuid", cell="$3::uuid", category="g.code", default="v.volunteer_may_close")
} as volunteer_may_close
from categories g join category_versions v using (code, version) where g.code = $1 and g.active
"""
JOIN_REPORT = """
insert into reports (id, issue_id, account_id, fingerprint, category, category_version, position, claimed_lat, claimed_lon,
  datum, accuracy_m, observed_at, counted_at, clock, place, note, mended, premises_id)
values ($1, $2, $3, $4, $5, $6, st_setsrid(st_makepoint($7, $8), 4326), $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
on conflict (id) do nothing returning id
"""
# What is added to an issue and conflicts with nothing else: a joining report, a photograph that arrives. The update takes the row's
# lock, so additions and actions made at once are ordered, each with a version of its own.
ADD = """
with o as (
  select reports, evidence, rectified_by, rectified_at, closed_at, premises_id from issues where id = $1
), i as (
  update issues set reports = reports + $2, evidence = evidence + $3, state = $4, rectified_by = $5, rectified_at = $6, closed_at = $7,
    version = version + 1, updated_at = now(), tx = pg_current_xact_id(), premises_id = coalesce(premises_id, $14),
    duty = case when $4 in ('rectified', 'closed') then null else duty end,
    duty_at = case when $4 in ('rectified', 'closed') then null else duty_at end
  where id = $1
  returning id, version, state, reports, evidence, rectified_by, rectified_at, closed_at, premises_id
)
insert into events (
  issue_id, version, action, from_state, to_state, actor_id, acted_as, report_id, data, was)
select i.id, i.version, $8, $9, i.state, $10, $11, $12, $13, (
  select jsonb_object_agg(b.key, b.value) from o cross join lateral jsonb_each(to_jsonb(o)) b
  where b.value is distinct from to_jsonb(i) -> b.key)
from i returning version
"""
# `proves`: who mended it on the spot may close it, and waited only for the photograph that is here now. `unproves`: it was closed by
# nobody but that photograph, of which nothing can be seen. The lock on the issue is taken
# first and its state read then.
ISSUES_OF_PHOTO = f"""
select i.id, i.number, i.category, i.place, i.state, i.rectified_by, i.rectified_at, i.closed_at, i.area_id, i.unit_id, i.assignee_id,
  i.reporter_id, e.report_id, e.kind, e.kind = 'after' and e.at >= i.rectified_at and i.state = 'rectified' and (
    select v.action from events v where v.issue_id = i.id and v.action in ('rectify', 'reply', 'report_mended')
    order by v.version desc limit 1) = 'report_mended' and {
    _MAY_CLOSE.format(
        area="i.area_id",
        cell="i.cell_id",
        category="i.category",
        default="(select v.volunteer_may_close from category_versions v where v.code = i.category and v.version = i.category_version)",
    )
} and not {photographs.EVIDENCE_MISSING} and {ACCOUNT_REACHES.format("i.area_id", "e.account_id")} as proves,
  i.state = 'closed' and e.kind = 'after' and e.at >= i.rectified_at and (
    select v.action from events v where v.issue_id = i.id and v.to_state = 'closed' and v.from_state is distinct from 'closed'
    order by v.version desc limit 1) in ('photo', 'report_mended') and {photographs.UNPROVED} as unproves
from evidence e join issues i on i.id = e.issue_id where e.photo_id = $1 and e.account_id = $2 order by i.id for update of i
"""
# Photographs of the present rectification that cannot be looked at.
LACKING = f"""
select e.photo_id::text as id, coalesce(p.state, 'awaited') as state
from issues i join evidence e on {photographs.GIVEN} left join photos p on p.id = e.photo_id and p.account_id = e.account_id
where i.id = $1 and coalesce(p.state, 'awaited') <> 'stored' order by e.position, e.photo_id
"""
# Of photographs that shall prove something, whether one is evidence already, of this issue or another: sent by the caller, or of what they
# see. What a stranger calls by the same id is not this photograph.
USED = f"""
with c as ({CALLER})
select exists (
  select from evidence e join issues i on i.id = e.issue_id where e.photo_id = any($2::uuid[]) and (e.account_id = c.account_id or {SCOPE})) from c
"""
# Whether a photograph of an account is here and of nothing else yet.
PROVES = """
select exists (select from photos p where p.id = $1 and p.account_id = $2 and p.state = 'stored'
  and not exists (select from evidence o where o.photo_id = p.id and o.account_id = p.account_id))
"""
ACCOUNT = f"select account_id from ({CALLER}) c"
ADD_EVIDENCE = f"""
with w as (insert into photos (id, account_id) select photo, $5 from unnest($2::uuid[]) photo on conflict do nothing),
f as (
  insert into evidence (issue_id, photo_id, report_id, kind, account_id, position, at)
  select $1, photo, $3, $4, $5, n + (select count(*) from evidence where issue_id = $1), coalesce($6, now())
  from unnest($2::uuid[]) with ordinality as u(photo, n) where {_OTHERS.format("$5")} on conflict do nothing returning 1
) select count(*)::int from f
"""
STORED_REPORT = f"""
with c as ({CALLER})
select r.account_id = c.account_id as own, r.fingerprint, r.id::text, r.issue_id::text, r.category, r.claimed_lat, r.claimed_lon,
  r.datum, r.accuracy_m, r.observed_at, r.received_at, r.clock, r.note, r.place, r.mended, r.premises_id::text as premises,
  array(select e.photo_id::text from evidence e where e.report_id = r.id order by e.position) as photos,
  st_x(r.position) as lon, st_y(r.position) as lat
from c left join reports r on r.id = $2 and (r.account_id = c.account_id
  or exists (select from issues i where i.id = r.issue_id and {SCOPE}))
"""

# --- reading ------------------------------------------------------------------------------------------------------------
ONE = f"""
with c as ({CALLER})
select {ISSUE} from c left join issues i on i.id = $2 and {SCOPE} {NAMES}
"""
# Whoever moved an issue out of their own sight is still answered with what became of it.
ONE_JUST_CHANGED = f"""
with c as ({CALLER})
select {ISSUE} from c left join issues i on i.id = $2 {NAMES}
"""
# What became of what one account reported, by the present state of the issues; what was cleared on the spot; what it verified.
RECORD = f"""
with c as ({CALLER}), mine as (
  select r.id, i.state, i.unresolved from c join reports r on r.account_id = c.account_id join issues i on i.id = r.issue_id
)
select c.account_id, c.name, (select count(*)::int from mine) as reports,
  (select count(*)::int from mine where state = 'closed' and unresolved is null) as closed,
  (select count(*)::int from mine where state = 'closed' and unresolved is not null) as unresolved,
  (select count(*)::int from c join events e on e.actor_id = c.account_id join mine on mine.id = e.issue_id
    where e.version = 1 and e.action = 'report_mended') as cleared
from c
"""
BY_NUMBER = "select id from issues where number = $1"
_HAPPENED = """
e.version, e.action, e.from_state as from, e.to_state as to, e.at, e.acted_as, e.actor_id::text,
  case when c.is_admin or e.actor_id = c.account_id or i.area_id = any(c.staffs) or i.cell_id = any(c.leads)
    or e.acted_as in ('leader', 'staff', 'inspector') then actor.name end as actor_name,
  e.report_id::text as report, e.data
"""
TIMELINE = f"""
with c as ({CALLER})
select i.id as issue, {_HAPPENED}
from c left join issues i on i.id = $2 and {SCOPE}
left join events e on e.issue_id = i.id and e.version > $3
left join accounts actor on actor.id = e.actor_id
order by e.version limit $4
"""

# The whole history of several issues.
TIMELINES = f"""
with c as ({CALLER})
select i.id::text as issue, {_HAPPENED}
from c cross join unnest($2::uuid[]) w(id) join issues i on i.id = w.id and {SCOPE} join events e on e.issue_id = i.id
left join accounts actor on actor.id = e.actor_id order by e.issue_id, e.version
"""


# --- delta sync ---------------------------------------------------------------------------------------------------------
# Issues whose last change one snapshot of the database ($2) did not see and another ($3, default: now) does, latest first, after the
# key ($4, $5). Snapshots know of every transaction whether it had committed, so one that began earlier and commits later is seen
# the next time: nothing is missed and nobody waits for the slowest.
_UNSEEN = """
(i.tx, i.id) < ($4::text::xid8, $5::uuid) and i.tx >= pg_snapshot_xmin(s.base) and not pg_visible_in_snapshot(i.tx, s.base)
    and pg_visible_in_snapshot(i.tx, s.target) and (i.is_open or not $6) order by i.tx desc, i.id desc limit %(rows)s
"""


def _unseen(condition: str) -> str:
    return f"select i.id, i.tx from issues i where {condition} and {_UNSEEN}"


_CHANGED = f"""
with c as materialized ({CALLER}),
s as materialized (select $2::text::pg_snapshot as base, coalesce($3::text::pg_snapshot, pg_current_snapshot()) as target)
select c.account_id, {REACH} as reach, s.target::text as target, case when $7 then array(
    select distinct d.issue_id::text from departures d
    where d.audience = any(c.reads || c.units || c.account_id) and d.tx >= pg_snapshot_xmin(s.base)
      and not pg_visible_in_snapshot(d.tx, s.base) and pg_visible_in_snapshot(d.tx, s.target)
      and not exists (select from issues i where i.id = d.issue_id and {SCOPE})
  ) end as removed, i.tx::text as tx, {ISSUE}
from c cross join s left join lateral (
  select i.* from issues i join (
    select b.id, b.tx from unnest(case when c.is_admin then array(select x.id from areas x) else c.reads end) w(id)
      cross join lateral ({_unseen("i.area_id = w.id")}) b
    union select b.id, b.tx from ({_unseen("c.is_admin and i.area_id is null")}) b
    union select b.id, b.tx from unnest(c.units) w(id) cross join lateral ({_unseen("i.unit_id = w.id")}) b
    union select b.id, b.tx from ({_unseen("i.assignee_id = c.account_id")}) b
    union select b.id, b.tx from ({_unseen("i.reporter_id = c.account_id")}) b
    union select b.id, b.tx from ({
    _unseen("i.id in (select r.issue_id from reports r where r.account_id = c.account_id and r.issue_id <> r.id)")
}) b
    order by tx desc, id desc limit %(rows)s
  ) b on b.id = i.id
) i on true {NAMES} order by i.tx desc, i.id desc
"""
# By the number of rows, a literal: see paging.rows_for.
CHANGED = {rows: _CHANGED % {"rows": rows} for rows in (rows_for(1), rows_for(MAX_LIMIT))}
# Most polls find nothing: whether there is anything is asked first, of the same indexes, without what an answer needs beside.
# `order by` keeps the planner at the index even where it believes that any row would do.
_NEW = "i.tx >= pg_snapshot_xmin(s.base) and not pg_visible_in_snapshot(i.tx, s.base) order by i.tx limit 1"
ANY_CHANGED = f"""
with c as materialized ({CALLER}), s as materialized (select $2::text::pg_snapshot as base)
select c.account_id, {REACH} as reach, pg_current_snapshot()::text as target, coalesce(
  (select true from unnest(case when c.is_admin then array(select x.id from areas x) else c.reads end) w(id)
    cross join lateral (select from issues i where i.area_id = w.id and {_NEW}) b limit 1),
  (select true from unnest(c.units) w(id) cross join lateral (select from issues i where i.unit_id = w.id and {_NEW}) b limit 1),
  (select true from issues i where i.reporter_id = c.account_id and {_NEW}),
  (select true from issues i where i.assignee_id = c.account_id and {_NEW}),
  (select true from reports r cross join lateral (select from issues i where i.id = r.issue_id and {_NEW}) b
    where r.account_id = c.account_id and r.issue_id <> r.id limit 1),
  (select true from unnest(c.reads || c.units || c.account_id) w(id)
    cross join lateral (select from departures i where i.audience = w.id and {_NEW}) b limit 1),
  c.is_admin and (select true from issues i where i.area_id is null and {_NEW}), false) as any
from c cross join s
"""
# A restored dump keeps the numbers of another database server's transactions: they are given anew.
DATABASE_CHANGED = """
select value <> (select convert_to(system_identifier::text, 'UTF8') from pg_control_system()) from secrets where name = 'database' for update
"""
RENUMBER = (
    "update issues set tx = pg_current_xact_id()",
    # Followers have seen every event that there is; the map is counted anew.
    "update events set tx = '3'",
    "update followers set snapshot = case name when 'map' then '' else pg_current_snapshot()::text end",
    "delete from departures",
    "update secrets set value = (select convert_to(system_identifier::text, 'UTF8') from pg_control_system()) where name = 'database'",
)

# --- change -------------------------------------------------------------------------------------------------------------
FOR_CHANGE = f"""
with c as ({CALLER})
select i.*, {RELATION} as relation, {REACHES} as reaches, {_ENDED_LATELY} as ended_lately, st_y(i.position) as lat, st_x(i.position) as lon,
  v.after_photo, v.deadline_hours, v.deadline_clock, coalesce(known_zone(a.time_zone), $3) as time_zone,
  {photographs.EVIDENCE_MISSING} as evidence_missing
from c join issues i on i.id = $2 and {SCOPE}
left join category_versions v on v.code = i.category and v.version = i.category_version
left join areas a on a.id = i.area_id
"""
# The one way in for change. Of two changes made at once from the same version, one finds no row left to update.
CHANGE = """
with i as (
  update issues set
    state = $3, version = version + 1, updated_at = now(), tx = pg_current_xact_id(), rework = rework + ($25 in ('send_back', 'fail_inspection'))::int,
    unit_id = $4, assignee_id = $5, deadline = $6, deadline_left_s = $7, extension_until = $8, authority = $9, reply_by = $10,
    rectified_by = $11, rectified_at = $12, merged_into = $13, closed_at = $14, category = $15, category_version = $16,
    position = st_setsrid(st_makepoint($17, $18), 4326), cell_id = $19, area_id = $20, place = $21,
    reports = $22, premises_id = $23, evidence = evidence + $24, duty = $31, duty_at = $32,
    first_deadline = $34, first_left_s = $35, unresolved = $36
  where id = $1 and version = $2 returning id, version, state
), d as (
  insert into departures (audience, issue_id) select gone, i.id from i, unnest($30::uuid[]) gone
)
insert into events (issue_id, version, action, from_state, to_state, actor_id, acted_as, data, was)
select i.id, i.version, $25, $26, i.state, $27, $28, $29, $33 from i returning version
"""
# Whether everybody may see it, beside CHANGE in its transaction: the issue's row is locked by then, so of two the later stands.
ACCEPTED = "insert into published (issue_id) values ($1) on conflict do nothing"
REJECTED = "delete from published where issue_id = $1"
NAME_PLACE = "update published set place = $2 where issue_id = $1"
# What happened since a version was read, when all of it conflicts with nothing: then an action may simply be tried again.
ONLY_ADDED = """
select coalesce(bool_and(action = any($3::text[])), false) from events where issue_id = $1 and version > $2
"""
EXTENSIONS = f"select {_EXTENDED.format('$1')}"
# When the clock of what is handed over was stopped, and the columns before that; nothing where its
# time has come to be counted in another way since.
CLOCK_STOPPED = """
select e.at, e.was from (
  select e.at, e.was from events e
  where e.issue_id = $1 and (e.action = 'hand_over' or e.was ? 'deadline_left_s')
  order by e.version desc limit 1
) e where e.was ? 'deadline'
"""
# The survivor $1's clock before it took that of $2, unless something has moved it since.
CLOCK_TAKEN = """
select e.was from events e
where e.issue_id = $1 and e.action = 'absorb' and e.data ->> 'from' = $2
  and e.version = (select max(l.version) from events l where l.issue_id = $1
    and l.was ?| array['deadline', 'first_deadline', 'deadline_left_s', 'first_left_s'])
"""
PREMISES_OF = "select exists (select from premises where id = $1 and area_id = $2)"
# A cell may have a sponsor from before such were refused who does not serve it.
RULE = f"""
select unit_id from (
  select unit_id, 0 as rank from assignment_rules where cell_id = $1 and category = $3
  union all select unit_id, 1 from assignment_rules where cell_id = $1 and category is null
  union all select unit_id, 2 from assignment_rules where area_id = $2 and cell_id is null and category = $3
  union all select unit_id, 3 from assignment_rules where area_id = $2 and cell_id is null and category is null
  union all select unit_id, 4 from cells where id = $1
) r where {unit_serves("r.unit_id", "$2")} order by rank limit 1
"""
UNIT_SERVES = f"select {unit_serves('$1', '$2')}"
# Held until commit by whoever gives somebody work: closing an account and taking back a role wait for it (and it for them), so that nothing
# is given to somebody who has just gone without being seen there.
LOCK_PERSON = "select from accounts where id = $1 for share"
# A person serves an area like a unit, by where their roles lie.
PERSON_SERVES = f"""
select exists (select from role_grants g join area_tree t on (t.ancestor_id, t.area_id) in ((g.area_id, $2), ($2, g.area_id))
               join accounts a on a.id = g.account_id where g.account_id = $1 and a.disabled_at is null and {HOLDS.format("g")})
"""
# Reports and evidence move to the survivor of a merge, and back. Evidence that the survivor has already stays where it is.
MOVE_REPORTS = """
update reports set issue_id = $2 where issue_id = $1 and ($3::uuid[] is null or id = any($3)) returning id, account_id
"""
MOVE_EVIDENCE = """
update evidence e set issue_id = $2 where issue_id = $1 and ($3::uuid[] is null or photo_id = any($3))
  and not exists (select from evidence o where o.issue_id = $2 and o.photo_id = e.photo_id) returning photo_id
"""
# The issue that an issue merged into, and that one in turn, to the last.
SURVIVOR = """
with recursive chain as (
  select id, merged_into, 1 as depth from issues where id = $1
  union all select s.id, s.merged_into, chain.depth + 1 from chain join issues s on s.id = chain.merged_into where chain.depth < 50
)
select id from chain where merged_into is null
"""
MERGE_EVENT = """
select data from events where issue_id = $1 and action = 'merge' order by version desc limit 1
"""
