-- Papers that were issued: as they went out, with who and when. A week's paper of an area is issued once in each language.
create table summaries (
  area_id uuid not null references areas,
  week date not null check (extract(isodow from week) = 1),
  language text not null check (language in ('zh-CN', 'en')),
  paper jsonb not null,
  issued_by uuid not null references accounts,
  issued_at timestamptz not null default now(),
  primary key (area_id, week, language)
)
