-- The time zones that PostgreSQL and the program know by the same name. The names left out are no
-- place's, or mean one thing to the one and another to the other: see app/kit/zones.py. At every
-- start what PostgreSQL no longer knows leaves the table (migrations/env.py).
create table time_zones (name text primary key)

insert into time_zones select name from pg_timezone_names
where name !~ '^(posix|right)/' and name not in ('CET', 'EET', 'MET', 'WET', 'localtime', 'posixrules', 'Factory')

-- A zone as every statement uses it: a name that is not known falls back to the server's own zone,
-- so that one community's mistake stops nobody else's papers and digests.
create function known_zone(zone text) returns text language plpgsql stable strict parallel safe as $$
begin
  return coalesce((select name from time_zones where name = zone),
    (select name from time_zones where name = current_setting('gridpatrol.time_zone', true)), 'Asia/Shanghai');
end $$

-- What was taken before: another spelling of a zone is spelled as it should be, what is none
-- becomes the default.
update areas a set time_zone = coalesce((select min(z.name) from time_zones z where lower(z.name) = lower(btrim(a.time_zone))), known_zone(''))
where not exists (select from time_zones z where z.name = a.time_zone)

-- No area has a zone that is not known, whatever writes it. The scan of PostgreSQL's own list takes
-- a tenth of a second: it is asked only for names that the table does not have.
create function areas_zone() returns trigger language plpgsql as $$
begin
  if not exists (select from time_zones where name = new.time_zone) then
    insert into time_zones select name from pg_timezone_names
    where name = new.time_zone and name !~ '^(posix|right)/' and name not in ('CET', 'EET', 'MET', 'WET', 'localtime', 'posixrules', 'Factory')
    on conflict do nothing;
    if not exists (select from time_zones where name = new.time_zone) then
      raise check_violation using message = format('%L is no time zone', new.time_zone);
    end if;
  end if;
  return new;
end $$

create trigger areas_zone before insert or update of time_zone on areas for each row execute function areas_zone()
