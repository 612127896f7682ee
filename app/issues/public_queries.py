"""Statements about what everybody may know of issues."""

from __future__ import annotations

from app.kit import paging

# What everybody may know: of an issue `i` of category `v`, no more exact than that allows. Words that people wrote are not among it,
# and a place by name only where the exact point may be known as well.
PUBLIC_DAYS = 30
_PUBLISHED = f"(i.is_open or i.state = 'closed' and i.closed_at > now() - interval '{PUBLIC_DAYS} days')"
_PUBLIC = """
i.id, i.number, i.state, i.unresolved, i.category, i.reports, i.recurrences, i.deadline, i.is_open and coalesce(i.deadline < now(), false) as overdue, i.created_at,
i.closed_at, case when v.public_precision_m <= 10 then i.place else '' end as place, g.name as cell, a.name as area,
round(st_y(b.at)::numeric, 6)::float8 as lat, round(st_x(b.at)::numeric, 6)::float8 as lon
"""
_PUBLIC_NAMES = """
join category_versions v on v.code = i.category and v.version = i.category_version
left join cells g on g.id = i.cell_id left join areas a on a.id = i.area_id
cross join lateral (select st_transform(st_setsrid(st_makepoint(
  blurred(st_x(i.mercator), st_y(i.position), v.public_precision_m), blurred(st_y(i.mercator), st_y(i.position), v.public_precision_m)), 3857), 4326) as at) b
"""


def _published(rows: int) -> str:
    """Published issues of an area ($1, null: all), open or closed ($2), of a category ($3), before the key ($4, $5), latest first."""
    return f"""
select {_PUBLIC} from (
  select i.* from areas w cross join lateral (
    select i.* from issues i where i.area_id = w.id and {_PUBLISHED} and ($2::bool is null or i.is_open = $2) and ($3::text is null or i.category = $3)
      and (i.created_at, i.id) < ($4::timestamptz, $5::uuid) order by i.created_at desc, i.id desc limit {rows}
  ) i where $1::uuid is null or exists (select from area_tree t where t.area_id = w.id and t.ancestor_id = $1)
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
select {_PUBLIC}, e.to_state, e.action, e.at
from chain join issues i on i.id = chain.id and {_PUBLISHED} {_PUBLIC_NAMES}
left join events e on e.issue_id = i.id and e.to_state is distinct from e.from_state
where chain.merged_into is null order by e.version
"""
