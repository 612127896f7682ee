create extension if not exists postgis

create table secrets (
  name text primary key,
  value bytea not null
)

insert into secrets values ('server', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))

create table areas (
  id uuid primary key,
  parent_id uuid references areas,
  level text not null check (level in ('city', 'district', 'street', 'community')),
  name text not null,
  geom geometry(MultiPolygon, 4326),
  time_zone text not null,
  created_at timestamptz not null default now(),
  unique nulls not distinct (parent_id, name)
)

create index areas_geom on areas using gist (geom)

-- Every area with each of its ancestors and itself: "mine and everything below" is one lookup.
create table area_tree (
  ancestor_id uuid not null references areas,
  area_id uuid not null references areas,
  primary key (ancestor_id, area_id)
)

create table units (
  id uuid primary key,
  area_id uuid not null references areas,
  name text not null,
  kind text not null,
  phone text not null default '',
  unique (area_id, name)
)

create table cells (
  id uuid primary key,
  area_id uuid not null references areas,
  name text not null,
  geom geometry(MultiPolygon, 4326) not null,
  unit_id uuid references units,
  retired_at timestamptz,
  created_at timestamptz not null default now(),
  unique (area_id, name)
)

create index cells_geom on cells using gist (geom) where retired_at is null

create table accounts (
  id uuid primary key,
  account text unique check (account = lower(account)),
  name text not null,
  phone text not null default '',
  password_hash text,
  disabled_at timestamptz,
  created_at timestamptz not null default now()
)

create table role_grants (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references accounts,
  role text not null check (role in ('volunteer', 'leader', 'worker', 'staff', 'inspector', 'admin')),
  area_id uuid references areas,
  cell_id uuid references cells,
  unit_id uuid references units,
  granted_by uuid references accounts,
  created_at timestamptz not null default now(),
  check ((role = 'admin') = (area_id is null)),
  check ((role = 'worker') = (unit_id is not null)),
  check (cell_id is null or role in ('volunteer', 'leader')),
  check (cell_id is not null or role <> 'leader'),
  unique nulls not distinct (account_id, role, area_id, cell_id, unit_id)
)

create index role_grants_cell on role_grants (cell_id) where cell_id is not null

create index role_grants_area on role_grants (area_id)

create table sessions (
  id uuid primary key,
  account_id uuid not null references accounts,
  token_hash bytea not null unique,
  device text not null default '',
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
)

create index sessions_account on sessions (account_id)

create table invitations (
  id uuid primary key,
  code_hash bytea not null unique,
  inviter_id uuid not null references accounts,
  role text not null,
  area_id uuid references areas,
  cell_id uuid references cells,
  unit_id uuid references units,
  uses int not null check (uses between 1 and 500),
  used int not null default 0 check (used <= uses),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
)

create table throttles (
  subject text primary key,
  count int not null,
  resets_at timestamptz not null
)

create table idempotency_keys (
  scope text not null,
  key text not null,
  fingerprint bytea not null,
  status int,
  body bytea,
  etag text,
  created_at timestamptz not null default now(),
  primary key (scope, key)
)

create index idempotency_keys_created on idempotency_keys (created_at)

create table category_groups (
  code text primary key,
  position int not null,
  name_zh text not null,
  name_en text not null
)

create table categories (
  code text primary key check (code ~ '^[a-z][a-z0-9_]{1,39}$'),
  group_code text not null references category_groups,
  position int not null,
  version int not null,
  active boolean not null default true
)

-- A change of a category is a new version; an issue keeps the version it was reported under.
create table category_versions (
  code text not null references categories deferrable initially deferred,
  version int not null,
  name_zh text not null,
  name_en text not null,
  deadline_hours int not null check (deadline_hours between 1 and 8760),
  deadline_clock text not null check (deadline_clock in ('working', 'calendar')),
  after_photo boolean not null,
  volunteer_may_close boolean not null,
  radius_m int not null check (radius_m between 1 and 1000),
  public_precision_m int not null check (public_precision_m between 0 and 5000),
  created_at timestamptz not null default now(),
  primary key (code, version)
)

create table assignment_rules (
  id uuid primary key default gen_random_uuid(),
  area_id uuid not null references areas,
  cell_id uuid references cells,
  category text references categories,
  unit_id uuid not null references units,
  unique nulls not distinct (area_id, cell_id, category)
)

create sequence issue_number

-- Reports, issues and events name accounts, areas, cells and category versions without foreign keys: the check locks the row that
-- is named, and a community's few rows would be locked by every report at once. The statements that write take those ids from the
-- rows themselves, and rows of these tables are retired, never deleted, which this trigger holds.
create function never_deleted() returns trigger language plpgsql as $$ begin raise exception '% rows are retired, not deleted', tg_table_name; end $$

create trigger never_deleted before delete on accounts execute function never_deleted()

create trigger never_deleted before delete on areas execute function never_deleted()

create trigger never_deleted before delete on cells execute function never_deleted()

create trigger never_deleted before delete on category_versions execute function never_deleted()

create table issues (
  id uuid primary key,
  number text not null unique,
  state text not null check (state in ('reported', 'accepted', 'assigned', 'in_progress', 'handed_over', 'rectified', 'closed', 'rejected', 'withdrawn', 'merged')),
  is_open boolean not null generated always as (state in ('reported', 'accepted', 'assigned', 'in_progress', 'handed_over', 'rectified')) stored,
  category text not null,
  category_version int not null,
  position geometry(Point, 4326) not null,
  -- Mercator ends at 85.06 degrees; a position beyond is drawn on the edge rather than refused.
  mercator geometry(Point, 3857) not null generated always as (st_transform(st_setsrid(st_makepoint(st_x(position), greatest(least(st_y(position), 85.06), -85.06)), 4326), 3857)) stored,
  cell_id uuid,
  area_id uuid,
  place text not null default '',
  note text not null default '',
  reporter_id uuid not null,
  reports int not null default 1,
  unit_id uuid references units,
  assignee_id uuid references accounts,
  deadline timestamptz,
  deadline_left_s bigint,
  extension_until timestamptz,
  authority text,
  reply_by timestamptz,
  rectified_by uuid references accounts,
  rectified_at timestamptz,
  merged_into uuid references issues,
  recurrence_of uuid references issues,
  evidence int not null default 0,
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null default now(),
  closed_at timestamptz
) with (fillfactor = 90)

create index issues_cell_open on issues (cell_id, created_at desc, id desc) where is_open

create index issues_cell on issues (cell_id, created_at desc, id desc)

create index issues_area on issues (area_id, created_at desc, id desc)

create index issues_area_updated on issues (area_id, updated_at desc, id desc)

create index issues_area_deadline on issues (area_id, coalesce(deadline, 'infinity'), id) where is_open

create index issues_unit on issues (unit_id, created_at desc, id desc) where unit_id is not null

create index issues_assignee on issues (assignee_id, created_at desc, id desc) where assignee_id is not null

create index issues_open_place on issues using gist (mercator) where is_open

create table reports (
  id uuid primary key,
  issue_id uuid not null references issues deferrable initially immediate,
  account_id uuid not null,
  fingerprint bytea not null,
  category text not null,
  category_version int not null,
  position geometry(Point, 4326) not null,
  claimed_lat double precision not null,
  claimed_lon double precision not null,
  datum text not null,
  accuracy_m real,
  observed_at timestamptz not null,
  received_at timestamptz not null default now(),
  counted_at timestamptz not null,
  clock text check (clock in ('ahead', 'old')),
  place text not null default '',
  note text not null default '',
  mended boolean not null default false
)

create index reports_issue on reports (issue_id)

create index reports_account on reports (account_id, counted_at desc)

-- Which photograph belongs to which issue, named by a report or an action, perhaps before its bytes arrive.
create table evidence (
  issue_id uuid not null references issues,
  photo_id uuid not null,
  report_id uuid references reports,
  kind text not null check (kind in ('before', 'after', 'scene')),
  position int not null,
  primary key (issue_id, photo_id)
)

create table events (
  id bigint generated always as identity primary key,
  issue_id uuid not null references issues,
  version int not null,
  action text not null,
  from_state text,
  to_state text not null,
  actor_id uuid,
  acted_as text not null,
  at timestamptz not null default now(),
  tx xid8 not null default pg_current_xact_id(),
  report_id uuid,
  data jsonb not null default '{}',
  -- One event for each version: of two changes made at once, one cannot be written.
  unique (issue_id, version)
)

-- `2026-000123`: the year in the community's zone and a running number, never used twice, never starting anew. One expression,
-- so that PostgreSQL inlines it.
create function next_issue_number(at timestamptz, zone text) returns text language sql volatile as $$
  select to_char(at at time zone zone, 'FMYYYY-') || to_char(nextval('issue_number'), 'FM999999000000')
$$
