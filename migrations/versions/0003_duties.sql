-- Followers of the event log (notices) ask what their last snapshot did not see, as phones do of issues.
alter table events add column tx xid8 not null default pg_current_xact_id()

create index events_tx on events (tx, id)

-- What the clock does to an issue next, and when; planned anew with every change of it.
alter table issues add column duty text check (duty in ('remind', 'overdue', 'remind_reply', 'reply_overdue')), add column duty_at timestamptz,
  add check ((duty is null) = (duty_at is null))

create index issues_duty on issues (duty_at) where duty_at is not null

update issues set duty = 'overdue', duty_at = deadline
where deadline > now() and state in ('reported', 'accepted', 'assigned', 'in_progress')

update issues set duty = 'reply_overdue', duty_at = reply_by where reply_by > now() and state = 'handed_over'

-- Days on which an office works, or does not, against the rule of its country; an area's own goes before those of the areas above.
create table calendar_days (
  area_id uuid not null references areas,
  day date not null,
  working boolean not null,
  name text not null default '',
  primary key (area_id, day)
)

-- Up to which snapshot a follower has read the event log. Its row's lock lets one worker read at a time.
create table followers (
  name text primary key,
  snapshot text not null
)

insert into followers values ('notices', pg_current_snapshot()::text)

-- Somebody's inbox. `key` says what it tells of, so that nobody is told twice.
create table notices (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null,
  kind text not null,
  key text not null,
  issue_id uuid,
  data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  read_at timestamptz,
  unique (account_id, key, kind)
)

create index notices_account on notices (account_id, created_at desc, id desc)

create index notices_unread on notices (account_id) where read_at is null

-- Where somebody wants to be told beside the inbox.
create table channels (
  id uuid primary key,
  account_id uuid not null references accounts,
  kind text not null check (kind in ('mail', 'wecom', 'dingtalk', 'feishu')),
  address text not null,
  secret text not null default '',
  kinds text[],
  created_at timestamptz not null default now(),
  failed_at timestamptz,
  failure text,
  unique (account_id, kind, address)
)

-- From when to when, in the zone of their community, somebody is not to be disturbed.
create table quiet_hours (
  account_id uuid primary key references accounts,
  starts time not null,
  ends time not null
)

-- One sending of a notice over a channel: the row is made with the notice, so it is neither forgotten nor made twice.
create table deliveries (
  notice_id uuid not null references notices,
  channel_id uuid not null references channels on delete cascade,
  sent_at timestamptz,
  primary key (notice_id, channel_id)
)

-- For which area and day the office's digest has been made.
create table digests (
  area_id uuid not null references areas,
  day date not null,
  primary key (area_id, day)
)

-- Lists of one state that few issues are in; the closed ones are many, and found by the index of all.
create index issues_area_state on issues (area_id, state, created_at desc, id desc) where state <> 'closed'
