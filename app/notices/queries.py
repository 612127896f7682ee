"""Statements about notices, their channels and their sending."""

from app.kit.access import CALLER, HOLDS

# Read the event log from one snapshot to the next and tell everybody concerned, in one statement, whose snapshot is the next one.
# `skip locked`: one worker reads at a time, and a killed one's reading was never committed. The key holds what is told of, so that a
# deadline that passes once is told once. What is told is what was so right after the event (`i`), whatever has become of the issue since:
# a column that later events changed was what the first of them found. `b` is the issue as it was before.
_FOLLOW = f"""
with f as materialized (select name, snapshot::pg_snapshot as base from followers where name = 'notices' for update skip locked),
told as (
  select r.account_id, m.kind, e.issue_id, e.at,
    case when e.acted_as = 'clock' then concat_ws(':', e.action, e.issue_id, e.data ->> 'ends')
      -- To whom an overdue issue is given is told that it is, unless the clock has told them.
      when m.who = 'late_assignees' then concat_ws(':', 'overdue', e.issue_id, to_jsonb(i.deadline) #>> '{{}}')
      else 'event:' || e.id end as key,
    jsonb_strip_nulls(jsonb_build_object('number', i.number, 'category', i.category, 'place', i.place, 'deadline', i.deadline,
      'authority', coalesce(e.data ->> 'authority', i.authority), 'reply_by', i.reply_by, 'reason', coalesce(e.data ->> 'reason', e.data ->> 'note'),
      'late', case when e.action = 'assign' and i.deadline < e.at then true end,
      'photo', e.data -> 'photos' -> 0)) as data
  from f join events e on __EVENTS__
  join unnest($1::text[], $2::text[], $3::text[]) m(action, who, kind) on m.action = e.action
  join issues x on x.id = e.issue_id
  left join lateral (
    select jsonb_object_agg(w.key, w.value) as was from (
      select distinct on (w.key) w.key, w.value from events l cross join lateral jsonb_each(l.was) w
      where l.issue_id = e.issue_id and l.version > e.version order by w.key, l.version
    ) w
  ) later on true
  cross join lateral jsonb_populate_record(x, coalesce(later.was, '{{}}')) i
  cross join lateral jsonb_populate_record(i, coalesce(e.was, '{{}}')) b
  -- Who has to mend it after that, or had to until then.
  left join lateral (
    select case when i.unit_id is null and i.assignee_id is null then b.unit_id else i.unit_id end as unit_id,
      coalesce(i.assignee_id, case when i.unit_id is null then b.assignee_id end) as assignee_id
    where m.who = 'assignees' or m.who = 'late_assignees' and i.deadline < e.at
  ) asked on true
  cross join lateral (
    select o.account_id from reports o where m.who = 'reporters' and o.issue_id = i.id
    -- Those whose reports a merge has moved to another issue, then or since.
    union select o.account_id from events g cross join lateral jsonb_array_elements_text(g.data -> 'reports') w(id)
      join reports o on o.id = w.id::uuid
      where m.who = 'reporters' and g.issue_id = e.issue_id and g.action = 'merge' and g.version >= e.version
    union select g.account_id from role_grants g where m.who = 'leaders' and g.role = 'leader' and g.cell_id = i.cell_id
      and {HOLDS.format("g")}
      -- While somebody stands in for a leader, they are told in the leader's place.
      and not exists (select from stand_ins s join role_grants d on d.stand_in_id = s.id
        where s.leader_id = g.account_id and g.stand_in_id is null and d.cell_id = g.cell_id and {HOLDS.format("d")})
    union select asked.assignee_id
    union select g.account_id from role_grants g where g.role = 'worker' and g.unit_id = asked.unit_id
    union select g.account_id from role_grants g where g.role = 'staff' and (m.who = 'staff' or m.who = 'unplaced' and i.cell_id is null
        or m.who = 'staff_at_third' and 3 = (
          select count(*) from events b where b.issue_id = e.issue_id and b.action = 'send_back' and b.version <= e.version))
      and g.area_id = i.area_id
  ) r
  -- Past cases that are brought in are no news.
  where e.at > now() - interval '1 day' and r.account_id is not null and r.account_id is distinct from e.actor_id
), n as (
  insert into notices (account_id, kind, key, issue_id, data, created_at) select account_id, kind, key, issue_id, data, at from told
  on conflict do nothing returning id, account_id, kind
), d as (
  insert into deliveries (notice_id, channel_id)
  select n.id, c.id from n join accounts o on o.id = n.account_id and o.disabled_at is null
    join channels c on c.account_id = n.account_id and (c.kinds is null or n.kind = any(c.kinds)) and c.failed_at is null
    and c.confirmed_at is not null
  returning notice_id, channel_id
), u as (
  update followers set snapshot = pg_current_snapshot()::text from f where followers.name = f.name and __GOES_ON__ returning 1
)
select d.notice_id, d.channel_id, n.account_id from d join n on n.id = d.notice_id
"""
FOLLOW = _FOLLOW.replace("__EVENTS__", "e.tx >= pg_snapshot_xmin(f.base) and not pg_visible_in_snapshot(e.tx, f.base)").replace(
    "__GOES_ON__", "true"
)
# The same for events `$4` alone, with the follower where it was.
FOLLOW_SOME = _FOLLOW.replace("__EVENTS__", "e.id = any($4::bigint[])").replace("__GOES_ON__", "false")
TELL = """
with n as (
  insert into notices (account_id, kind, key, issue_id, data) select a, $2, $3, $4, $5 from unnest($1::uuid[]) a
  on conflict do nothing returning id, account_id, kind
), d as (
  insert into deliveries (notice_id, channel_id)
  select n.id, c.id from n join accounts o on o.id = n.account_id and o.disabled_at is null
    join channels c on c.account_id = n.account_id and (c.kinds is null or n.kind = any(c.kinds)) and c.failed_at is null
    and c.confirmed_at is not null
  returning notice_id, channel_id
)
select d.notice_id, d.channel_id, n.account_id from d join n on n.id = d.notice_id
"""
# When a channel's reader may be disturbed next, in the zone of their community: now, when their quiet hours end, or, when they want to be
# told once a day, at half past eight.
UNDISTURBED_UNTIL = """
select case when ch.daily then ((l.d + case when l.t >= '08:30' then 1 else 0 end) + time '08:30') at time zone z.zone
  when q.starts <= q.ends and l.t >= q.starts and l.t < q.ends or q.starts > q.ends and (l.t >= q.starts or l.t < q.ends)
  then ((l.d + case when q.starts > q.ends and l.t >= q.starts then 1 else 0 end) + q.ends) at time zone z.zone end as until
  , ch.daily, ch.kind
from channels ch left join quiet_hours q on q.account_id = ch.account_id cross join lateral (
  select coalesce((select known_zone(a.time_zone) from role_grants g join areas a on a.id = g.area_id where g.account_id = ch.account_id
    order by g.created_at limit 1), $2) as zone) z
cross join lateral (select (now() at time zone z.zone)::time as t, (now() at time zone z.zone)::date as d) l
where ch.id = $1
"""
INBOX = f"""
with c as ({CALLER})
select c.account_id, n.id::text, n.kind, n.issue_id::text as issue, n.data, n.created_at, n.read_at,
  (select count(*) from notices u where u.account_id = c.account_id and u.read_at is null) as unread
from c left join lateral (
  select * from notices n where n.account_id = c.account_id and (n.created_at, n.id) < ($2::timestamptz, $3::uuid)
    and (not $4 or n.read_at is null)
  order by n.created_at desc, n.id desc limit $5
) n on true order by n.created_at desc, n.id desc
"""
READ = "update notices set read_at = now() where account_id = $1 and read_at is null and ($2::uuid[] is null or id = any($2))"

_SHOWN = "id::text, kind, address, kinds, language, daily, created_at, confirmed_at, failed_at, failure"
CHANNELS = f"select {_SHOWN} from channels where account_id = $1 order by created_at, id"
# Whoever adds or changes a channel takes turns with themselves, so that the channels that are counted are all there are.
CHANNELS_LOCK = "select pg_advisory_xact_lock(hashtextextended('channels ' || $1::uuid, 0))"
CHANNELS_BEFORE = """
select count(*) filter (where k.alike and id <> $2) as others, bool_or(k.alike and id = $2) as counted, bool_or(id = $2) as known,
  bool_or(id = $2 and kind = $3 and address = $4) as same, bool_or(id = $2 and kind = $3 and address = $4 and confirmed_at is not null) as confirmed
from channels cross join lateral (
  select case when $3 in ('mail', 'push') then kind = $3 else kind not in ('mail', 'push') end as alike) k
where account_id = $1
"""
# `$10`: whether notices may be sent there at once. Where they may not, the code that is sent is that of this instant.
PUT_CHANNEL = f"""
insert into channels (id, account_id, kind, address, secret, kinds, language, daily, host, confirmed_at, asked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then now() end, case when not $10 then now() end)
on conflict (id) do update set kind = excluded.kind, address = excluded.address, secret = excluded.secret, kinds = excluded.kinds,
  language = excluded.language, daily = excluded.daily, host = excluded.host, failed_at = null, failure = null, failing_since = null,
  failures = 0, not_before = null, code_tries = 0, asked_at = excluded.asked_at,
  confirmed_at = case when $10 then coalesce(channels.confirmed_at, now()) end
where channels.account_id = excluded.account_id
returning {_SHOWN}, asked_at
"""
# What waited for another address is not sent to this one; the inbox has it.
DROP_UNSENT = "delete from deliveries where channel_id = $1 and sent_at is null"
# Tries within a day, counted by one statement, so that those made at once are all counted.
COUNT_CODE = """
insert into throttles (subject, count, resets_at) values ($1, 1, now() + interval '1 day')
on conflict (subject) do update set
  count = case when throttles.resets_at < now() then 1 else throttles.count + 1 end,
  resets_at = case when throttles.resets_at < now() then excluded.resets_at else throttles.resets_at end
returning count, greatest(1, ceil(extract(epoch from resets_at - now())))::int as seconds
"""
# A code that shall be sent: none when another was asked for since, or it was entered.
CODE_FOR = "select id, kind, address, language from channels where id = $1 and asked_at = $2 and confirmed_at is null and failed_at is null"
# A try at a code: the row's lock counts every one, and after the last no code is right.
TRY_CODE = """
update channels set code_tries = code_tries + 1 where id = $1 and account_id = $2 and confirmed_at is null
returning address, case when code_tries <= $3 and asked_at > now() - interval '1 day' then asked_at end as asked_at
"""
CONFIRM = f"""
update channels set confirmed_at = now(), asked_at = null, code_tries = 0
where id = $1 and account_id = $2 and (asked_at = $3 or confirmed_at is not null) returning {_SHOWN}
"""
ONE_CHANNEL = f"select {_SHOWN} from channels where id = $1 and account_id = $2"
DROP_CHANNEL = "delete from channels where id = $1 and account_id = $2 returning true"
PUT_QUIET = """
insert into quiet_hours values ($1, $2, $3) on conflict (account_id) do update set starts = excluded.starts, ends = excluded.ends
"""
DROP_QUIET = "delete from quiet_hours where account_id = $1"
QUIET = "select starts, ends from quiet_hours where account_id = $1"

# --- sending --------------------------------------------------------------------------------------------------------------
# One claims at a time, which takes a millisecond: so the leases that are counted are all there are.
CLAIM_LOCK = "select pg_advisory_xact_lock(hashtextextended('claim a channel', 0))"
# A channel that something may be sent over; a closed account is told nothing more. With how much is being sent just now for its account and to
# its host, and until when it or its host rests.
CHANNEL = """
select c.id, c.account_id, c.kind, c.address, c.secret, c.language, c.daily, c.host,
  greatest(c.not_before, h.not_before) as not_before,
  case when c.leased_until > now() then c.leased_until end as leased_until,
  (select count(*) from channels o where o.leased_until > now() and o.account_id = c.account_id and (o.kind = 'mail') = (c.kind = 'mail')) as of_account,
  (select count(*) from channels o where o.leased_until > now() and o.host = c.host and c.kind <> 'mail') as of_host
from channels c join accounts a on a.id = c.account_id and a.disabled_at is null left join hosts_away h on h.host = c.host and h.not_before > now()
where c.id = $1 and c.failed_at is null and c.confirmed_at is not null
"""
# The lease: nobody else sends over this channel until it is over, or its holder has said what became of it. The row says so, not a
# transaction: none is open while something is sent.
CLAIM = "update channels set lease = $2, leased_until = now() + $3::interval where id = $1"
# What a message holds. One that a worker died over, or that was not taken, is sent again as it was; otherwise what waits is put into one.
# What is older than two days is no news any more, and stands in the inbox.
BATCH = """
with waits as materialized (
  select d.notice_id, d.batch from deliveries d join notices n on n.id = d.notice_id
  where d.channel_id = $1 and d.sent_at is null and n.created_at > now() - interval '2 days'
  order by d.batch nulls last, n.created_at, n.id limit $3
), chosen as materialized (
  select notice_id from waits where batch is not distinct from (select batch from waits order by batch nulls last limit 1)
), put as (
  update deliveries d set batch = coalesce(d.batch, $2) from chosen where d.channel_id = $1 and d.notice_id = chosen.notice_id
  returning d.notice_id, d.batch
)
select n.id, n.kind, n.data, n.issue_id::text as issue, put.batch from put join notices n on n.id = put.notice_id order by n.created_at, n.id
"""
# Of what a message was to hold, what does not fit into it waits for the next one.
PUT_BACK = "update deliveries set batch = null where channel_id = $1 and notice_id = any($2::uuid[])"
# The next message follows after a rest `$3`, where there is to be one.
SENT = """
with d as (update deliveries set sent_at = now() where channel_id = $1 and batch = $2 and sent_at is null)
update channels set failing_since = null, failures = 0, not_before = now() + $3::interval where id = $1
"""
# Only the holder of the lease ends it: whoever took over from one that was too slow keeps theirs.
RELEASE = "update channels set lease = null, leased_until = null where id = $1 and lease = $2"
WAITS = """
select exists (select from deliveries d join notices n on n.id = d.notice_id
  where d.channel_id = $1 and d.sent_at is null and n.created_at > now() - interval '2 days')
"""
# A channel that was not reached: when to try again, and whether that has gone on for so long that it is given up. `$3`: whether it may be
# the channel's own fault at all.
NOT_REACHED = """
update channels set failing_since = case when $3 then coalesce(failing_since, now()) else failing_since end, failures = failures + 1,
  not_before = now() + least(interval '1 hour', interval '20 seconds' * 3 ^ least(failures, 8))
where id = $1 returning $3 and failing_since < now() - $2::interval as for_good, not_before
"""
# A host that did not answer three times running is left alone for a while, whoever's channels lead there.
HOST_AWAY = """
insert into hosts_away (host, failures, not_before) select $1, 1, now() where $1 <> ''
on conflict (host) do update set failures = hosts_away.failures + 1,
  not_before = now() + case when hosts_away.failures < 2 then interval '0'
    else least(interval '10 minutes', interval '15 seconds' * 2 ^ least(hosts_away.failures - 2, 8)) end
"""
HOST_THERE = "delete from hosts_away where host = $1"
CHANNEL_GONE = "delete from channels where id = $1"
CHANNEL_FAILED = """
update channels set failed_at = now(), failure = $2, failing_since = null where id = $1 returning account_id, failed_at::text
"""
SERVER_SECRET = "select value from secrets where name = 'server'"
CATEGORY_NAMES = "select code, name_zh, name_en from categories join category_versions using (code, version)"
