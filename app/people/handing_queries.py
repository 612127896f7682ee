"""Statements about what somebody leaves behind."""

from app.kit.access import CALLER, HOLDS
from app.people.standing import ABOVE, ALL_GRANTS

# Open issues assigned to somebody by name which the caller manages, as leader of the cell or for the area.
ISSUES = f"""
with c as ({CALLER})
select i.id::text, i.number, i.category, i.state, i.place, i.deadline from c join issues i on i.assignee_id = $2 and i.is_open
  and (c.is_admin or i.area_id = any(c.staffs) or i.cell_id = any(c.leads)) order by i.id
"""
# Cells that somebody leads in their own right, or led when their account was closed, and nobody else does; which the caller may give.
_CELLS = f"""
from c join ({ALL_GRANTS}) g on g.account_id = $2 and g.role = 'leader' and g.ends_at is null and {ABOVE}
join cells l on l.id = g.cell_id and l.retired_at is null
where not exists (select from role_grants o where o.role = 'leader' and o.cell_id = l.id and o.ends_at is null and o.account_id <> $2)
"""
CELLS = f"with c as ({CALLER}) select l.id::text, l.name, l.area_id::text {_CELLS} order by l.name, l.id"
SPOTS = f"""
with c as ({CALLER})
select b.id::text, b.category, b.area_id::text from c join black_spots b on b.owner_id = $2 and b.ended_at is null
  and (c.is_admin or b.area_id = any(c.staffs) or b.cell_id = any(c.leads)) order by b.since, b.id
"""
# For whom they stand in, and who stands in for them.
STAND_INS = """
select s.id::text, s.leader_id = $1 as as_leader, o.name as other, s.starts_on, s.ends_on
from stand_ins s join accounts o on o.id = case when s.leader_id = $1 then s.deputy_id else s.leader_id end
where (s.leader_id = $1 or s.deputy_id = $1) and exists (select from role_grants g where g.stand_in_id = s.id and g.ends_at > now())
order by s.starts_on, s.id
"""
# In which areas they stand in for somebody.
STAND_IN_AREAS = """
select distinct g.area_id from role_grants g join stand_ins s on s.id = g.stand_in_id
where s.deputy_id = $1 and s.leader_id <> $2 and g.ends_at > now()
"""
NAME = "select name from accounts where id = $1 and disabled_at is null"
# Their own role ends when it is taken back, or with the account.
GIVE_CELLS = f"""
with c as ({CALLER})
insert into role_grants (account_id, role, area_id, cell_id, granted_by) select $3, 'leader', l.area_id, l.id, c.account_id {_CELLS}
on conflict do nothing returning area_id, cell_id
"""
GIVE_SPOTS = f"""
with c as ({CALLER})
update black_spots b set owner_id = $3 from c where b.owner_id = $2 and b.ended_at is null
  and (c.is_admin or b.area_id = any(c.staffs) or b.cell_id = any(c.leads))
"""
# Whom they stood in for is stood in for by whoever takes over, unless that is the leader.
GIVE_STAND_INS = """
with s as (
  update stand_ins s set deputy_id = $2 where s.deputy_id = $1 and s.leader_id <> $2
    and exists (select from role_grants g where g.stand_in_id = s.id and g.ends_at > now()) returning s.id
)
update role_grants g set account_id = $2 from s where g.stand_in_id = s.id
"""
# What nobody answers for once somebody has left: open issues assigned to them by name whose area no role of theirs serves, cells without
# any leader that they led, black spots.
LEFT = f"""
select a.name, i.issues, i.areas, s.spots, array(
  select l.id from cells l where l.retired_at is null and (l.id = $2 or l.id in (
    select g.cell_id from closed_grants g where g.account_id = a.id and g.role = 'leader')) and not exists (
    select from role_grants o where o.role = 'leader' and o.cell_id = l.id and {HOLDS.format("o")})) as cells
from accounts a cross join lateral (
  select count(*)::int as issues, coalesce(array_agg(distinct i.area_id) filter (where i.area_id is not null), '{{}}') as areas
  from issues i where i.assignee_id = a.id and i.is_open and not exists (
    select from role_grants g join area_tree t on (t.ancestor_id, t.area_id) in ((g.area_id, i.area_id), (i.area_id, g.area_id))
    where g.account_id = a.id and {HOLDS.format("g")})
) i cross join lateral (
  select count(*)::int as spots from black_spots b where b.owner_id = a.id and b.ended_at is null and not exists (
    select from role_grants g where g.account_id = a.id and g.area_id = b.area_id and {HOLDS.format("g")})
) s where a.id = $1
"""
# Leaders for whom somebody stands in.
STOOD_IN_FOR = """
select distinct s.leader_id from stand_ins s where s.deputy_id = $1
  and exists (select from role_grants g where g.stand_in_id = s.id and g.ends_at > now())
"""
# Staff of the areas; where there are none, of those above them.
OFFICE_OF_AREAS = f"""
select distinct g.account_id from unnest($1::uuid[]) w(id) join lateral (
  select g.account_id, dense_rank() over (order by (select count(*) from area_tree u where u.area_id = t.ancestor_id) desc) as near
  from area_tree t join role_grants g on g.area_id = t.ancestor_id and g.role = 'staff' and {HOLDS.format("g")}
  where t.area_id = w.id and g.account_id <> $2
) g on g.near = 1
union select r.account_id from role_grants r where r.role = 'admin' and r.account_id <> $2 and not exists (
  select from unnest($1::uuid[]) w(id) join area_tree t on t.area_id = w.id join role_grants g on g.area_id = t.ancestor_id and g.role = 'staff'
  where g.account_id <> $2)
"""
