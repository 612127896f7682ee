-- The columns of the issue that the event changed, each as it was before. So what an issue was at an instant is what the first event after it that
-- changed the column says it was, and where no event did, what it is.
alter table events add column was jsonb

-- The deadline before extensions, null where none was granted: being on time is judged by coalesce(first_deadline, deadline). While the clock
-- stands still, first_left_s is to first_deadline what deadline_left_s is to deadline.
alter table issues add column first_deadline timestamptz, add column first_left_s bigint

-- The reason code of close_unresolved; null for whatever was closed since it was mended.
alter table issues add column unresolved text

-- Deadlines that were extended already: the first since the issue was last reported or reopened.
update issues i set first_deadline = d.first from (
  select e.issue_id, (array_agg((e.data ->> 'deadline')::timestamptz order by e.version))[1] as first
  from events e
  where e.action in ('assign', 'grant_extension') and e.data ? 'deadline'
    and e.version > coalesce((select max(r.version) from events r where r.issue_id = e.issue_id and r.action in ('reopen', 'fail_inspection')), 0)
  group by 1 having count(*) > 1
) d where d.issue_id = i.id and i.deadline > d.first

update issues i set unresolved = e.data ->> 'reason_code' from events e
where e.issue_id = i.id and e.action = 'close_unresolved' and i.state = 'closed'
  and not exists (select from events l where l.issue_id = i.id and l.version > e.version and l.to_state = 'closed' and l.from_state <> 'closed')
