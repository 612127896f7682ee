set local lock_timeout = '3s'

-- How the last removal of each kind went, and how much was removed in all.
create table retention (
  kind text primary key,
  ran_at timestamptz not null default now(),
  removed bigint not null default 0,
  removed_in_all bigint not null default 0
)

-- What is past its term is found by an index, some hundreds at a time.
create index sessions_ended on sessions (least(expires_at, revoked_at))

create index invitations_ended on invitations (least(expires_at, revoked_at))

create index notices_created on notices (created_at)

create index throttles_over on throttles (resets_at)

-- The bytes of an original go some time after its last issue was closed; what was read of them, and the picture to look at, stay. Marked first, then
-- taken out of the store, then marked as gone: a process that ends in between leaves work for the next.
alter table photo_files add column original_purged_at timestamptz, add column original_gone boolean not null default false

create index photo_files_original on photo_files (created_at, sha256) where original_purged_at is null and developed_at is not null

create index photo_files_leaving on photo_files (original_purged_at) where original_purged_at is not null and not original_gone
