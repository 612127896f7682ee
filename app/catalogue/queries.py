"""Statements about the catalogue."""

CATALOGUE = """
select g.code, g.name_zh, g.name_en, (
  select json_agg(json_build_object(
    'code', c.code, 'group', c.group_code, 'version', c.version, 'active', c.active,
    'name', json_build_object('zh-CN', v.name_zh, 'en', v.name_en),
    'deadline_hours', v.deadline_hours, 'deadline_clock', v.deadline_clock,
    'needs', case when v.after_photo then '["after"]'::jsonb else '[]'::jsonb end,
    'volunteer_may_close', v.volunteer_may_close, 'radius_m', v.radius_m, 'window_hours', v.window_hours, 'public_precision_m', v.public_precision_m
  ) order by c.position)
  from categories c join category_versions v using (code, version) where c.group_code = g.code)::jsonb as categories
from category_groups g order by g.position
"""
PUT_GROUP = "insert into category_groups values ($1, $2, $3, $4) on conflict do nothing"
ADD_VERSION = """
insert into category_versions (code, version, name_zh, name_en, deadline_hours, deadline_clock, after_photo, volunteer_may_close, radius_m,
  public_precision_m, window_hours)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
PUT_CATEGORY = """
insert into categories (code, group_code, position, version, active) values ($1, $2, $3, $4, $5)
on conflict (code) do update set group_code = excluded.group_code, version = excluded.version, active = excluded.active
"""
# Two admins at once: the lock makes the second read the first one's version.
LOCK_CATALOGUE = "select pg_advisory_xact_lock(7241101)"
CURRENT = """
select c.version, c.position, c.active, c.group_code, v.name_zh, v.name_en, v.deadline_hours, v.deadline_clock,
  v.after_photo, v.volunteer_may_close, v.radius_m, v.public_precision_m,
  v.window_hours
from categories c join category_versions v using (code, version) where code = $1
"""
NEXT_POSITION = "select coalesce(max(position), 0) + 1 from categories"
GROUP = "select 1 from category_groups where code = $1"
IS_EMPTY = "select not exists (select from categories)"
