-- Where a WGS 84 position is drawn, in Mercator metres (x, y): on base maps in GCJ-02 it is shifted as kit/datum.py says, to which tests hold it.
create function on_map(lon float8, lat float8, datum text) returns float8[] language plpgsql immutable parallel safe as $$
declare
  x float8 := lon - 105; y float8 := lat - 35; phi float8 := radians(lat); waves float8; north float8; east float8; magic float8;
begin
  if datum = 'gcj02' and lat between 0.8293 and 55.8271 and lon between 72.004 and 137.8347 then
    waves := (20 * sin(6 * x * pi()) + 20 * sin(2 * x * pi())) * 2 / 3;
    north := -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves
      + (20 * sin(y * pi()) + 40 * sin(y / 3 * pi())) * 2 / 3 + (160 * sin(y / 12 * pi()) + 320 * sin(y * pi() / 30)) * 2 / 3;
    east := 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves
      + (20 * sin(x * pi()) + 40 * sin(x / 3 * pi())) * 2 / 3 + (150 * sin(x / 12 * pi()) + 300 * sin(x / 30 * pi())) * 2 / 3;
    magic := 1 - 0.00669342162296594323 * sin(phi) ^ 2;
    lat := lat + north * 180 / (6378245 * (1 - 0.00669342162296594323) / (magic * sqrt(magic)) * pi());
    lon := lon + east * 180 / (6378245 / sqrt(magic) * cos(phi) * pi());
  end if;
  return array[lon * 20037508.342789244 / 180, ln(tan(pi() / 4 + radians(greatest(least(lat, 85.06), -85.06)) / 2)) * 6378137];
end $$

-- A shape in WGS 84 where it is drawn; as a whole, since what the shift varies by within a cell is less than a line is wide.
create function shape_on_map(shape geometry, datum text) returns geometry language sql immutable parallel safe as $$
  select st_translate(st_transform(shape, 3857), s.there[1] - s.here[1], s.there[2] - s.here[2])
  from (select on_map(st_x(c.p), st_y(c.p), datum) as there, on_map(st_x(c.p), st_y(c.p), 'wgs84') as here from (select st_centroid(shape) as p) c) s
$$

-- Mercator metres as a column or row of the map's finest tiles (zoom 30, 4 cm), counted from the north-west.
create function tile_x(mercator_x float8) returns int language sql immutable parallel safe as $$
  select greatest(0, least(1073741823, floor((mercator_x / 40075016.685578488 + 0.5) * 1073741824)))::int
$$

create function tile_y(mercator_y float8) returns int language sql immutable parallel safe as $$
  select greatest(0, least(1073741823, floor((0.5 - mercator_y / 40075016.685578488) * 1073741824)))::int
$$

-- The bits of two such numbers interleaved (Z-order; Morton 1966): every tile of every zoom is one range of it.
create function z_order(x int, y int) returns bigint language plpgsql immutable parallel safe as $$
declare a bigint := x; b bigint := y;
begin
  a := (a | (a << 16)) & 281470681808895; b := (b | (b << 16)) & 281470681808895;
  a := (a | (a << 8)) & 71777214294589695; b := (b | (b << 8)) & 71777214294589695;
  a := (a | (a << 4)) & 1085102592571150095; b := (b | (b << 4)) & 1085102592571150095;
  a := (a | (a << 2)) & 3689348814741910323; b := (b | (b << 2)) & 3689348814741910323;
  a := (a | (a << 1)) & 6148914691236517205; b := (b | (b << 1)) & 6148914691236517205;
  return a | (b << 1);
end $$

-- A position as exact as the public may know it: the middle of a square of so many metres. The square's size in Mercator follows from
-- the latitude in whole degrees, so that it tells nothing of the latitude itself.
create function blurred(m float8, latitude float8, precision_m int) returns float8 language sql immutable parallel safe as $$
  select case when precision_m = 0 then m else (floor(m / s.size) + 0.5) * s.size end
  from (select precision_m / greatest(cos(radians(round(latitude))), 0.05) as size) s
$$

-- What the map reads: open issues, narrow, in the order of the map. A follower of the event log keeps it, and is its only writer.
create table map_issues (
  id uuid primary key,
  q bigint not null,
  tx int not null,
  ty int not null,
  public_q bigint not null,
  public_tx int not null,
  public_ty int not null,
  area_id uuid,
  cell_id uuid,
  unit_id uuid,
  assignee_id uuid,
  reporter_id uuid not null,
  reports int not null,
  category text not null,
  category_group text not null,
  state text not null,
  overdue boolean not null,
  recurring boolean not null,
  created_at timestamptz not null,
  -- When it becomes overdue, if its clock runs.
  ends_at timestamptz
)

create index map_issues_q on map_issues (q)

create index map_issues_public on map_issues (public_q)

create index map_issues_area on map_issues (area_id)

create index map_issues_unit on map_issues (unit_id, q) where unit_id is not null

create index map_issues_assignee on map_issues (assignee_id, q) where assignee_id is not null

create index map_issues_reporter on map_issues (reporter_id, q)

create index map_issues_ends on map_issues (ends_at) where not overdue and ends_at is not null

-- Counts of open issues: for each square of every other zoom from 4 to 18 and each audience (an area, the public, or whoever sees what lies in no
-- area), and for each cell (level -1). `version` is the transaction that touched it last.
create table map_counts (
  level smallint not null,
  q bigint not null,
  audience uuid not null,
  open int not null, overdue int not null, recurring int not null, reported int not null, accepted int not null, assigned int not null, in_progress int not null, handed_over int not null, rectified int not null, sanitation int not null, construction int not null, clutter int not null, trade int not null, traffic int not null, posting int not null, animals int not null, green int not null, facilities int not null, safety int not null, other int not null,
  sum_x bigint not null,
  sum_y bigint not null,
  version bigint not null,
  primary key (level, q, audience)
)

-- For what the map was counted: the datum of the base map, and whether the public sees it.
alter table followers add column at timestamptz, add column datum text not null default 'wgs84', add column public boolean not null default false

-- An empty snapshot: everything is counted anew.
insert into followers values ('map', '')

-- How often an issue was sent back or found wanting.
alter table issues add column rework int not null default 0

update issues i set rework = e.times
from (select issue_id, count(*) as times from events where action in ('send_back', 'fail_inspection') group by issue_id) e where e.issue_id = i.id

create index issues_cell_closed on issues (cell_id, closed_at) where closed_at is not null

-- What a cell's last four weeks were like; kept, and reckoned anew when something in the cell changed or the day did.
create table cell_figures (
  cell_id uuid primary key references cells,
  as_of timestamptz not null default '-infinity',
  stale boolean not null default true,
  opened int not null default 0,
  came_back int not null default 0,
  closed int not null default 0,
  closed_this_week int not null default 0,
  with_deadline int not null default 0,
  on_time int not null default 0,
  reworked int not null default 0,
  median_s float8,
  p90_s float8
)

create index cell_figures_stale on cell_figures (as_of) where stale

-- Hotspots as they were last found for an area and a question.
create table hotspots_kept (
  area_id uuid not null references areas,
  asked text not null,
  as_of timestamptz not null,
  found jsonb not null,
  renewed_at timestamptz not null default now(),
  primary key (area_id, asked)
)

-- How often the same place had been a black spot before.
alter table black_spots add column came_back int not null default 0
