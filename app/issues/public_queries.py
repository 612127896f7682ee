"""Statements about what everybody may know of issues."""

from __future__ import annotations

from app.kit import paging

ANYTHING_PUBLISHED = "select exists (select from areas where publishes <> 'nothing')"
# What everybody may know: of an issue `i` of category `v` in a community `a` that publishes, no more exact than the category allows, and the day
# alone of what happened, in the community's zone. `p` says that a leader or the office found it to be so, and by what name its place is
# known; what reporters wrote is not among it. The name stands only where the exact point may be known as well.
PUBLIC_DAYS = 30
_RECENT = f"(i.is_open or i.state = 'closed' and i.closed_at > now() - interval '{PUBLIC_DAYS} days')"
_DAY = "({} at time zone known_zone(a.time_zone))::date"
_PUBLIC = f"""
i.number, i.state, i.unresolved, i.category, i.reports, i.recurrences, i.is_open and coalesce(i.deadline < now(), false) as overdue,
case when i.deadline is not null then {_DAY.format("least(i.deadline, '2099-12-30')")} end as due_on, {_DAY.format("i.created_at")} as found_on,
{_DAY.format("i.closed_at")} as closed_on,
case when a.publishes = 'places' and v.public_precision_m <= 10 then p.place else '' end as place, g.name as cell, a.name as area,
round(b.at[2]::numeric, 6)::float8 as lat, round(b.at[1]::numeric, 6)::float8 as lon
"""
_PUBLIC_NAMES = """
join areas a on a.id = i.area_id join published p on p.issue_id = i.id
join category_versions v on v.code = i.category and v.version = i.category_version left join cells g on g.id = i.cell_id
cross join lateral (select blurred_place(st_x(i.position), st_y(i.position), v.public_precision_m) as at offset 0) b
"""


def _published(rows: int) -> str:
    """Published issues of an area ($1, null: all), open or closed ($2), of a category ($3), after that of a number ($4, null: from the first),
    latest first."""
    return f"""
with k as materialized (select i.created_at, i.id from issues i where i.number = $4)
select {_PUBLIC} from (
  select i.* from areas w cross join lateral (
    select i.* from issues i where i.area_id = w.id and {_RECENT} and ($2::bool is null or i.is_open = $2) and ($3::text is null or i.category = $3)
      and ($4::text is null or (i.created_at, i.id) < (select k.created_at, k.id from k)) and exists (select from published p where p.issue_id = i.id)
    order by i.created_at desc, i.id desc limit {rows}
  ) i where w.publishes <> 'nothing' and ($1::uuid is null or exists (select from area_tree t where t.area_id = w.id and t.ancestor_id = $1))
  order by i.created_at desc, i.id desc limit {rows}
) i {_PUBLIC_NAMES} order by i.created_at desc, i.id desc
"""


PUBLISHED = {rows: _published(rows) for rows in (paging.DEFAULT_LIMIT + 1, paging.MAX_LIMIT + 1)}
# Of a merged issue the survivor, where the chain of merges ends.
PUBLISHED_ONE = f"""
with recursive chain as (
  select id, merged_into, 0 as depth from issues where number = $1
  union all select s.id, s.merged_into, chain.depth + 1 from chain join issues s on s.id = chain.merged_into where chain.depth < 50
)
select {_PUBLIC}, e.to_state, e.action, {_DAY.format("e.at")} as on_day
from chain join issues i on i.id = chain.id and {_RECENT} {_PUBLIC_NAMES}
left join events e on e.issue_id = i.id and e.to_state is distinct from e.from_state
where chain.merged_into is null and a.publishes <> 'nothing' order by e.version
"""
