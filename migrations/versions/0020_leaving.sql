set local lock_timeout = '3s'

-- Whether anybody who is signed in may report there; otherwise only whoever holds a role that reaches it.
alter table areas add column open_reports boolean not null default false

-- The roles of a closed account, until it is opened again. They leave role_grants, so that no statement can forget that who held them
-- is gone.
create table closed_grants (
  id uuid primary key,
  account_id uuid not null references accounts,
  role text not null,
  area_id uuid references areas,
  cell_id uuid references cells,
  unit_id uuid references units,
  granted_by uuid references accounts,
  created_at timestamptz not null
)

create index closed_grants_account on closed_grants (account_id)

create index closed_grants_area on closed_grants (area_id)

-- Who closed an account, and why.
alter table accounts add column closed_by uuid references accounts, add column closed_for text

-- A link that sets account and password once.
create table reset_links (
  id uuid primary key,
  code_hash bytea not null unique,
  account_id uuid not null references accounts,
  by_id uuid not null references accounts,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz
)

create index reset_links_account on reset_links (account_id)

create index invitations_inviter on invitations (inviter_id)
