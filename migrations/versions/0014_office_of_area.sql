-- The body that issues an area's papers (empty: the area's name), and its contact for the replies of authorities (empty: to be filled in by hand).
alter table areas add column issuer text not null default '', add column contact text not null default '', add column phone text not null default ''

-- Names of the catalogue that a database began with, in better words; a name that an office chose itself stays.
update category_versions v set name_zh = n.new_zh, name_en = n.new_en from (values
  ('illegal_parking', '车辆乱停放', 'Disorderly or illegal parking', '机动车乱停放', 'Disorderly or illegal parking'),
  ('dog_off_leash', '不牵犬绳', 'Dog off the leash', '遛犬不牵绳', 'Dog off the leash'),
  ('no_litter_bin', '无垃圾桶', 'No litter bin on the street', '未设垃圾桶', 'No litter bin on the street'),
  ('no_notice_board', '无公告栏', 'No notice board', '未设公告栏', 'No notice board'),
  ('unsafe_wiring', '飞线充电', 'Unsafe wiring', '飞线充电', 'E-bike charged by a trailing cable')
) n (code, old_zh, old_en, new_zh, new_en) where v.code = n.code and v.name_zh = n.old_zh and v.name_en = n.old_en

update category_groups set name_zh = '张贴涂写', name_en = 'Posting and graffiti' where code = 'posting' and name_zh = '小广告' and name_en = 'Posting'
