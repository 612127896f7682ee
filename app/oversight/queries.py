"""Statements about what the office did."""

from app.kit import paging

# Rows of the audit, latest first, before the key ($8, $9): an admin ($1) reads all, staff those of their areas ($2). Narrowed by kinds ($3), who
# acted ($4), an area and everything below it ($5), and from $6 up to, not including, $7. Names are those of today.
_AUDIT = """
select a.id, a.at, a.kind, a.device, a.details, a.subject_id, a.subject,
  case when a.account_id is not null then json_build_object('id', a.account_id, 'name', w.name)::jsonb end as by,
  case when r.id is not null then json_build_object('id', r.id, 'name', r.name)::jsonb end as area,
  coalesce(p.name, u.name, l.name, o.name, i.number) as subject_name
from audit a left join accounts w on w.id = a.account_id left join areas r on r.id = a.area_id
left join accounts p on p.id = a.subject_id left join units u on u.id = a.subject_id left join cells l on l.id = a.subject_id
left join areas o on o.id = a.subject_id
left join issues i on i.id = coalesce((select e.issue_id from evidence e where a.kind = 'original_seen' and e.photo_id = a.subject_id limit 1), a.subject_id)
where ($1 or a.area_id = any($2::uuid[])) and ($3::text[] is null or a.kind = any($3)) and ($4::uuid is null or a.account_id = $4)
  and ($5::uuid is null or a.area_id in (select t.area_id from area_tree t where t.ancestor_id = $5))
  and ($6::timestamptz is null or a.at >= $6) and ($7::timestamptz is null or a.at < $7) and (a.at, a.id) < ($8::timestamptz, $9::bigint)
order by a.at desc, a.id desc limit {rows}
"""
AUDIT = {rows: _AUDIT.format(rows=rows) for rows in (paging.DEFAULT_LIMIT + 1, paging.MAX_LIMIT + 1)}
