set local lock_timeout = '3s'

-- Jobs that wait, or failed, go to the queue of their kind. What is being done stays: workers listen to the old queue as well.
update procrastinate_jobs j set queue_name = case
    when task_name = 'develop' then 'photos'
    when task_name = 'deliver' then case when exists (
      select from channels c where c.id::text = j.args ->> 'channel' and c.kind = 'mail') then 'mail' else 'messages' end
    else 'upkeep' end
where queue_name = 'gridpatrol' and status in ('todo', 'failed')

-- lease, leased_until: who is sending something over the channel just now, and until when nobody else may.
-- not_before, failures: when a channel that was not reached is tried again.
-- confirmed_at: since when notices are sent there; null for a mail address whose reader has not entered the code yet.
-- asked_at, code_tries: which code was sent there last, and how many wrong ones were entered since.
alter table channels add column host text not null default '',
  add column lease uuid, add column leased_until timestamptz,
  add column not_before timestamptz, add column failures int not null default 0,
  add column confirmed_at timestamptz, add column asked_at timestamptz, add column code_tries int not null default 0

-- Robots and browsers, and mail addresses that something was sent to without being refused, are in use and stay so.
-- A mail address that nothing was sent to yet is asked first.
update channels c set confirmed_at = created_at
where kind <> 'mail' or failed_at is null and exists (select from deliveries d where d.channel_id = c.id and d.sent_at is not null)

update channels set host = case when kind = 'mail' then 'mail server'
  else coalesce(btrim(lower(substring(address from '^https?://(?:[^/?#@]*@)?(\[[^]]*\]|[^/:?#]+)')), '[]') || ':'
    || coalesce(substring(address from '^https?://(?:[^/?#@]*@)?(?:\[[^]]*\]|[^/:?#]+):(\d+)'), case when address like 'https:%' then '443' else '80' end), '') end

create index channels_leased on channels (leased_until) where leased_until is not null

-- batch: which message a notice was put into: sent again after a worker died, it is the same message.
alter table deliveries add column batch uuid

-- Hosts that do not answer, whoever's channels lead there.
create table hosts_away (
  host text primary key,
  failures int not null,
  not_before timestamptz not null
)

-- What a follower of the log, or the clock, could not do, and left for the others' sake: an event, an issue, an area.
create table set_aside (
  follower text not null,
  subject text not null,
  error text not null,
  at timestamptz not null default now(),
  primary key (follower, subject)
)
