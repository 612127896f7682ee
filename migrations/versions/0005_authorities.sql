-- Whom an office hands over to: the directory of authorities outside the community.
create table authorities (
  id uuid primary key,
  area_id uuid not null references areas,
  name text not null,
  kind text not null default 'other',
  phone text not null default '',
  address text not null default '',
  active boolean not null default true,
  unique (area_id, name)
)

create index events_handovers on events (issue_id, version) where action in ('hand_over', 'reply')

-- A word of thanks to a volunteer, from whom he answers to.
create table thanks (
  id uuid primary key,
  account_id uuid not null references accounts,
  by_id uuid not null references accounts,
  issue_id uuid references issues,
  text text not null,
  at timestamptz not null default now()
)

create index thanks_account on thanks (account_id, at desc)
