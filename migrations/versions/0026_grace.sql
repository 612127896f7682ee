set local lock_timeout = '3s'

-- Before when nothing of a kind is removed.
alter table retention add column not_before timestamptz

-- Photographs that are here already came when originals were kept for good: whoever looks after them has two weeks to say that they shall be.
insert into retention (kind, not_before) select 'originals', now() + interval '14 days' where exists (select from photo_files)
on conflict (kind) do update set not_before = excluded.not_before
