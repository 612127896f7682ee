-- Limits by when they fall, closed issues among them: what was due in a span. Empty for what nobody was asked to mend.
create index issues_area_limit on issues (area_id, coalesce(first_deadline, deadline)) where coalesce(first_deadline, deadline) is not null

create index issues_cell_limit on issues (cell_id, coalesce(first_deadline, deadline)) where coalesce(first_deadline, deadline) is not null

-- Events that took a limit away or moved it, and those that took an issue out of an area or cell: few, and asked for by when they were.
create index events_limits on events (at) where was ->> 'deadline' is not null or was ->> 'first_deadline' is not null

create index events_moved on events (at) where was ? 'area_id' or was ? 'cell_id'

create index issues_repeats on issues (recurrence_of) where recurrence_of is not null

create index issues_area_unresolved on issues (area_id, created_at desc, id desc) where unresolved is not null

-- The street of a place, as the column `street` has it.
create function street_of(place text) returns text language sql immutable parallel safe as $$
  select nullif(trim(regexp_replace(place, '[0-9０-９]+\s*(号|栋|幢|单元|室|-).*$', '')), '')
$$

alter table cell_figures rename column with_deadline to due

alter table cell_figures add column closed_unresolved int not null default 0

update cell_figures set stale = true

-- A paper that was issued is kept as it was; what is corrected is issued again under the next number, with the reason.
alter table summaries add column version int not null default 1 check (version between 1 and 1000), add column reason text,
  add check ((version = 1) = (reason is null)), drop constraint summaries_pkey, add primary key (area_id, week, language, version)

create index summaries_issued on summaries (issued_at desc, area_id, language, version)

-- What events of before 0010 changed, as far as their own data and those before them say. Left out is what they do not: an area that was left, the
-- place and reports of before, and a deadline that went on after a reply.
update events e set was = w.was from (
  select e.id, (case
      when e.action in ('assign', 'reopen', 'fail_inspection') and a.known then jsonb_build_object('unit_id', a.unit, 'assignee_id', a.person)
      else '{}' end
    || case when e.action in ('assign', 'grant_extension', 'hand_over', 'reopen', 'fail_inspection') and d.known
      then jsonb_build_object('deadline', d.deadline) else '{}' end
    || case when e.action = 'reply' then '{"deadline": null}'::jsonb else '{}' end
    || case when e.action in ('assign', 'hand_over', 'reply', 'close_unresolved') then jsonb_build_object('authority', h.authority, 'reply_by', h.reply_by) else '{}' end
    || case when e.action in ('rectify', 'reply') then '{"rectified_at": null}'::jsonb
      when e.action in ('send_back', 'reopen', 'fail_inspection') then jsonb_build_object('rectified_at', r.at) else '{}' end
    || case when e.to_state = 'closed' and e.from_state <> 'closed' then '{"closed_at": null}'::jsonb
      when e.action in ('reopen', 'fail_inspection') then jsonb_build_object('closed_at', c.at) else '{}' end
    || case when e.action = 'close_unresolved' then '{"unresolved": null}'::jsonb
      when e.action in ('reopen', 'fail_inspection') then jsonb_build_object('unresolved', c.unresolved) else '{}' end
    || case when e.action = 'recur' then jsonb_build_object('recurrence_of', null, 'recurrences', coalesce((e.data ->> 'times')::int - 1, 0)) else '{}' end
    || case when e.action = 'reclassify' then jsonb_build_object('category', e.data -> 'before') else '{}' end
    || case when e.action = 'name_premises' then jsonb_build_object('premises_id', e.data -> 'before') else '{}' end
    || case when e.action = 'relocate' then jsonb_build_object('cell_id', e.data -> 'before' -> 'cell') else '{}' end) as was
  from events e
  left join lateral (
    select p.data -> 'unit' as unit, p.data -> 'assignee' as person, p.action <> 'import_assign' as known from (
      select p.action, p.data, p.version from events p
      where p.issue_id = e.issue_id and p.version < e.version and p.action in ('assign', 'import_assign', 'reopen', 'fail_inspection', 'report', 'report_mended')
      order by p.version desc limit 1) p
  ) a on true
  left join lateral (
    select case when p.action in ('assign', 'grant_extension') then p.data -> 'deadline' end as deadline, p.action not in ('import_assign', 'reply') as known
    from events p where p.issue_id = e.issue_id and p.version < e.version
      and (p.action in ('assign', 'import_assign', 'grant_extension', 'hand_over', 'reply', 'reopen', 'fail_inspection') or p.version = 1)
    order by p.version desc limit 1
  ) d on true
  left join lateral (
    select case when p.action = 'hand_over' then p.data -> 'authority' end as authority, case when p.action = 'hand_over' then p.data -> 'reply_by' end as reply_by
    from events p where p.issue_id = e.issue_id and p.version < e.version and p.action in ('hand_over', 'assign', 'reply', 'close_unresolved')
    order by p.version desc limit 1
  ) h on true
  left join lateral (
    select case when p.to_state = 'rectified' or p.action = 'report_mended' then to_jsonb(p.at) end as at from events p
    where p.issue_id = e.issue_id and p.version < e.version and (p.to_state = 'rectified' and p.from_state is distinct from 'rectified'
      or p.action in ('report_mended', 'send_back', 'reopen', 'fail_inspection')) order by p.version desc limit 1
  ) r on true
  left join lateral (
    select to_jsonb(p.at) as at, case when p.action = 'close_unresolved' then p.data -> 'reason_code' end as unresolved from events p
    where p.issue_id = e.issue_id and p.version < e.version and p.to_state = 'closed' and p.from_state is distinct from 'closed'
    order by p.version desc limit 1
  ) c on true
  where e.was is null and e.action in ('assign', 'grant_extension', 'hand_over', 'reply', 'rectify', 'send_back', 'verify', 'close_unresolved', 'reopen',
    'fail_inspection', 'recur', 'reclassify', 'name_premises', 'relocate')
) w where w.id = e.id and w.was <> '{}'
