-- When a camera does not say in which zone its clock runs: what the clock showed. Which instant that was is reckoned where it is asked for, in the
-- zone of the community that the photograph belongs to, since a photograph may come before its report.
alter table photo_files add column taken_local timestamp
