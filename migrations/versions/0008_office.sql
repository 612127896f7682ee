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

-- What was done beside issues: visits to households, questionnaires, leaflets, clean-ups, meetings. `count` is of households, sheets or events; of
-- questionnaires `collected` how many came back; `people` who took part.
create table activities (
  id uuid primary key,
  area_id uuid not null references areas,
  kind text not null check (kind in ('household_visit', 'questionnaire', 'leaflet', 'clean_up', 'meeting')),
  on_day date not null,
  count int not null check (count between 1 and 1000000),
  collected int check (collected between 0 and count),
  people int not null default 0 check (people between 0 and 100000),
  place text not null default '',
  note text not null default '',
  account_id uuid not null references accounts,
  created_at timestamptz not null default now(),
  check (collected is null or kind = 'questionnaire')
)

create index activities_area on activities (area_id, on_day desc, id desc)
