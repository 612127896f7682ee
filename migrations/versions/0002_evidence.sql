-- Which transaction changed an issue last: the phones' delta sync asks for what its last snapshot did not see yet. It is the one record
-- of that, so the events' own mark goes.
alter table events drop column tx

alter table issues add column tx xid8 not null default pg_current_xact_id()

create index issues_area_changed on issues (area_id, tx, id)

create index issues_reporter_changed on issues (reporter_id, tx, id)

create index issues_unit_changed on issues (unit_id, tx, id) where unit_id is not null

create index issues_assignee_changed on issues (assignee_id, tx, id) where assignee_id is not null

-- Reports whose issue is not their own: joined, or moved by a merge.
create index reports_joined on reports (account_id, issue_id) where issue_id <> id

-- Who could see an issue until a change took it out of their sight: an area, a unit or an account.
create table departures (
  audience uuid not null,
  issue_id uuid not null,
  tx xid8 not null default pg_current_xact_id(),
  at timestamptz not null default now()
)

create index departures_audience on departures (audience, tx)

create index departures_at on departures (at)

-- The database server that gave the numbers in `tx`; on another one (a restored dump) they are given anew.
insert into secrets select 'database', convert_to(system_identifier::text, 'UTF8') from pg_control_system()

-- What is known of a file of bytes, by its SHA-256. Sent twice, it is here once.
create table photo_files (
  sha256 bytea primary key check (length(sha256) = 32),
  bytes bigint not null,
  media_type text not null,
  width int not null,
  height int not null,
  taken_at timestamptz,
  position geometry(Point, 4326),
  camera text not null default '',
  developed_at timestamptz,
  damage text,
  -- How often the process that develops it died over it: of its pixels, or because the server was stopped.
  deaths int not null default 0,
  created_at timestamptz not null default now()
)

-- A photograph as a phone names it, perhaps before its bytes arrive. Only the account that named it first may fill it.
create table photos (
  id uuid primary key,
  account_id uuid not null,
  state text not null default 'awaited' check (state in ('awaited', 'stored', 'refused', 'damaged')),
  sha256 bytea references photo_files,
  reason text,
  created_at timestamptz not null default now(),
  stored_at timestamptz,
  check ((state in ('stored', 'damaged')) = (sha256 is not null))
)

create index photos_awaited on photos (account_id, created_at) where state = 'awaited'

create index photos_file on photos (sha256) where sha256 is not null

alter table evidence add column account_id uuid, add column at timestamptz not null default now()

update evidence e set account_id = coalesce((select r.account_id from reports r where r.id = e.report_id), i.rectified_by, i.reporter_id)
from issues i where i.id = e.issue_id

alter table evidence alter column account_id set not null

create index evidence_photo on evidence (photo_id)

create index evidence_report on evidence (report_id) where report_id is not null

insert into photos (id, account_id) select distinct on (photo_id) photo_id, account_id from evidence order by photo_id

-- An upload in parts (tus): what has arrived of a photograph. A row goes when the photograph is whole, given up or too old.
create table uploads (
  photo_id uuid primary key,
  account_id uuid not null,
  bytes bigint not null check (bytes > 0),
  received bigint not null default 0 check (received between 0 and bytes),
  media_type text not null default '',
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
)

create index uploads_expires on uploads (expires_at)

create table upload_parts (
  photo_id uuid not null references uploads on delete cascade,
  start bigint not null,
  bytes bigint not null check (bytes > 0),
  key text not null,
  primary key (photo_id, start)
)

-- Two reports of one kind, near each other and not further apart in time than this, may be one issue.
alter table category_versions add column window_hours int not null default 720 check (window_hours between 1 and 87600)

update category_versions set window_hours = case
  when code in ('street_vending', 'illegal_parking', 'non_motor_parking', 'jaywalking', 'dog_off_leash') then 24
  when code in ('litter', 'cigarette_ends', 'waste_animal_human', 'overflowing_bin', 'dead_animal', 'flooding', 'snow_ice') then 168
  when code in ('unauthorised_structure', 'no_litter_bin', 'street_lamp', 'broken_paving', 'no_notice_board', 'damaged_sign',
    'damaged_facility', 'abandoned_vehicle', 'lost_saplings') then 8760
  else 720 end

-- An answer is replayed with its headers.
alter table idempotency_keys add column headers jsonb not null default '{}'

update idempotency_keys set headers = jsonb_build_object('etag', etag) where etag is not null

alter table idempotency_keys drop column etag
