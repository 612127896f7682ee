"""Statements about what the clock does to issues: duties that come due, what comes back, black spots. Requests' own are in queries.py."""

from app.issues.queries import OVERDUE

# Duties that have come due. `skip locked` shares them among workers; the locks last until the events are committed. A duty that was done
# for this very deadline before (it was rectified and sent back) is passed over.
DUE_BATCH = 100
# What was set aside is tried again after a day, and at once when it is due at another time.
_ASIDE = """exists (select from set_aside s where s.follower = 'duties' and s.subject = concat_ws(' ', issues.id, issues.duty_at)
    and s.at > now() - interval '1 day')"""
DUE = f"""
select id, concat_ws(' ', id, duty_at) as subject from issues where duty_at <= now() and not {_ASIDE} order by duty_at limit {DUE_BATCH}
"""
_DO_DUE = f"""
with due as (
  select id, duty, coalesce(case when state = 'handed_over' then reply_by end, deadline) as ends from issues
  where duty_at <= now() and not {_ASIDE} and __WHICH__ order by duty_at limit {DUE_BATCH} for update skip locked
), told as (
  select due.*, exists (
    select from events e where e.issue_id = due.id and e.action = due.duty and e.data ->> 'ends' = to_jsonb(due.ends) #>> '{{}}') as before
  from due
), i as (
  update issues i set version = i.version + case when t.before then 0 else 1 end, updated_at = case when t.before then i.updated_at else now() end,
    tx = pg_current_xact_id(),
    duty = case t.duty when 'remind' then 'overdue' when 'remind_reply' then 'reply_overdue' end,
    duty_at = case when t.duty in ('remind', 'remind_reply') then t.ends end
  from told t where i.id = t.id
  returning i.id, i.version, i.state, i.area_id, i.unit_id, i.assignee_id, i.reporter_id, t.duty as done, t.ends, t.before
), e as (
  insert into events (issue_id, version, action, from_state, to_state, acted_as, data)
  select i.id, i.version, i.done, i.state, i.state, 'clock', jsonb_build_object('ends', i.ends) from i where not i.before
)
select area_id, unit_id, assignee_id, reporter_id from i
"""
DO_DUE = _DO_DUE.replace("__WHICH__", "true")
DO_SOME_DUE = _DO_DUE.replace("__WHICH__", "concat_ws(' ', id, duty_at) = any($1::text[])")
# What an issue repeats: the one of its kind that was closed last within the radius and 30 days before. An issue is as old as its
# reporter's phone says, often in whole seconds, while it is closed to the microsecond: they are compared by the second. Nor was an
# issue closed later than this server heard of it, whatever a phone says. What was closed unresolved is there still, and to find it
# again is no recurrence; unless it was found to be gone. Both lie in one community: what lies across its border is not told.
_EARLIER = """
    select p.id, p.recurrences from issues p
    cross join lateral (
      select l.id, date_trunc('second', least(p.closed_at, l.at)) as at from events l
      where l.issue_id = p.id and l.to_state = 'closed' and l.from_state is distinct from 'closed' order by l.version desc limit 1
    ) shut
    where p.state = 'closed' and coalesce(p.unresolved, 'gone') = 'gone' and p.category = {0}.category and p.id <> {0}.id
      and p.area_id is not distinct from {0}.area_id
      and p.mercator && st_expand({0}.mercator, {1}.radius_m / greatest(cos(radians(st_y({0}.position))), 0.01))
      and p.closed_at < {0}.created_at + interval '1 day' and shut.at <= {0}.created_at
      and p.closed_at > {0}.created_at - interval '30 days'
      and {2} and st_distancesphere(p.position, {0}.position) <= {1}.radius_m
    order by shut.at desc, p.closed_at desc, p.id limit 1"""
# What was closed after this server had heard of the new one was open then: a duplicate.
_CLOSED_BEFORE = "shut.id < new.event_id"
# Of past cases, which come in any order, the one reported later repeats the other: never each the other.
_REPORTED_BEFORE = "(p.created_at, p.id) < (i.created_at, i.id)"
# An issue is linked once, from nothing.
_WAS_NONE = "jsonb_build_object('recurrence_of', null, 'recurrences', 0)"
# Read the event log from one snapshot to the next for new issues, and link each to what it repeats. `skip locked` lets one worker read at a
# time; a link is made once, from null. What happened is read first and by itself: how much it is the planner does not know, and would else
# walk through every issue there is.
_FOLLOW_RECURRENCES = f"""
with f as materialized (select name, snapshot::pg_snapshot as base from followers where name = 'recurrence' for update skip locked),
happened as materialized (
  select e.id, e.issue_id, e.version, e.action, e.at from f join events e on __EVENTS__
), new as materialized (
  select i.id, i.category, i.area_id, i.position, i.mercator, i.created_at, v.radius_m, e.id as event_id
  from happened e cross join lateral (select * from issues i where i.id = e.issue_id and i.recurrence_of is null offset 0) i
  join category_versions v on v.code = i.category and v.version = i.category_version
  where e.version = 1 and e.action in ('report', 'report_mended') and e.at > now() - interval '1 day'
), found as (
  select new.id, p.id as earlier, p.recurrences from new cross join lateral (
    {_EARLIER.format("new", "new", _CLOSED_BEFORE)}) p
), i as (
  update issues i set recurrence_of = found.earlier, recurrences = found.recurrences + 1, version = i.version + 1, updated_at = now(),
    tx = pg_current_xact_id()
  from found where i.id = found.id and i.recurrence_of is null
  returning i.id, i.version, i.state, i.recurrence_of, i.recurrences, i.area_id, i.unit_id, i.assignee_id, i.reporter_id
), e as (
  insert into events (issue_id, version, action, from_state, to_state, acted_as, data, was)
  select i.id, i.version, 'recur', i.state, i.state, 'clock', jsonb_build_object('of', i.recurrence_of, 'times', i.recurrences),
    {_WAS_NONE} from i
), u as (
  update followers set snapshot = pg_current_snapshot()::text from f where followers.name = f.name and __GOES_ON__
)
select id, recurrences, area_id, unit_id, assignee_id, reporter_id from i
"""
FOLLOW_RECURRENCES = _FOLLOW_RECURRENCES.replace(
    "__EVENTS__", "e.tx >= pg_snapshot_xmin(f.base) and not pg_visible_in_snapshot(e.tx, f.base)"
).replace("__GOES_ON__", "true")
# The same for events `$1` alone, with the follower where it was.
FOLLOW_SOME_RECURRENCES = _FOLLOW_RECURRENCES.replace("__EVENTS__", "e.id = any($1::bigint[])").replace("__GOES_ON__", "false")
# The same for past cases $1 that were brought in together: each is linked to what it repeats, and how often it came back follows along
# the chain. `earlier` is materialised so that the chain is walked over the links alone.
LINK_PAST = f"""
with recursive links as materialized (
  select i.id, p.id as earlier, p.recurrences from issues i
  join category_versions v on v.code = i.category and v.version = i.category_version
  cross join lateral (
    {_EARLIER.format("i", "v", _REPORTED_BEFORE)}) p
  where i.id = any($1::uuid[]) and i.recurrence_of is null
), chain as (
  select l.id, l.earlier, l.recurrences + 1 as times from links l where not exists (select from links e where e.id = l.earlier)
  union all select l.id, l.earlier, chain.times + 1 from chain join links l on l.earlier = chain.id
), i as (
  update issues i set recurrence_of = chain.earlier, recurrences = chain.times, version = i.version + 1, tx = pg_current_xact_id()
  from chain where i.id = chain.id returning i.id, i.version, i.state, i.recurrence_of, i.recurrences, i.updated_at, i.created_at
), e as (
  insert into events (issue_id, version, action, from_state, to_state, acted_as, at, data, was)
  select i.id, i.version, 'recur', i.state, i.state, 'clock', i.updated_at,
    jsonb_build_object('of', i.recurrence_of, 'times', i.recurrences), {_WAS_NONE} from i
)
select id, recurrences, created_at from i order by created_at
"""
# The black spot of an issue's kind in its community within its radius gains from it; where there is none, one begins.
PUT_BLACK_SPOT = """
with i as (
  select i.*, v.radius_m from issues i join category_versions v on v.code = i.category and v.version = i.category_version where i.id = $1
), s as (
  update black_spots b set latest_issue_id = i.id, recurrences = i.recurrences, last_seen_at = i.created_at from i
  where b.id = (
    select x.id from black_spots x where x.ended_at is null and x.category = i.category and x.area_id is not distinct from i.area_id
      and x.mercator && st_expand(i.mercator, i.radius_m / greatest(cos(radians(st_y(i.position))), 0.01))
    order by st_distancesphere(x.position, i.position), x.id limit 1)
  returning b.id
)
insert into black_spots (area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at, came_back)
select i.area_id, i.cell_id, i.category, i.position, i.mercator, i.id, i.recurrences, i.created_at, (
  select count(*) from black_spots x where x.ended_at is not null and x.category = i.category and x.area_id is not distinct from i.area_id
    and st_distancesphere(x.position, i.position) <= i.radius_m) from i where not exists (select from s)
"""
END_BLACK_SPOTS = """
update black_spots b set ended_at = now() where b.ended_at is null and b.last_seen_at < now() - interval '30 days'
  and not exists (select from issues i where i.id = b.latest_issue_id and i.is_open)
"""
_BLACK_SPOTS = """
select b.id::text, b.category, json_build_object('lat', st_y(b.position), 'lon', st_x(b.position))::jsonb as position,
  json_build_object('id', c.id, 'name', c.name)::jsonb as cell, b.area_id::text as area, b.latest_issue_id::text as latest_issue, b.recurrences,
  b.came_back, b.plan, b.since, b.last_seen_at, b.ended_at, b.owner_id::text as owner,
  case when $1 or b.area_id = any($4::uuid[]) or b.cell_id = any($5::uuid[]) then o.name end as owner_name
from black_spots b left join cells c on c.id = b.cell_id left join accounts o on o.id = b.owner_id
where ($1 or b.area_id = any($2::uuid[])) and {}
order by b.recurrences desc, b.since, b.id limit 500
"""
BLACK_SPOTS = _BLACK_SPOTS.format("(b.ended_at is not null) = $3")
ONE_BLACK_SPOT = _BLACK_SPOTS.format("b.id = $3")
BLACK_SPOT = """
select area_id from black_spots where id = $1 and ($2 or area_id = any($3::uuid[]) or cell_id = any($4::uuid[])) for update
"""
OWN_BLACK_SPOT = "update black_spots set owner_id = $2, plan = $3 where id = $1"
OVERDUE_COUNTS = f"""
select count(*) filter (where {OVERDUE}) as overdue,
  count(*) filter (where i.unit_id is null and i.assignee_id is null and i.state in ('reported', 'accepted')) as unowned
from area_tree t join issues i on i.area_id = t.area_id where t.ancestor_id = $1 and i.is_open
"""
