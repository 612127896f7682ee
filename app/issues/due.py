"""What was due in a span (应结案), and what became of it: the one definition behind every rate of time.

Due is an issue whose limit, the deadline of before extensions, fell within the span while its clock
ran: open or closed, mended or not. So nothing is gained by leaving it open. The limit is that in
force when it fell; whoever hands over, extends or opens again afterwards does not change that it had
fallen. Not due: what was handed over then (its clock stood still), what had been closed before as void
(`VOID`), and what was merged, rejected or withdrawn by the end, unless it had missed its limit before.
An issue is due once in a span: by a limit that it missed, else by the last that fell, so that no new
round makes up for one that was late. It counts for the area, cell and unit that had it then.

Mended is what was rectified and not sent back, reopened or closed unresolved, by the end of the span.
On time, at the first time, and lasting is only what was closed as well: who says that it is mended
and is never checked has proved nothing. On time is what was mended by the limit, whenever the check was.
"""

from __future__ import annotations

from app.issues.as_it_was import CARRIED, around, at_instant, left

# Reasons of `close_unresolved` that say that there was nothing to mend. Closed so before its limit, an
# issue was not due; after it, it was.
VOID = ("duplicate", "not_our_matter")
_READ = f"{CARRIED}, i.rework"
_LIMIT = "coalesce(i.first_deadline, i.deadline)"
# When the limit fell, nobody had said that it was mended.
_MISSED = "(l.state <> 'rectified' and (l.state <> 'closed' or l.unresolved is not null))"


def due(column: str, among: str, since: str, end: str) -> str:
    """Issues due in some areas or cells (`column`, ids `among`) between `since` and `end`.

    `end` is not to come. Each has `id`, `cell_id`, `unit_id`, `category`, and whether it is `on_time`,
    `on_time_extended`, mended in time and `unchecked` yet, `mended`, `closed`, closed at `first_time`,
    and closed with nothing coming back (`lasting`).
    """
    here = f"i.{column} = any({among})"
    gone = left(column, among, since)
    # `offset 0` keeps to single looks by primary key: how few limits were moved the planner does not know.
    first, in_force = (around(name, "c", before=True) for name in ("first_deadline", "deadline"))
    before = f"coalesce({first}, {in_force})"
    fell = f"{_LIMIT} >= {since} and {_LIMIT} < {end}"
    return f"""
select i.id, i.due_cell as cell_id, i.due_unit as unit_id, i.due_category as category, r.mended, r.closed,
  r.closed and r.at <= i.ends as on_time, r.closed and r.at <= greatest(i.ends, r.deadline) as on_time_extended,
  r.mended and not r.closed and r.at <= i.ends as unchecked,
  r.closed and not r.reworked as first_time, r.closed and not exists (
    select from issues a where a.recurrence_of = i.id and a.created_at < {end}) as lasting
from (
  select distinct on (i.id) i.*, l.cell_id as due_cell, l.unit_id as due_unit, l.category as due_category,
    l.deadline as due_deadline, {_MISSED} as missed
  from (
    select {_READ}, {_LIMIT} as ends from issues i where {here} and {fell}
    union all
    select {_READ}, {_LIMIT} from issues i where i.id in ({gone}) and ({here}) is not true and {fell}
    union all
    select {_READ}, b.ends from events c
    cross join lateral (select i.* from issues i where i.id = c.issue_id offset 0) i
    cross join lateral (select {before} as ends) b
    where (c.was ->> 'deadline' is not null or c.was ->> 'first_deadline' is not null) and c.at >= {since} and ({here} or i.id in ({gone}))
      and b.ends >= {since} and b.ends < {end} and b.ends < c.at
  ) i {at_instant("i.ends", "l")}
  where l.{column} = any({among}) and coalesce(l.first_deadline, l.deadline) = i.ends
    and l.state not in ('handed_over', 'merged', 'rejected', 'withdrawn')
    and not (l.state = 'closed' and coalesce(l.unresolved in {VOID!r}, false))
  order by i.id, missed desc, i.ends desc
) i {at_instant(end, "f")}
cross join lateral (
  select f.state in ('rectified', 'closed') and f.unresolved is null as mended,
    f.state = 'closed' and f.unresolved is null as closed,
    coalesce(f.rectified_at, f.closed_at) as at,
    case when coalesce(f.first_deadline, f.deadline) = i.ends then f.deadline else i.due_deadline end as deadline,
    i.rework > 0 and exists (
      select from events e where e.issue_id = i.id and e.action in ('send_back', 'fail_inspection')
        and e.at < {end}) as reworked
) r
where i.missed or f.state not in ('merged', 'rejected', 'withdrawn')
"""


_COUNTED = ("on_time", "on_time_extended", "unchecked", "mended", "first_time", "lasting")
# The sums of `due` rows.
SUMS = ", ".join(
    [
        "count(*)::int as due",
        "(count(*) filter (where closed))::int as due_closed",
        *(f"(count(*) filter (where {name}))::int as {name}" for name in _COUNTED),
    ]
)
