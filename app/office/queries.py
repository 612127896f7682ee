"""Statements about the office's papers."""

from app.issues.as_it_was import around, at_instant, below, present
from app.issues.counting import COUNTED
from app.issues.lifecycle import OPEN
from app.kit import photographs
from app.kit.access import CALLER, SCOPE

# What an area's papers are signed with.
_ISSUER = "coalesce(nullif(issuer, ''), name)"
AREA = f"select name, level, known_zone(time_zone) as time_zone, {_ISSUER} as issuer from areas where id = $1"
ZONE_OF_ISSUE = "select known_zone(a.time_zone) from issues i join areas a on a.id = i.area_id where i.id = $1"
AREA_OF_ISSUE = "select area_id from issues where id = $1"
UNIT_NAMES = "select id::text, name from units where id = any($1::uuid[])"
ISSUED = """
select s.paper, s.issued_at, a.name as issued_by, s.version, s.reason from summaries s join accounts a on a.id = s.issued_by
where s.area_id = $1 and s.week = $2 and s.language = $3 and ($4::int is null or s.version = $4)
order by s.version desc limit 1
"""
VERSIONS = """
select s.version, s.reason, s.issued_at as at, a.name as by from summaries s join accounts a on a.id = s.issued_by
where s.area_id = $1 and s.week = $2 and s.language = $3 order by s.version
"""
# The primary key lets one of two people who issue, or correct, at once have the number; what was issued is never written over.
# A correction ($6, $7 the reason) follows the version that its writer read, where that is the last.
ISSUE = """
insert into summaries (area_id, week, language, paper, issued_by, version, reason)
select $1, $2, $3, $4, $5, $6, $7 where $6 = 1 + coalesce((
  select max(s.version) from summaries s where s.area_id = $1 and s.week = $2 and s.language = $3), 0)
on conflict do nothing returning true
"""
# Papers that were issued, the latest first, before the key ($5 to $9); of areas that the caller is of the office or an inspector of ($1 admin, $2, $3).
ALL_ISSUED = """
select json_build_object('id', s.area_id, 'name', r.name)::jsonb as area, s.week, s.language, s.paper ->> 'title' as title, s.version, s.reason,
  s.issued_at as at, a.name as by, s.area_id
from summaries s join areas r on r.id = s.area_id join accounts a on a.id = s.issued_by
where ($1 or s.area_id = any($2::uuid[])) and ($3::uuid is null or s.area_id = $3)
  and (s.issued_at, s.area_id, s.week, s.language, s.version) < ($5::timestamptz, $6::uuid, $7::date, $8::text, $9::int)
order by s.issued_at desc, s.area_id desc, s.week desc, s.language desc, s.version desc limit $4
"""
_BELOW = below("$1")

# What happened in a week ($3 to $4) and in the one before ($2 to $5, where it was as far as this one is now), from the log.
# Whatever has an event since $2 has changed since then, so the index of changes leads to it. An issue counts once,
# however often it happened to it, and where it lay when it happened. In time is reckoned of this week alone, since nothing is compared with it.
_WHAT = " ".join(
    f"when {COUNTED[what]} then '{what}'"
    for what in (
        "mended_on_the_spot", "found", "closed_unresolved", "closed", "rectified", "handed_over", "sent_back", "came_back",
    )
)  # fmt: skip
# Issues `i` of an area that may have an event since $2, `moved` where they have lain in another since then.
_TOUCHED = f"""
  select i.*, i.id in (select e.issue_id from events e where e.was ? 'area_id' and e.at >= $2) as moved
  from ({present(_BELOW, "$2", "i.updated_at >= $2")}) i
"""
_LAY = f"(not i.moved or {around('area_id')} = any({_BELOW}))"
HAPPENED = f"""
with i as ({_TOUCHED}), counted as (
  select e.issue_id, e.at >= $3 as this, case {_WHAT} end as what, e.at >= $3 and {COUNTED["in_time"]} as in_time,
    e.at >= $3 and {COUNTED["in_time_extended"]} as in_time_extended
  from i join events e on e.issue_id = i.id
  where e.at >= $2 and e.at < $4 and (e.at >= $3 or e.at < $5) and {_LAY}
)
select what, this, count(distinct issue_id)::int as n, count(distinct issue_id) filter (where in_time)::int as in_time,
  count(distinct issue_id) filter (where in_time_extended)::int as in_time_extended
from counted where what is not null group by 1, 2
"""
WALKED = f"""
select p.counted_at >= $3 as this, sum(p.people)::int as person_times, count(*)::int as walks from patrols p
where p.counted_at >= $2 and p.counted_at < $4 and (p.counted_at >= $3 or p.counted_at < $5) and exists (
  select from patrol_cells pc join cells c on c.id = pc.cell_id where pc.patrol_id = p.id and c.area_id = any({_BELOW}))
group by 1
"""
CELLS = f"""
select c.id::text, c.name, exists (select from patrol_cells pc join patrols p on p.id = pc.patrol_id
    where pc.cell_id = c.id and p.counted_at >= $2 and p.counted_at < $3) as walked
from cells c where c.area_id = any({_BELOW}) and c.retired_at is null order by c.name
"""
# What was open at the end of a week ($2), by street (the cell where there is none) and kind: an issue that has not changed since is as it is, of any
# other the log tells how it was. A clock ahead may have dated a report up to ten minutes after it came.
_CANDIDATE = "i.created_at < $2::timestamptz + interval '10 minutes' and (i.is_open or i.updated_at >= $2)"
_OPEN = f"""
k as materialized (
  select t.category, t.state, t.unit_id, t.authority, coalesce(t.street, c.name, '') as street, t.recurrences > 0 as recurring,
    coalesce(t.deadline < least($2, now()), false) and t.state not in ('handed_over', 'rectified') as late,
    t.state = 'handed_over' and coalesce(t.reply_by < least($2, now()), false) as reply_late
  from ({present(_BELOW, "$2", _CANDIDATE)}) i {at_instant("$2")} left join cells c on c.id = t.cell_id
  where t.area_id = any({_BELOW}) and t.state in {OPEN!r}
)
"""


def _parts(label: str, key: str, name: str, where: str, most: int, kind: str = "null::text", joined: str = "") -> str:
    """The largest parts of a sum, and the rest of it: `others`, and `none` where nobody is named. So the parts equal the sum."""
    return f"""
  select coalesce(json_agg(p order by p.rest, p.n desc, p.{label}), '[]')::jsonb from (
    select case when g.place <= {most} then g.id end as id, case when g.place <= {most} then g.name end as {label},
      case when g.place <= {most} then g.kind end as kind,
      case when g.place <= {most} then '' when g.id is null then 'none' else 'others' end as rest, sum(g.n)::int as n
    from (
      select {key} as id, {name} as name, {kind} as kind, count(*)::int as n,
        case when {key} is null then {most + 1} else row_number() over (order by {key} is null, count(*) desc, {name}, {key}) end as place
      from k {joined} where {where} group by 1, 2, 3
    ) g group by 1, 2, 3, 4
  ) p"""


REMAINS = f"""
with {_OPEN}
select count(*)::int as open, (count(*) filter (where late))::int as overdue, (count(*) filter (where recurring))::int as recurring,
  (count(*) filter (where state = 'handed_over'))::int as handed_over, (count(*) filter (where reply_late))::int as replies_late,
  (select coalesce(json_agg(p order by p.rest, p.n desc, p.late desc, p.street, p.category), '[]') from (
    select case when place <= 6 then street end as street, case when place <= 6 then category end as category,
      case when place <= 6 then '' else 'others' end as rest, sum(n)::int as n, sum(late)::int as late, sum(recurring)::int as recurring from (
      select street, category, count(*) as n, count(*) filter (where late) as late, count(*) filter (where recurring) as recurring,
        row_number() over (order by count(*) desc, count(*) filter (where late) desc, street, category) as place from k group by 1, 2) g
    group by 1, 2, 3) p)::jsonb as places,
  ({_parts("name", "u.id::text", "u.name", "k.late", 3, "u.kind", "left join units u on u.id = k.unit_id")}) as units,
  ({_parts("authority", "authority", "authority", "state = 'handed_over'", 3)}) as authorities,
  ({_parts("authority", "authority", "authority", "reply_late", 3)}) as authorities_late
from k
"""

# One photograph of an issue `i` that can be looked at: its id and its file.
_PICTURE = f"""
select p.id::text as photo, encode(f.sha256, 'hex') as file, {photographs.taken_at("z.time_zone")} as taken_at,
  {photographs.AWAY_M} as away_m, {photographs.doubts("z.time_zone")} as doubts
from evidence e join photos p on p.id = e.photo_id and p.account_id = e.account_id
join photo_files f on f.sha256 = p.sha256 left join reports r on r.id = e.report_id left join areas z on z.id = i.area_id
where e.issue_id = i.id and p.state = 'stored' and f.developed_at is not null
"""
_PICTURED = "i.id::text, i.number, i.category, i.state, i.place, c.name as cell, i.recurrences, i.created_at as found_at"
_THEN = "i.id::text, i.number, t.category, t.state, t.place, c.name as cell, t.recurrences, i.created_at as found_at"
_SIDE = "{0}.photo as {1}, {0}.file as {1}_file, {0}.taken_at as {1}_taken_at, {0}.away_m as {1}_away_m, {0}.doubts as {1}_doubts"
_MENDING = "{}.action in ('rectify', 'report_mended', 'reply')"
# What was mended in a span and shows it: the latest first, as it was when the span ended, without photographs of what was done later.
# What has been moved away since is not shown, though it counts.
# `offset 0` keeps the lookups one by one, so that the limit ends them.
MENDED = f"""
select {_THEN}, d.mended_at, {_SIDE.format("b", "before")}, {_SIDE.format("a", "after")}
from (
  select e.issue_id, max(e.at) as mended_at from ({present(_BELOW, "$2", "i.updated_at >= $2")}) i join events e on e.issue_id = i.id
  where e.at >= $2 and e.at < $3 and {_MENDING.format("e")}
  group by 1 order by 2 desc, 1
) d join issues i on i.id = d.issue_id {at_instant("$3::timestamptz")} left join cells c on c.id = t.cell_id
cross join lateral ({_PICTURE} and e.kind <> 'after' order by e.position, e.photo_id limit 1) b
cross join lateral ({_PICTURE} and e.kind = 'after' and not exists (
  select from events x where x.issue_id = i.id and {_MENDING.format("x")} and x.at >= $3 and x.at <= e.at)
  order by e.position desc, e.photo_id limit 1) a
where i.area_id = any({_BELOW}) and t.area_id = any({_BELOW}) and t.state in ('rectified', 'closed') and t.unresolved is null
order by d.mended_at desc, i.id limit $4
"""
# What is open still and has a picture: what is overdue and comes back most first.
UNMENDED = f"""
select {_PICTURED}, null::timestamptz as mended_at, {_SIDE.format("b", "before")},
  null as after, null as after_file, null::timestamptz as after_taken_at, null::float8 as after_away_m, null::text[] as after_doubts
from (
  select m.id, m.overdue, m.recurring, m.created_at from map_issues m where m.area_id = any({_BELOW}) and m.created_at < $2 and m.state <> 'rectified'
  order by m.overdue desc, m.recurring desc, m.created_at, m.id limit 2000
) m join issues i on i.id = m.id and i.is_open and i.area_id = any({_BELOW}) left join cells c on c.id = i.cell_id
cross join lateral ({_PICTURE} and e.kind <> 'after' order by e.position, e.photo_id limit 1) b
order by m.overdue desc, m.recurring desc, m.created_at, m.id limit $3
"""

# The primary key makes an activity that is sent again the same activity; only who noted it, or the office, changes it. That of `subjects`
# makes its id of no other kind of thing, whoever of two comes first.
PUT_ACTIVITY = """
with s as (
  insert into subjects (id, kind) values ($1, 'activity') on conflict (id) do update set kind = excluded.kind
    where subjects.kind = excluded.kind returning id
)
insert into activities (id, area_id, kind, on_day, count, collected, people, place, note, account_id)
select s.id, $2, $3, $4, $5, $6, $7, $8, $9, $10 from s
on conflict (id) do update set kind = excluded.kind, on_day = excluded.on_day, count = excluded.count, collected = excluded.collected,
  people = excluded.people, place = excluded.place, note = excluded.note
  where activities.area_id = excluded.area_id and (activities.account_id = excluded.account_id or $11)
returning xmax = 0 as fresh
"""
_ACTIVITY = """
select v.id::text, v.area_id::text as area, v.kind, v.on_day, v.count, v.collected, v.people, v.place, v.note, a.name as by, v.account_id = $1 as own,
  array(select t.photo_id::text from attachments t where t.kind = 'activity' and t.subject_id = v.id and t.area_id = v.area_id
    order by t.position, t.photo_id) as photos
from activities v join accounts a on a.id = v.account_id
"""
ACTIVITY = f"{_ACTIVITY} where v.id = $2"
ACTIVITIES = f"""
{_ACTIVITY} where v.area_id = any(array(select t.area_id from area_tree t where t.ancestor_id = $2)) and v.on_day between $3 and $4
order by v.on_day desc, v.id desc limit 500
"""
# Whether an area lies among some ($3), or one of some cells ($4) lies in it.
SERVES = "select $2 or $1 = any($3::uuid[]) or exists (select from cells c where c.area_id = $1 and c.id = any($4::uuid[]))"
# The office, or who noted it while they lead a cell there. The id is free again.
DROP_ACTIVITY = """
with gone as (
  delete from activities a where a.id = $1 and ($3 or a.area_id = any($4::uuid[])
    or a.account_id = $2 and exists (select from cells c where c.area_id = a.area_id and c.id = any($5::uuid[])))
  returning a.id, a.area_id
), freed as (
  delete from subjects s using gone where s.id = gone.id and s.kind = 'activity'
)
select area_id from gone
"""
# Closed issues that were inspected between two instants, and how it went.
INSPECTED = f"""
with i as ({_TOUCHED})
select e.action, count(*)::int as n from i join events e on e.issue_id = i.id
where e.at >= $2 and e.at < $3 and e.action in ('pass_inspection', 'fail_inspection') and {_LAY} group by 1
"""
# In a week from $2, and in the one before up to $3.
ACTED = f"""
select kind, on_day >= $2 as this, sum(count)::int as count, sum(collected)::int as collected, sum(people)::int as people, count(*)::int as times,
  (array_agg(distinct place) filter (where place <> ''))[1:3] as places
from activities where area_id = any({_BELOW}) and (on_day >= $2 and on_day < $2 + 7 or on_day >= $2 - 7 and on_day <= $3) group by 1, 2
"""

# --- letters of handover ----------------------------------------------------------------------------------------------
# One handing over of an issue by its version in the history ($2; null: the last), and who did it.
HANDED_OVER = """
select e.version, e.at, e.data, a.name as by from events e left join accounts a on a.id = e.actor_id
where e.issue_id = $1 and e.action = 'hand_over' and ($2::int is null or e.version = $2) order by e.version desc limit 1
"""
# What later events changed, each as it was before, the latest first.
CHANGED_SINCE = "select was from events where issue_id = $1 and version > $2 and was is not null order by version desc"
OFFICE = "select name, issuer, contact, phone, known_zone(time_zone) as time_zone from areas where id = $1"
CELL_NAME = "select name from cells where id = $1"
ADDRESS_OF = """
select a.phone, a.address from authorities a join area_tree t on t.ancestor_id = a.area_id where t.area_id = $1 and a.name = $2 limit 1
"""
# Of merged issues ($2) the one that each belongs to in the end, where the caller sees it.
SURVIVORS = f"""
with recursive c as materialized ({CALLER}), chain as (
  select id as merged, id, number, merged_into, 0 as depth from issues where id = any($2::uuid[]) and merged_into is not null
  union all
  select h.merged, s.id, s.number, s.merged_into, h.depth + 1 from chain h join issues s on s.id = h.merged_into where h.depth < 50
)
select h.merged::text, i.id::text, i.number from c cross join chain h join issues i on i.id = h.id where h.merged_into is null and {SCOPE}
"""
# Which photographs a merged issue took along.
MOVED_PHOTOS = """
select array(select jsonb_array_elements_text(data -> 'photos')) from events where issue_id = $1 and action = 'merge' order by version desc limit 1
"""
