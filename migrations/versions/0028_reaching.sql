-- A statement prepares all its subqueries each time, also those that it does not come to: of every list and every issue read that was a fifth.
-- A function is prepared when it is called first.

-- Whether whoever holds a role for the areas `writes` may write at a place that lies in another area (null: in none): one that takes reports of
-- anybody, or one at the edge of what a role reaches. A phone is wrong by 100 metres between houses. What it says of its accuracy adds
-- nothing, since whoever sends it chooses it. The box in degrees is for the index.
create function reaches_beyond(area uuid, place geometry, writes uuid[], holds_any boolean) returns boolean language plpgsql stable parallel safe as $$
declare
  box constant geometry := st_expand(place, 0.001 / greatest(cos(radians(st_y(place))), 0.01), 0.001);
begin
  if exists (select from areas o where o.id = area and o.open_reports) then return true; end if;
  if not holds_any then return false; end if;
  return area is null
    or exists (select from cells x where x.retired_at is null and x.geom && box and x.area_id = any(writes)
      and st_dwithin(x.geom::geography, place::geography, 100))
    or exists (select from areas x where x.geom && box and x.id = any(writes) and st_dwithin(x.geom::geography, place::geography, 100));
end $$

-- Whether one of the areas `writes` lies in an area.
create function reaches_within(area uuid, writes uuid[]) returns boolean language plpgsql stable parallel safe as $$
begin return exists (select from area_tree t where t.ancestor_id = area and t.area_id = any(writes)); end $$
