"""Statements about photographs, their files and their uploads."""

from app.kit.access import CALLER, HOLDS_ANY, SCOPE
from app.kit.photographs import AWAY_M, EVIDENCE_MISSING, GIVEN, doubts, taken_at

# Whose clock a photograph was taken by: the community of what it is evidence of; before that is known, its owner's.
_ZONE = """coalesce(
  (select a.time_zone from evidence e join issues i on i.id = e.issue_id join areas a on a.id = i.area_id
    where e.photo_id = p.id and e.account_id = p.account_id order by e.at, i.id limit 1),
  (select a.time_zone from attachments t join areas a on a.id = t.area_id
    where t.photo_id = p.id and t.account_id = p.account_id order by t.kind, t.subject_id limit 1),
  (select a.time_zone from areas a where a.id = c.home_id), $3)"""
_SHOWN = "select from evidence e join issues i on i.id = e.issue_id where e.photo_id = p.id and e.account_id = p.account_id"
# A photograph as the caller may see it: their own, or evidence of an issue in their scope. The original is for the office of its area.
PHOTO = f"""
with c as ({CALLER})
select p.id::text, p.state, p.reason, p.account_id = c.account_id as own, encode(f.sha256, 'hex') as sha256, f.bytes, f.media_type,
  f.width, f.height, {taken_at(_ZONE)} as taken_at, st_y(f.position) as lat, st_x(f.position) as lon, f.camera, f.developed_at is not null as developed,
  p.stored_at, f.original_purged_at, c.is_admin or exists ({_SHOWN} and i.area_id = any(c.staffs)) as office,
  c.is_admin or exists ({_SHOWN} and (i.area_id = any(c.staffs) or i.cell_id = any(c.leads))) as manages
from c left join photos p on p.id = $2 and (p.account_id = c.account_id or exists ({_SHOWN} and {SCOPE})
  or exists (select from attachments t where t.photo_id = p.id and t.account_id = p.account_id and (c.is_admin or t.area_id = any(c.reads))))
left join photo_files f on f.sha256 = p.sha256
"""
# For the audit: which issue the original is evidence of, and where that lies.
SHOWS = """
select e.issue_id, i.area_id from evidence e join issues i on i.id = e.issue_id join photos p on p.id = e.photo_id and p.account_id = e.account_id
where p.id = $1 order by e.at, i.id limit 1
"""
HELD = "select account_id, state, sha256, reason from photos where id = $1"
ADD_FILE = """
insert into photo_files (sha256, bytes, media_type, width, height, taken_at, taken_local, position, camera, sent_by)
values ($1, $2, $3, $4, $5, $6, $7, st_setsrid(st_makepoint($8, $9), 4326), $10, $11)
on conflict (sha256) do update set original_purged_at = null, original_gone = false where photo_files.original_purged_at is not null returning true
"""
# Whoever holds a role may send photographs; anybody else those that their reports await. Read by the statements that write.
_MAY_SEND = f"""exists (select from accounts a where a.id = $2 and a.disabled_at is null
  and ({HOLDS_ANY.format("a.id")} or exists (select from photos w where w.id = $1 and w.account_id = a.id)))"""
# The primary key lets one sender fill a photograph, once; the row of a report that named it first is waited for and filled. What was
# refused or found damaged may be taken again.
STORE = f"""
insert into photos (id, account_id, state, sha256, stored_at) select $1, $2::uuid, 'stored', $3, now() where {_MAY_SEND}
on conflict (id) do update set state = 'stored', sha256 = excluded.sha256, stored_at = now(), reason = null
  where photos.account_id = excluded.account_id
    and (photos.state in ('awaited', 'refused') or photos.state = 'damaged' and photos.sha256 <> excluded.sha256)
returning true
"""
REFUSE = """
update photos set state = 'refused', reason = $3 where id = $1 and account_id = $2 and state = 'awaited' returning true
"""
OF_ISSUES = f"""
select e.issue_id::text as issue, e.photo_id::text as id, e.kind, e.at,
  case when p.state = 'stored' and f.developed_at is not null then encode(f.sha256, 'hex') end as file,
  {taken_at("a.time_zone")} as taken_at, {AWAY_M} as away_m, {doubts("a.time_zone")} as doubts
from unnest($1::uuid[]) w(id) join issues i on i.id = w.id left join areas a on a.id = i.area_id
cross join lateral (select * from evidence e where e.issue_id = w.id order by e.position, e.photo_id limit 100) e
left join photos p on p.id = e.photo_id and p.account_id = e.account_id left join photo_files f on f.sha256 = p.sha256
left join reports r on r.id = e.report_id
"""
# An attachment belongs to one thing of one kind ($1, $2) in one area ($3); `subjects` keeps an id from being of two kinds.
# The row of a photograph that has not arrived stands awaited, as with a report's.
ATTACH = """
with w as (insert into photos (id, account_id) select photo, $5 from unnest($4::uuid[]) photo on conflict do nothing)
insert into attachments (kind, subject_id, area_id, photo_id, account_id, position)
select $1, $2, $3, photo, $5, n from unnest($4::uuid[]) with ordinality as u(photo, n) on conflict do nothing
"""
DETACH = "delete from attachments where kind = $1 and subject_id = $2 and area_id = $3 and not photo_id = any($4::uuid[])"
# How many other photographs that an account sent wait to be developed, as far as that matters.
WAITING = """
select count(*) from (
  select from photo_files where sent_by = $1 and developed_at is null and damage is null and sha256 <> $2 limit 1000) w
"""
FILE = "select sha256, developed_at, damage from photo_files where sha256 = $1"
DEATH = "update photo_files set deaths = deaths + 1 where sha256 = $1 returning deaths"
DEVELOPED = "update photo_files set developed_at = now() where sha256 = $1"
DAMAGED = "update photo_files set damage = $2 where sha256 = $1 and damage is null and developed_at is null returning true"
MARK_DAMAGED = """
update photos set state = 'damaged', reason = $2 where sha256 = $1 and state = 'stored' returning id, account_id
"""
AWAITED = """
select p.id::text as photo, coalesce(e.kind, 'scene') as kind, e.issue_id::text as issue, e.report_id::text as report, p.created_at,
  u.received, u.bytes, u.expires_at
from photos p left join evidence e on e.photo_id = p.id and e.account_id = p.account_id left join uploads u on u.photo_id = p.id
where p.account_id = $1 and p.state = 'awaited' and (p.created_at, p.id) > ($2::timestamptz, $3::uuid)
order by p.created_at, p.id limit $4
"""

# --- uploads in parts ---------------------------------------------------------------------------------------------------
LOCK_UPLOADS = "select pg_advisory_xact_lock(hashtextextended('uploads ' || $1, 0))"
OPEN_UPLOADS = """
select count(*) filter (where photo_id <> $2) as count, coalesce(sum(bytes) filter (where photo_id <> $2), 0)::bigint as bytes,
  coalesce(bool_or(photo_id = $2), false) as known
from uploads where account_id = $1
"""
ADD_UPLOAD = f"""
insert into uploads (photo_id, account_id, bytes, media_type, expires_at)
select $1, $2, $3, $4, now() + make_interval(days => $5) where {_MAY_SEND}
on conflict (photo_id) do update set expires_at = excluded.expires_at
  where uploads.account_id = excluded.account_id and uploads.bytes = excluded.bytes
returning received, bytes, expires_at
"""
UPLOAD = (
    "select photo_id, account_id, bytes, received, media_type, expires_at from uploads where photo_id = $1 and account_id = $2"
)
IS_UPLOAD = "select exists (select from uploads where photo_id = $1)"
STORED = "select f.bytes from photos p join photo_files f using (sha256) where p.id = $1 and p.account_id = $2"
# Two senders of one upload at once: whose part starts where the last one ended has it; the other finds that it moved on.
ADVANCE = """
with u as (
  update uploads set received = received + $3, expires_at = now() + make_interval(days => $5)
  where photo_id = $1 and account_id = $6 and received = $2
    and exists (select from accounts a where a.id = uploads.account_id and a.disabled_at is null) returning photo_id
)
insert into upload_parts (photo_id, start, bytes, key) select u.photo_id, $2, $3, $4 from u returning true
"""
PARTS = "select start, bytes, key from upload_parts where photo_id = $1 order by start"
DROP_UPLOAD = "with u as (delete from uploads where photo_id = $1 returning photo_id) select photo_id from u"
EXPIRED = "select photo_id from uploads where expires_at < now() order by expires_at limit 500"

# --- the check of the store ---------------------------------------------------------------------------------------------
FILES_AFTER = """
select encode(sha256, 'hex') as sha256, bytes, developed_at is not null as developed, original_purged_at is not null as purged from photo_files
where sha256 > $1 order by sha256 limit 500
"""
KNOWN_FILES = "select encode(sha256, 'hex') as sha256 from photo_files where sha256 = any($1::bytea[])"
KNOWN_ORIGINALS = f"{KNOWN_FILES} and original_purged_at is null"
KNOWN_PARTS = "select key from upload_parts where key = any($1)"

# --- originals that go ----------------------------------------------------------------------------------------------------
# Files that are old enough to have ended, page by page in the order in which they came.
OLD_ORIGINALS = """
select f.sha256, f.created_at from photo_files f
where f.original_purged_at is null and f.developed_at is not null and f.created_at < now() - make_interval(days => $1)
  and (f.created_at, f.sha256) > ($2::timestamptz, $3::bytea) order by f.created_at, f.sha256 limit 500
"""
_USES = "select from photos p join evidence e on e.photo_id = p.id and e.account_id = p.account_id"
# Those of them ($2) whose every issue ended so many days ago ($1), and which belong to nothing that does not end: a letter of
# responsibility, an activity. The row's lock orders this and a phone that sends the same bytes again, which takes the mark off.
PURGE = f"""
update photo_files f set original_purged_at = now()
where f.sha256 = any($2::bytea[]) and f.original_purged_at is null and exists ({_USES} where p.sha256 = f.sha256)
  and not exists ({_USES} join issues i on i.id = e.issue_id
    where p.sha256 = f.sha256 and (i.is_open or coalesce(i.closed_at, i.updated_at) >= now() - make_interval(days => $1)))
  and not exists (select from photos p join attachments t on t.photo_id = p.id and t.account_id = p.account_id where p.sha256 = f.sha256)
returning f.sha256
"""
LEAVING = "select sha256 from photo_files where original_purged_at is not null and not original_gone order by original_purged_at limit 500"
# Marked once more: bytes that came again while they were being taken out are out as well.
GONE = """
update photo_files set original_gone = true, original_purged_at = coalesce(original_purged_at, now()) where sha256 = any($1::bytea[])
"""

# --- photographs that are owed ------------------------------------------------------------------------------------------
# What was said to be mended so many hours ago, and whose photograph never came: who sent its id. What is older than two weeks
# is the office's, which has the list.
OWED = f"""
select i.id, i.number, i.category, i.place, e.account_id, e.photo_id, i.rectified_at
from issues i join evidence e on {GIVEN} left join photos p on p.id = e.photo_id and p.account_id = e.account_id
where i.state = 'rectified' and i.rectified_at between now() - interval '14 days' and now() - make_interval(hours => $1)
  and coalesce(p.state, 'awaited') <> 'stored' and {EVIDENCE_MISSING}
order by i.rectified_at limit 1000
"""
