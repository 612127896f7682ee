"""Statements about premises: shops and households that answer for their frontage, and what was found there."""

from app.kit.access import SCOPE, given

# Owner and telephone are for whom the caller answers to: the office, and the leader of the cell ($1 admin, $2 staffs, $3 leads).
# A repeat is an issue of a kind that had been found at these premises before. Issues are counted that the caller sees: one may have been
# moved into another community since.
_PREMISES = f"""
with c as materialized ({given(4)})
select p.id::text, p.area_id::text as area, case when l.id is not null then json_build_object('id', l.id, 'name', l.name)::jsonb end as cell,
  p.name, p.kind, p.address, st_asgeojson(p.frontage, 6)::jsonb as frontage,
  case when m.manages then p.owner end as owner, case when m.manages then p.phone end as phone,
  case when p.letter_signed_on is not null then
    json_build_object('signed_on', p.letter_signed_on, 'photo', p.letter_photo_id)::jsonb end as letter,
  p.active, n.issues, n.open, n.issues - n.kinds as repeats, v.visits, v.warnings, v.last_visit, m.manages
from c cross join premises p left join cells l on l.id = p.cell_id
cross join lateral (select $1 or p.area_id = any($2::uuid[]) or coalesce(p.cell_id = any($3::uuid[]), false) as manages) m
cross join lateral (
  select count(*)::int as issues, count(distinct i.category)::int as kinds, count(*) filter (where i.is_open)::int as open
  from issues i where i.premises_id = p.id and i.state not in ('rejected', 'withdrawn', 'merged') and {SCOPE}
) n
cross join lateral (
  select count(*) filter (where v.kind = 'visit')::int as visits, count(*) filter (where v.kind = 'warning')::int as warnings,
    max(v.at) as last_visit from premises_visits v where v.premises_id = p.id
) v
"""
LIST = f"""
{_PREMISES} where (c.is_admin or p.area_id = any(c.reads)) and p.id > $8
  and ($9::uuid is null or p.area_id in (select t.area_id from area_tree t where t.ancestor_id = $9))
  and ($10::uuid is null or p.cell_id = $10) and
  ($11::text is null or search_text(p.name || ' ' || p.address) like all (search_patterns($11))) and p.active = $12
order by p.id limit $13
"""
ONE = f"{_PREMISES} where p.id = $8 and (c.is_admin or p.area_id = any(c.reads))"
# Who answers for premises: their area and cell, as they are stored.
HELD = "select cell_id from premises where id = $1 and area_id = $2"
# The primary key of `subjects` makes an id of one kind of thing, whoever of two comes first; that of `premises` lets one community have it.
# Another community's premises are not changed, nor those of a cell that the caller does not answer for ($13 office, $14 leads): two
# leaders may have come at once.
PUT = """
with s as (
  insert into subjects (id, kind) values ($1, 'premises') on conflict (id) do update set kind = excluded.kind
    where subjects.kind = excluded.kind returning id
)
insert into premises (id, area_id, cell_id, name, kind, owner, phone, address, frontage, letter_signed_on, letter_photo_id, active)
select s.id, $2, $3, $4, $5, $6, $7, $8, st_geomfromtext($9, 4326), $10, $11, $12 from s
on conflict (id) do update set cell_id = excluded.cell_id, name = excluded.name, kind = excluded.kind, owner = excluded.owner,
  phone = excluded.phone, address = excluded.address, frontage = excluded.frontage, letter_signed_on = excluded.letter_signed_on,
  letter_photo_id = excluded.letter_photo_id, active = excluded.active, updated_at = now()
  where premises.area_id = excluded.area_id and ($13 or premises.cell_id = any($14::uuid[]))
returning xmax = 0 as fresh
"""
LENGTH_M = "select st_length(st_geomfromtext($1, 4326)::geography)"
# The primary key makes a visit that is sent again the same visit; what was written stays as it was written. That of `subjects` makes its
# id of no other kind of thing.
ADD_VISIT = """
with s as (
  insert into subjects (id, kind) values ($1, 'visit') on conflict (id) do update set kind = excluded.kind
    where subjects.kind = excluded.kind returning id
)
insert into premises_visits (id, premises_id, account_id, kind, at, note) select s.id, $2, $3, $4, $5, $6 from s
on conflict (id) do nothing returning true
"""
VISIT = "select account_id, kind, at, note from premises_visits where id = $1 and premises_id = $2"
VISITS = """
select v.id::text, v.kind, v.at, v.note, case when $2 or v.account_id = $3 then a.name end as by,
  array(select t.photo_id::text from attachments t where t.kind = 'visit' and t.subject_id = v.id and t.area_id = p.area_id
    order by t.position, t.photo_id) as photos
from premises_visits v join premises p on p.id = v.premises_id join accounts a on a.id = v.account_id where v.premises_id = $1
order by v.at desc, v.id desc limit 200
"""
ISSUES = f"""
with c as materialized ({given(2)})
select i.id::text, i.number, i.category, i.state, i.created_at, i.closed_at, i.note,
  i.state not in ('rejected', 'withdrawn', 'merged') and exists (
    select from issues b where b.premises_id = i.premises_id and b.category = i.category and b.created_at < i.created_at
    and b.state not in ('rejected', 'withdrawn', 'merged') and {SCOPE.replace("i.", "b.")}) as repeat
from c cross join issues i where i.premises_id = $1 and {SCOPE} order by i.created_at desc, i.id desc limit 200
"""
