-- A stand-in leads a leader's cells from one day to another: roles that begin and end by themselves.
create table stand_ins (
  id uuid primary key,
  leader_id uuid not null references accounts,
  deputy_id uuid not null references accounts check (deputy_id <> leader_id),
  starts_on date not null,
  ends_on date not null check (ends_on >= starts_on),
  by_id uuid not null references accounts,
  created_at timestamptz not null default now()
)

create index stand_ins_leader on stand_ins (leader_id)

create index stand_ins_deputy on stand_ins (deputy_id)

alter table role_grants add column starts_at timestamptz, add column ends_at timestamptz,
  add column stand_in_id uuid references stand_ins on delete cascade,
  add check ((stand_in_id is null) = (ends_at is null) and (starts_at is null) = (ends_at is null)),
  drop constraint role_grants_account_id_role_area_id_cell_id_unit_id_key,
  add unique nulls not distinct (account_id, role, area_id, cell_id, unit_id, stand_in_id)

-- A rule may also say what a volunteer may close himself, against the catalogue.
alter table assignment_rules alter column unit_id drop not null, add column volunteer_may_close boolean,
  add check (unit_id is not null or volunteer_may_close is not null)

-- Closed issues of a week that are drawn for inspection: once for an area and week, so that nobody draws until he likes the draw.
create table samples (
  id uuid primary key,
  area_id uuid not null references areas,
  week date not null check (extract(isodow from week) = 1),
  percent numeric not null check (percent > 0 and percent <= 100),
  closed int not null,
  by_id uuid not null references accounts,
  drawn_at timestamptz not null default now(),
  unique (area_id, week)
)

create table sample_issues (
  sample_id uuid not null references samples,
  issue_id uuid not null references issues,
  primary key (sample_id, issue_id)
)

create index issues_area_closed on issues (area_id, closed_at) where closed_at is not null

-- Shops and households that answer for their frontage.
create table premises (
  id uuid primary key,
  area_id uuid not null references areas,
  cell_id uuid references cells,
  name text not null,
  kind text not null check (kind in ('shop', 'household', 'institution', 'other')),
  owner text not null default '',
  phone text not null default '',
  address text not null default '',
  frontage geometry(Geometry, 4326) not null check (geometrytype(frontage) in ('POINT', 'LINESTRING')),
  letter_signed_on date,
  letter_photo_id uuid,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
)

create index premises_area on premises (area_id, id)

create index premises_cell on premises (cell_id, id)

create table premises_visits (
  id uuid primary key,
  premises_id uuid not null references premises,
  account_id uuid not null references accounts,
  kind text not null check (kind in ('visit', 'warning')),
  at timestamptz not null,
  note text not null default '',
  received_at timestamptz not null default now()
)

create index premises_visits_premises on premises_visits (premises_id, at desc, id desc)

-- Photographs that belong to something other than an issue; whoever reads the area sees them.
create table attachments (
  subject_id uuid not null,
  photo_id uuid not null,
  account_id uuid not null,
  area_id uuid not null references areas,
  position int not null,
  primary key (subject_id, photo_id)
)

create index attachments_photo on attachments (photo_id)

-- Without a foreign key, as with the other rows that are shared and never deleted.
alter table issues add column premises_id uuid

create trigger never_deleted before delete on premises execute function never_deleted()

create index issues_premises on issues (premises_id, created_at desc, id desc) where premises_id is not null

alter table reports add column premises_id uuid

-- A browser's push subscription is a channel; a channel has its reader's language, and may be told once a day.
alter table channels drop constraint channels_kind_check,
  add constraint channels_kind_check check (kind in ('mail', 'wecom', 'dingtalk', 'feishu', 'push')),
  add column language text not null default '', add column daily boolean not null default false

create index deliveries_unsent on deliveries (channel_id) where sent_at is null
