-- Who sent a file first: how many of theirs wait to be developed says behind how many of others the next one comes. Not known of
-- what was sent before.
alter table photo_files add column sent_by uuid

create index photo_files_waiting on photo_files (sent_by) where developed_at is null and damage is null
