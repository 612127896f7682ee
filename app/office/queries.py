"""Statements about the office's papers."""

from app.issues.counting import COUNTED
from app.kit import photographs

AREA = "select name, time_zone from areas where id = $1"
ZONE_OF_ISSUE = "select a.time_zone from issues i join areas a on a.id = i.area_id where i.id = $1"
UNIT_NAMES = "select id::text, name from units where id = any($1::uuid[])"
ISSUED = """
select s.paper, s.issued_at, a.name as issued_by from summaries s join accounts a on a.id = s.issued_by
where s.area_id = $1 and s.week = $2 and s.language = $3
"""
# The primary key lets one of two people who issue at once have it; what was issued is never written over.
ISSUE = """
insert into summaries (area_id, week, language, paper, issued_by) values ($1, $2, $3, $4, $5) on conflict do nothing returning true
"""
_BELOW = "array(select t.area_id from area_tree t where t.ancestor_id = $1)"

# What happened in a week ($3 to $4) and in the one before ($2 to $5, where it was as far as this one is now), from the log.
# Whatever has an event since $2 has changed since then, so the index of changes leads to it. An issue counts once,
# however often it happened to it. In time is reckoned of this week alone, since nothing is compared with it.
_WHAT = " ".join(
    f"when {COUNTED[what]} then '{what}'"
    for what in ("mended_on_the_spot", "found", "closed", "rectified", "handed_over", "sent_back", "came_back")
)
HAPPENED = f"""
with counted as (
  select e.issue_id, e.at >= $3 as this, case {_WHAT} end as what, e.at >= $3 and {COUNTED["in_time"]} as in_time
  from issues i join events e on e.issue_id = i.id
  where i.area_id = any({_BELOW}) and i.updated_at >= $2 and e.at >= $2 and e.at < $4 and (e.at >= $3 or e.at < $5)
)
select what, this, count(distinct issue_id)::int as n, count(distinct issue_id) filter (where in_time)::int as in_time
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
# other the log tells how it was.
_OPEN = f"""
o as materialized (
  select i.category, i.recurrences, i.deadline, i.unit_id, i.authority, i.reply_by, s.state,
    coalesce(i.street, c.name, '') as street
  from issues i left join cells c on c.id = i.cell_id cross join lateral (
    select case when i.updated_at < $2 then i.state else (
      select e.to_state from events e where e.issue_id = i.id and e.at < $2 order by e.version desc limit 1) end as state
  ) s
  where i.area_id = any({_BELOW}) and i.created_at < $2 and (i.is_open or i.updated_at >= $2)
    and s.state in ('reported', 'accepted', 'assigned', 'in_progress', 'handed_over', 'rectified')
), k as (
  select o.*, o.recurrences > 0 as recurring,
    coalesce(o.deadline < least($2, now()), false) and o.state not in ('handed_over', 'rectified') as late from o
)
"""
REMAINS = f"""
with {_OPEN}
select count(*)::int as open, (count(*) filter (where late))::int as overdue, (count(*) filter (where recurring))::int as recurring,
  (count(*) filter (where state = 'handed_over'))::int as handed_over,
  (count(*) filter (where state = 'handed_over' and reply_by < least($2, now())))::int as replies_late,
  (select coalesce(json_agg(p order by p.n desc, p.late desc, p.street, p.category), '[]') from (
    select street, category, count(*)::int as n, (count(*) filter (where late))::int as late, (count(*) filter (where recurring))::int as recurring from k
    group by 1, 2 order by 3 desc, 4 desc, 1, 2 limit 6) p)::jsonb as places,
  (select coalesce(json_agg(u order by u.n desc, u.name), '[]') from (
    select u.id::text, u.name, count(*)::int as n from k join units u on u.id = k.unit_id where k.late group by 1, 2 order by 3 desc, 2 limit 3) u)::jsonb as units,
  (select coalesce(json_agg(h order by h.n desc, h.authority), '[]') from (
    select authority, count(*)::int as n from k where state = 'handed_over' and authority is not null group by 1 order by 2 desc, 1 limit 3) h)::jsonb as authorities
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
_SIDE = "{0}.photo as {1}, {0}.file as {1}_file, {0}.taken_at as {1}_taken_at, {0}.away_m as {1}_away_m, {0}.doubts as {1}_doubts"
# What was mended in a span and shows it: the latest first. `offset 0` keeps the lookups one by one, so that the limit ends them.
MENDED = f"""
select {_PICTURED}, d.at as mended_at, {_SIDE.format("b", "before")}, {_SIDE.format("a", "after")}
from (
  select e.issue_id, max(e.at) as at from issues i join events e on e.issue_id = i.id
  where i.area_id = any({_BELOW}) and i.updated_at >= $2 and e.at >= $2 and e.at < $3 and e.action in ('rectify', 'report_mended', 'reply')
  group by 1 order by 2 desc, 1
) d join issues i on i.id = d.issue_id and i.state in ('rectified', 'closed') left join cells c on c.id = i.cell_id
cross join lateral ({_PICTURE} and e.kind <> 'after' order by e.position, e.photo_id limit 1) b
cross join lateral ({_PICTURE} and e.kind = 'after' order by e.position desc, e.photo_id limit 1) a
order by d.at desc, i.id limit $4
"""
# What is open still and has a picture: what is overdue and comes back most first.
UNMENDED = f"""
select {_PICTURED}, null::timestamptz as mended_at, {_SIDE.format("b", "before")},
  null as after, null as after_file, null::timestamptz as after_taken_at, null::float8 as after_away_m, null::text[] as after_doubts
from (
  select m.id, m.overdue, m.recurring, m.created_at from map_issues m where m.area_id = any({_BELOW}) and m.created_at < $2 and m.state <> 'rectified'
  order by m.overdue desc, m.recurring desc, m.created_at, m.id limit 2000
) m join issues i on i.id = m.id and i.is_open left join cells c on c.id = i.cell_id
cross join lateral ({_PICTURE} and e.kind <> 'after' order by e.position, e.photo_id limit 1) b
order by m.overdue desc, m.recurring desc, m.created_at, m.id limit $3
"""

# The primary key makes an activity that is sent again the same activity; only who noted it, or the office, changes it.
PUT_ACTIVITY = """
insert into activities (id, area_id, kind, on_day, count, collected, people, place, note, account_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do update set kind = excluded.kind, on_day = excluded.on_day, count = excluded.count, collected = excluded.collected,
  people = excluded.people, place = excluded.place, note = excluded.note
  where activities.area_id = excluded.area_id and (activities.account_id = excluded.account_id or $11)
returning xmax = 0 as fresh
"""
_ACTIVITY = """
select v.id::text, v.area_id::text as area, v.kind, v.on_day, v.count, v.collected, v.people, v.place, v.note, a.name as by, v.account_id = $1 as own,
  array(select t.photo_id::text from attachments t where t.subject_id = v.id order by t.position, t.photo_id) as photos
from activities v join accounts a on a.id = v.account_id
"""
ACTIVITY = f"{_ACTIVITY} where v.id = $2"
ACTIVITIES = f"""
{_ACTIVITY} where v.area_id = any(array(select t.area_id from area_tree t where t.ancestor_id = $2)) and v.on_day between $3 and $4
order by v.on_day desc, v.id desc limit 500
"""
DROP_ACTIVITY = "delete from activities where id = $1 and (account_id = $2 or $3 or area_id = any($4)) returning true"
# Whether an area lies among some ($3), or one of some cells ($4) lies in it.
SERVES = "select $2 or $1 = any($3::uuid[]) or exists (select from cells c where c.area_id = $1 and c.id = any($4::uuid[]))"
# Closed issues that were inspected between two instants, and how it went.
INSPECTED = f"""
select e.action, count(*)::int as n from issues i join events e on e.issue_id = i.id
where i.area_id = any({_BELOW}) and i.updated_at >= $2 and e.at >= $2 and e.at < $3 and e.action in ('pass_inspection', 'fail_inspection') group by 1
"""
# In a week from $2, and in the one before up to $3.
ACTED = f"""
select kind, on_day >= $2 as this, sum(count)::int as count, sum(collected)::int as collected, sum(people)::int as people, count(*)::int as times,
  (array_agg(distinct place) filter (where place <> ''))[1:3] as places
from activities where area_id = any({_BELOW}) and (on_day >= $2 and on_day < $2 + 7 or on_day >= $2 - 7 and on_day <= $3) group by 1, 2
"""
