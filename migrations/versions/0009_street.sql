-- The street of a place: the place without its number; null where nothing is left. Papers count by it.
alter table issues add column street text generated always as (
  nullif(trim(regexp_replace(place, '[0-9０-９]+\s*(号|栋|幢|单元|室|-).*$', '')), '')) stored
