-- A walk through cells. Its track is kept for a time only; which cells were walked, for good.
create table patrols (
  id uuid primary key,
  account_id uuid not null references accounts,
  area_id uuid references areas,
  started_at timestamptz not null,
  ended_at timestamptz,
  people int not null default 1 check (people between 1 and 100),
  note text not null default '',
  counted_at timestamptz not null,
  clock text check (clock in ('ahead', 'old')),
  received_at timestamptz not null default now(),
  check (ended_at is null or ended_at >= started_at)
)

create index patrols_account on patrols (account_id, counted_at desc, id desc)

create index patrols_area on patrols (area_id, counted_at desc, id desc)

create table patrol_points (
  patrol_id uuid not null references patrols,
  at timestamptz not null,
  position geometry(Point, 4326) not null,
  received_at timestamptz not null default now(),
  primary key (patrol_id, at)
)

create index patrol_points_received on patrol_points (received_at)

create table patrol_cells (
  patrol_id uuid not null references patrols,
  cell_id uuid not null references cells,
  first_at timestamptz not null,
  primary key (patrol_id, cell_id)
)

create index patrol_cells_cell on patrol_cells (cell_id)

alter table cells add column rounds_per_week int not null default 7 check (rounds_per_week between 0 and 200)

-- The same kind at the same place again within 30 days of closing: linked by a follower of the event log.
alter table issues add column recurrences int not null default 0

create index issues_closed_place on issues using gist (mercator) where state = 'closed'

insert into followers values ('recurrence', pg_current_snapshot()::text)

-- A place where a kind of problem came back three times, until it stays clean for 30 days.
create table black_spots (
  id uuid primary key default gen_random_uuid(),
  area_id uuid,
  cell_id uuid,
  category text not null,
  position geometry(Point, 4326) not null,
  mercator geometry(Point, 3857) not null,
  latest_issue_id uuid not null references issues,
  recurrences int not null,
  owner_id uuid references accounts,
  plan text not null default '',
  since timestamptz not null default now(),
  last_seen_at timestamptz not null,
  ended_at timestamptz
)

create index black_spots_place on black_spots using gist (mercator) where ended_at is null

create index black_spots_area on black_spots (area_id, since desc, id desc)
