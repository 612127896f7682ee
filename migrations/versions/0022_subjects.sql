set local lock_timeout = '3s'

-- What photographs may be attached to beside issues: an id that a client has chosen is of one kind of thing.
create table subjects (
  id uuid primary key,
  kind text not null check (kind in ('premises', 'visit', 'activity'))
)

-- What is there already. Where two kinds have one id, who came later took it from who was first, and keeps what they wrote without the id:
-- it can be read and taken back, and not be changed.
insert into subjects (id, kind)
select id, kind from (
  select id, 'premises' as kind, created_at as at from premises
  union all select id, 'visit', received_at from premises_visits
  union all select id, 'activity', created_at from activities
) s order by at, kind
on conflict do nothing

alter table attachments add column kind text check (kind in ('premises', 'visit', 'activity'))

-- Of the things with its id a photograph is of the one in its own area, then of the one whose author sent it, then of the first. Of what
-- nobody holds any more it stays an activity's: nothing else can be taken back.
update attachments t set kind = coalesce((
  select h.kind from (
    select 'premises' as kind, p.area_id, false as own, p.created_at as at from premises p where p.id = t.subject_id
    union all select 'visit', p.area_id, v.account_id = t.account_id, v.received_at
      from premises_visits v join premises p on p.id = v.premises_id where v.id = t.subject_id
    union all select 'activity', a.area_id, a.account_id = t.account_id, a.created_at from activities a where a.id = t.subject_id
  ) h order by h.area_id = t.area_id desc, h.own desc, h.at limit 1), 'activity')

alter table attachments alter column kind set not null, drop constraint attachments_pkey, add primary key (kind, subject_id, photo_id)
