set local lock_timeout = '3s'

-- Addresses and devices from which an account has signed in, as keyed hashes: what strangers try does not refuse them.
create table known_places (
  account_id uuid not null references accounts,
  mark text not null,
  last_at timestamptz not null default now(),
  primary key (account_id, mark)
)

create index known_places_last on known_places (last_at)

-- Counters by subjects of the old form: nobody would find them.
delete from throttles

-- What is kept of an answer can be read with the key alone that the caller presented; of the key itself, a hash.
alter table idempotency_keys add column sealed boolean not null default false,
  add column expires_at timestamptz not null default now() + interval '7 days'

-- Answers that held an invitation's code in clear. Sent again, such a request makes another invitation.
delete from idempotency_keys where position('"qr":'::bytea in body) > 0 and position('/join/'::bytea in body) > 0

update idempotency_keys set key = encode(sha256(convert_to(key, 'UTF8')), 'hex'), expires_at = created_at + interval '7 days'

drop index idempotency_keys_created

create index idempotency_keys_expires on idempotency_keys (expires_at)

-- One form of a name: of two that differ in the width of their letters alone, each keeps its own.
update accounts a set account = lower(normalize(a.account, NFKC))
where a.account <> lower(normalize(a.account, NFKC))
  and not exists (select from accounts o where o.id <> a.id and lower(normalize(o.account, NFKC)) = lower(normalize(a.account, NFKC)))

-- Links that made many people administrators, staff or inspectors, or did so for months.
update invitations set uses = greatest(used, 1), expires_at = least(expires_at, now() + interval '72 hours')
where role in ('admin', 'staff', 'inspector') and revoked_at is null and expires_at > now()

create index uploads_account on uploads (account_id)
