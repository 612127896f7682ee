"""Statements about premises: shops and households that answer for their frontage, and what was found there."""

# Owner and telephone are for whom the caller answers to: the office, and the leader of the cell ($1 admin, $2 staffs, $3 leads).
# A repeat is an issue of a kind that had been found at these premises before.
_PREMISES = """
select p.id::text, p.area_id::text as area, case when c.id is not null then json_build_object('id', c.id, 'name', c.name)::jsonb end as cell,
  p.name, p.kind, p.address, st_asgeojson(p.frontage, 6)::jsonb as frontage,
  case when m.manages then p.owner end as owner, case when m.manages then p.phone end as phone,
  case when p.letter_signed_on is not null then
    json_build_object('signed_on', p.letter_signed_on, 'photo', p.letter_photo_id)::jsonb end as letter,
  p.active, n.issues, n.open, n.issues - n.kinds as repeats, v.visits, v.warnings, v.last_visit, m.manages
from premises p left join cells c on c.id = p.cell_id
cross join lateral (select $1 or p.area_id = any($2::uuid[]) or coalesce(p.cell_id = any($3::uuid[]), false) as manages) m
cross join lateral (
  select count(*)::int as issues, count(distinct i.category)::int as kinds, count(*) filter (where i.is_open)::int as open
  from issues i where i.premises_id = p.id and i.state not in ('rejected', 'withdrawn', 'merged')
) n
cross join lateral (
  select count(*) filter (where v.kind = 'visit')::int as visits, count(*) filter (where v.kind = 'warning')::int as warnings,
    max(v.at) as last_visit from premises_visits v where v.premises_id = p.id
) v
"""
LIST = f"""
{_PREMISES} where ($1 or p.area_id = any($4::uuid[])) and p.id > $5
  and ($6::uuid is null or p.area_id in (select t.area_id from area_tree t where t.ancestor_id = $6))
  and ($7::uuid is null or p.cell_id = $7) and 
  ($8::text is null or search_text(p.name || ' ' || p.address) like all (search_patterns($8))) and p.active = $9
order by p.id limit $10
"""
ONE = f"{_PREMISES} where p.id = $5 and ($1 or p.area_id = any($4::uuid[]))"
# Who answers for premises: their area and cell, as they are stored.
HELD = "select area_id, cell_id from premises where id = $1"
PUT = """
insert into premises (id, area_id, cell_id, name, kind, owner, phone, address, frontage, letter_signed_on, letter_photo_id, active)
values ($1, $2, $3, $4, $5, $6, $7, $8, st_geomfromtext($9, 4326), $10, $11, $12)
on conflict (id) do update set cell_id = excluded.cell_id, name = excluded.name, kind = excluded.kind, owner = excluded.owner,
  phone = excluded.phone, address = excluded.address, frontage = excluded.frontage, letter_signed_on = excluded.letter_signed_on,
  letter_photo_id = excluded.letter_photo_id, active = excluded.active, updated_at = now()
  where premises.area_id = excluded.area_id
returning xmax = 0 as fresh
"""
LENGTH_M = "select st_length(st_geomfromtext($1, 4326)::geography)"
# The primary key makes a visit that is sent again the same visit; what was written stays as it was written.
ADD_VISIT = """
insert into premises_visits (id, premises_id, account_id, kind, at, note) values ($1, $2, $3, $4, $5, $6)
on conflict (id) do nothing returning true
"""
VISIT = "select premises_id, account_id, kind, at, note from premises_visits where id = $1"
VISITS = """
select v.id::text, v.kind, v.at, v.note, case when $2 or v.account_id = $3 then a.name end as by,
  array(select t.photo_id::text from attachments t where t.subject_id = v.id order by t.position) as photos
from premises_visits v join accounts a on a.id = v.account_id where v.premises_id = $1 order by v.at desc, v.id desc limit 200
"""
ISSUES = """
select i.id::text, i.number, i.category, i.state, i.created_at, i.closed_at, i.note,
  i.state not in ('rejected', 'withdrawn', 'merged') and exists (
    select from issues b where b.premises_id = i.premises_id and b.category = i.category and b.created_at < i.created_at
    and b.state not in ('rejected', 'withdrawn', 'merged')) as repeat
from issues i where i.premises_id = $1 order by i.created_at desc, i.id desc limit 200
"""
