-- When a camera does not say in which zone its clock runs: what the clock showed. Which instant that was is reckoned where it is asked for, in the
-- zone of the community that the photograph belongs to, since a photograph may come before its report.
alter table photo_files add column taken_local timestamp

-- The photographs of a rectification are as old as it is: so those of a later one are known from them. They were written some milliseconds earlier.
update evidence e set at = i.rectified_at from issues i
where i.id = e.issue_id and i.state = 'rectified' and e.kind = 'after' and e.at < i.rectified_at and e.at > i.rectified_at - interval '11 minutes'

create index issues_rectified on issues (rectified_at) where state = 'rectified'
