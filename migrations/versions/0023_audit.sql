set local lock_timeout = '3s'

-- Who did what in the office: roles given and taken, settings, papers issued, exports, original photographs and lists of people looked at.
-- `account_id` is null where the command line did it; `subject_id` (or `subject`, for what has no id) is what it was done to. A session's
-- device is kept here, since sessions are forgotten. Names follow from the ids: no words of others stand here.
create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  account_id uuid,
  session_id uuid,
  device text not null default '',
  kind text not null,
  subject_id uuid,
  subject text not null default '',
  area_id uuid,
  details jsonb not null default '{}'
)

create index audit_at on audit (at, id)

create index audit_area on audit (area_id, at, id)

create index audit_account on audit (account_id, at, id)

create function append_only() returns trigger language plpgsql as $$ begin raise exception '% is only ever added to', tg_table_name; end $$

create trigger append_only before update or delete or truncate on audit for each statement execute function append_only()

-- Whoever connects as somebody else than the owner may add and read, and no more.
revoke update, delete, truncate on audit from public

-- What a community lets everybody see: nothing; accepted issues by kind, day and blurred place; or those with the place by the name that the office gave it.
alter table areas add column publishes text not null default 'nothing' check (publishes in ('nothing', 'issues', 'places'))

-- For what the map was counted; it follows within seconds.
alter table areas add column publishes_on_map text not null default 'nothing'

-- Issues that a leader or the office found to be so: only these are ever shown to everybody. `place` is its name as somebody released it, empty where
-- nobody did.
create table published (
  issue_id uuid primary key references issues on delete cascade,
  at timestamptz not null default now(),
  place text not null default ''
)

-- Of what is open now, or was closed lately: whether the last who decided on it took it up.
insert into published (issue_id)
select i.id from issues i
where (i.is_open or i.closed_at > now() - interval '30 days') and i.state <> 'reported' and (
  select e.action from events e
  where e.issue_id = i.id and e.acted_as in ('leader', 'staff')
    and e.action in ('accept', 'assign', 'hand_over', 'verify', 'send_back', 'reply', 'reopen', 'fail_inspection', 'reject')
  order by e.version desc limit 1) <> 'reject'

-- A position as exact as everybody may know it, as longitude and latitude: the middle of a square of so many metres, of squares laid over the
-- earth once and for all. Datums are applied to what comes out, never before: two roundings of one place would tell more than either. The size of
-- a square in Mercator follows from the whole degree of its band of latitude; what is left over at a band's northern edge belongs to the last row.
create function blurred_place(lon float8, lat float8, precision_m int) returns float8[] language plpgsql immutable parallel safe as $$
declare
  r constant float8 := 6378137; band float8 := round(greatest(least(lat, 85.0), -85.0)); size float8; south float8; rows float8; x float8; y float8;
begin
  if precision_m = 0 then return array[lon, lat]; end if;
  size := precision_m / greatest(cos(radians(band)), 0.05);
  south := ln(tan(pi() / 4 + radians(band - 0.5) / 2)) * r;
  rows := floor((ln(tan(pi() / 4 + radians(band + 0.5) / 2)) * r - south) / size);
  x := (floor(radians(lon) * r / size) + 0.5) * size;
  y := ln(tan(pi() / 4 + radians(greatest(least(lat, 85.06), -85.06)) / 2)) * r;
  y := south + (greatest(least(floor((y - south) / size), rows - 1), 0) + 0.5) * size;
  return array[degrees(x / r), degrees(2 * atan(exp(y / r)) - pi() / 2)];
end $$

drop function blurred(float8, float8, int)

-- On the map: whether everybody may see it, and on which day of its community it was reported.
alter table map_issues add column published boolean not null default false, add column found_on date not null default '2000-01-01'

drop index map_issues_public

create index map_issues_public on map_issues (public_q) where published

update followers set snapshot = '' where name = 'map'
