-- Text as it is compared when something is searched: full and half width, case, any dash, any quotation mark and any blank are
-- one; characters without width are left out. ß and the last sigma of a word are what capitals make of them.
create function search_text(t text) returns text language sql immutable strict parallel safe
return regexp_replace(
  translate(replace(lower(normalize(t, NFKC)), 'ß', 'ss'), '‐‑‒–—―⁃−ー〜ς“”„‘’' || U&'\00AD\200B\200C\200D\2060\FEFF', '---------~σ"""'''''),
  '\s+', ' ', 'g'
)

-- What the index holds of such a text: every two characters side by side, and every one alone, as numbers. In PL/pgSQL, whose
-- plans a session keeps: a function of SQL is planned anew in each statement that writes the index. Not for parallel workers, whose start takes
-- longer than most searches.
create function search_pairs(t text) returns int8[] language plpgsql immutable strict parallel restricted cost 2000 as $$
declare
  c text[] := string_to_array(t, null);
begin
  return (select array_agg((ascii(p.a)::int8 << 21) + coalesce(ascii(p.b), 0)) from (
    select a, b from unnest(c[1:cardinality(c) - 1], c[2:]) x(a, b) union all select a, null from unnest(c) y(a)
  ) p where p.a <> ' ');
end $$

-- What the index must hold of a text that contains every word of `q`.
create function search_keys(q text) returns int8[] language sql immutable strict parallel safe
return array(
  select distinct (ascii(substr(w, n, 1))::int8 << 21) + ascii(substr(w, n + 1, 1))
  from unnest(string_to_array(search_text(q), ' ')) w cross join lateral generate_series(1, greatest(length(w) - 1, 1)) n where w <> ''
)

-- The patterns of LIKE for every word of `q`, letter by letter.
create function search_patterns(q text) returns text[] language sql immutable strict parallel safe
return array(
  select '%' || replace(replace(replace(w, '\', '\\'), '%', '\%'), '_', '\_') || '%'
  from unnest(string_to_array(search_text(q), ' ')) w where w <> ''
)

-- What can be searched of an issue. A table of its own: an issue is written some ten times in its life, and each time every index of its
-- table is; its words change hardly ever.
create table issue_words (
  issue_id uuid primary key,
  words text not null
)

create function keep_words() returns trigger language plpgsql as $$
begin
  insert into issue_words values (new.id, search_text(new.number || ' ' || new.place || ' ' || new.note))
  on conflict (issue_id) do update set words = excluded.words;
  return null;
end $$

set local maintenance_work_mem = '256MB'

insert into issue_words select id, search_text(number || ' ' || place || ' ' || note) from issues

-- What is new gathers in a list, which the worker sorts in every few seconds, so that no report waits for it.
create index issue_words_pairs on issue_words using gin (search_pairs(words)) with (gin_pending_list_limit = 16384)

create trigger issue_words after insert on issues for each row execute function keep_words()

-- Every action names these columns, and hardly one changes them.
create trigger issue_words_changed after update of number, place, note on issues for each row
when (row(old.number, old.place, old.note) is distinct from row(new.number, new.place, new.note)) execute function keep_words()

analyze issue_words

-- Since when a channel has not been reached; null while it is.
alter table channels add column failing_since timestamptz
