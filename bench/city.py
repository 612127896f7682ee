"""A city to measure on: 2,000 cells in 60 communities, N issues where and of what kinds real cases were, 12 % of them open.

`boston.csv.gz` holds 6,000 of Boston's street-order cases of 2015 (the city's open data, PDDL): place as shares of the city's box, category,
hours until closed. They are drawn again and again, each time moved by some metres, so that the places keep their density.
"""

from __future__ import annotations

import gzip
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.catalogue.catalogue import seed
from app.kit.db import Database
from app.maps import tally
from app.people.accounts import add_account
from app.people.sessions import add_session

WEST, SOUTH, SIDE = 102.8, 24.6, 0.15
COLUMNS, ROWS, COMMUNITIES = 50, 40, 60
_AREAS = """
insert into areas (id, parent_id, level, name, time_zone)
select md5('bench ' || n)::uuid, $1, 'community', '社区 ' || n, 'Asia/Shanghai' from generate_series(0, $2::int - 1) n
"""
_CELLS = """
insert into cells (id, area_id, name, geom) select gen_random_uuid(), md5('bench ' || (r / 4 * 6 + least(c / 9, 5)))::uuid, to_char(r * $3 + c, 'FM00000'),
  st_multi(st_setsrid(st_makeenvelope($1::float8 + c * $4::float8, $2::float8 + r * $5::float8, $1 + (c + 1) * $4, $2 + (r + 1) * $5), 4326))
from generate_series(0, $6 - 1) r, generate_series(0, $3::int - 1) c
"""
_UNITS = """
insert into units (id, area_id, name, kind) select md5('unit ' || n)::uuid, $1, '单位 ' || n, 'bureau' from generate_series(0, 19) n
"""
# Of open issues the newer are more; of closed ones the times to close are the sample's.
_FILL = f"""
insert into issues (id, number, state, category, category_version, position, cell_id, area_id, place, note, reporter_id, unit_id, deadline,
  rectified_at, recurrences, rework, version, created_at, updated_at, closed_at, duty, duty_at)
select gen_random_uuid(), next_issue_number(at, 'Asia/Shanghai'), state, category, 1, st_setsrid(st_makepoint(x, y), 4326), l.id, l.area_id,
  '东浦巷' || 1 + floor(dice * 7919)::int % 60 || '号',
  '路边有散落垃圾',
  md5('reporter ' || (dice * 500)::int)::uuid, 
  case when state in ('assigned', 'in_progress', 'closed', 'rectified') then md5('unit ' || floor(dice * 20)::int)::uuid end,
  deadline, case when state in ('closed', 'rectified') then least(ended, now()) end, case when dice < 0.2 then 1 else 0 end, case when dice > 0.93 then 1 else 0 end,
  1, at, at, case when state = 'closed' then least(ended, now()) end,
  case when state in ('assigned', 'in_progress') and deadline > now() then 'overdue' end,
  case when state in ('assigned', 'in_progress') and deadline > now() then deadline end
from (
  select s.category, {WEST} + least(greatest(s.x + (random() - 0.5) * 0.008, 0), 0.99999) * {SIDE} as x,
    {SOUTH} + least(greatest(s.y + (random() - 0.5) * 0.008, 0), 0.99999) * {SIDE} as y, at, at + make_interval(hours => coalesce(s.hours, 400)::int) as ended,
    at + interval '72 hours' as deadline, r.dice,
    case when not open then 'closed' else
      (array['reported', 'reported', 'accepted', 'assigned', 'assigned', 'in_progress', 'rectified'])[1 + floor(r.dice * 7)::int] end as state
  from (select random() as dice, random() < 0.12 as open, floor(random() * 6000)::int as pick, n from generate_series(1, $1::int) n offset 0) r
  cross join lateral (select now() - case when r.open then -ln(1 - random()) * 30 else 5 + random() * 695 end * interval '1 day' as at where r.n > 0) t
  join bench_sample s on s.n = r.pick
) i join cells l on l.name = to_char(floor((y - {SOUTH}) / {SIDE} * {ROWS})::int * {COLUMNS} + floor((x - {WEST}) / {SIDE} * {COLUMNS})::int, 'FM00000')
"""
# What the service is held against: the open issues in a plain table.
_BARE = (
    "create table bare_points (id uuid primary key, category text, geom geometry(Point, 4326), observed_at timestamptz, note text)",
    "insert into bare_points select id, category, position, created_at, note from issues",
    "create index on bare_points using gist (geom)",
    "create table bare_open (id uuid primary key, category text, state text, geom geometry(Point, 3857))",
    "insert into bare_open select id, category, state, mercator from issues where is_open order by random()",
    "create index on bare_open using gist (geom)",
)


@dataclass(frozen=True)
class City:
    """A token of the city's office, ids to ask for, and places of open issues as (lat, lon)."""

    token: str
    city: uuid.UUID
    community: uuid.UUID
    cells: list[uuid.UUID]
    issues: list[uuid.UUID]
    places: list[tuple[float, float]]
    open: int


async def build(url: str, size: int, community_open: int = 2000) -> City:
    """Fill the migrated database at `url`. The city's community is the one whose number of open issues is nearest to `community_open`."""
    database = await Database.open(url, 2)
    token, city = uuid.uuid4().hex, uuid.uuid4()
    async with database.transaction() as connection:
        await seed(connection)
        await connection.execute("insert into areas values ($1, null, 'city', '测试市', null, 'Asia/Shanghai')", city)
        await connection.execute(_AREAS, city, COMMUNITIES)
        await connection.execute("insert into area_tree select id, id from areas")
        await connection.execute("insert into area_tree select $1, id from areas where id <> $1", city)
        await connection.execute(_CELLS, WEST, SOUTH, COLUMNS, SIDE / COLUMNS, SIDE / ROWS, ROWS)
        await connection.execute(_UNITS, city)
        account = await add_account(connection, None, "bench", None, [("staff", city, None, None)])
        assert account is not None
        await add_session(connection, account, token, "bench")
        await connection.execute("create table bench_sample (n int primary key, x float8, y float8, category text, hours float8)")
        lines = gzip.decompress(Path(__file__).with_name("boston.csv.gz").read_bytes()).decode().splitlines()
        sample = [
            (n, float(x), float(y), kind, float(hours) if hours else None)
            for n, (x, y, kind, hours) in enumerate(line.split(",") for line in lines)
        ]
        await connection.copy_records_to_table("bench_sample", records=sample)
    async with database.acquire() as connection:
        for start in range(0, size, 100_000):
            await connection.execute(_FILL, min(100_000, size - start), timeout=900)
        await connection.execute("update issues set closed_at = created_at where closed_at < created_at", timeout=900)
        for statement in _BARE:
            await connection.execute(statement, timeout=900)
        for table in ("issues", "bare_points", "bare_open", "cells"):
            await connection.execute(f"vacuum analyze {table}", timeout=900)
    await tally.follow(database)
    await tally.figures(database)
    async with database.acquire() as connection:
        await connection.execute("vacuum analyze map_issues, map_counts, cell_figures")
        await connection.execute("checkpoint")
        cells = [
            row["id"]
            for row in await connection.fetch(
                "select cell_id as id from map_issues where cell_id is not null group by 1 order by 1"
            )
        ]
        near: Any = await connection.fetchval(
            "select area_id from map_issues where area_id is not null group by 1 order by abs(count(*) - $1::int), area_id limit 1",
            community_open,
        )
        some = await connection.fetch(
            "select id, st_y(position) as lat, st_x(position) as lon from issues where is_open order by random() limit 3000"
        )
        count: Any = await connection.fetchval("select count(*) from map_issues")
    await database.close()
    return City(token, city, near, cells, [r["id"] for r in some], [(r["lat"], r["lon"]) for r in some], count)
