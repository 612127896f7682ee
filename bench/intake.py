"""`gridpatrol bench intake`: reports and lists against bare endpoints, in one run, at several sizes."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from app.catalogue.catalogue import seed
from app.kit.cluster import private_cluster
from app.kit.db import Database, migrate
from app.people.accounts import add_account
from app.people.sessions import add_session
from bench.client import drive, request

WEST, SOUTH, _SIDE = 102.8, 24.6, 0.15
_COLUMNS, _ROWS = 50, 40
_FILL = f"""
insert into issues (id, number, state, category, category_version, position, cell_id, area_id, place, note, reporter_id, version,
  created_at, updated_at, closed_at)
select gen_random_uuid(), next_issue_number(at, 'Asia/Shanghai'), case when open then 'accepted' else 'closed' end, kind, 1,
  st_setsrid(st_makepoint({WEST} + x * {_SIDE}, {SOUTH} + y * {_SIDE}), 4326),
  cells[1 + floor(y * {_ROWS})::int * {_COLUMNS} + floor(x * {_COLUMNS})::int], $1, '东浦巷', '路边有散落垃圾', $2, 1, at, at,
  case when open then null else at end
from (select random() as x, random() as y, random() < 0.12 as open, now() - random() * interval '700 days' as at,
        (array['litter', 'street_vending', 'illegal_parking', 'fly_posting', 'building_waste'])[1 + floor(random() * 5)::int] as kind
      from generate_series(1, $3::int)) r, (select array_agg(id order by name) as cells from cells) c
"""


async def prepare(url: str, size: int) -> tuple[str, list[uuid.UUID]]:
    """A city of 2,000 cells and `size` issues, 12 % open, and a bare table of as many points; a token and the cells."""
    database = await Database.open(url, 2)
    token = uuid.uuid4().hex
    async with database.transaction() as connection:
        await seed(connection)
        area = uuid.uuid4()
        await connection.execute("insert into areas values ($1, null, 'community', 'bench', null, 'Asia/Shanghai')", area)
        await connection.execute("insert into area_tree values ($1, $1)", area)
        await connection.execute(
            "insert into cells (id, area_id, name, geom) select gen_random_uuid(), $1, to_char(r * $4 + c, 'FM00000'), "
            "st_multi(st_setsrid(st_makeenvelope($2::float8 + c * $5::float8, $3::float8 + r * $6::float8, "
            "$2 + (c + 1) * $5, $3 + (r + 1) * $6), 4326)) "
            "from generate_series(0, $7 - 1) r, generate_series(0, $4::int - 1) c",
            area, WEST, SOUTH, _COLUMNS, _SIDE / _COLUMNS, _SIDE / _ROWS, _ROWS,
        )  # fmt: skip
        cells = [row["id"] for row in await connection.fetch("select id from cells order by name")]
        account = await add_account(connection, None, "bench", None, [("leader", area, cells[0], None)])
        assert account is not None
        await add_session(connection, account, token, "bench")
    async with database.acquire() as connection:
        for start in range(0, size, 100_000):
            await connection.execute(_FILL, area, account, min(100_000, size - start), timeout=900)
        await connection.execute(
            "create table bare_points (id uuid primary key, category text, geom geometry(Point, 4326), observed_at timestamptz, note text)"
        )
        await connection.execute(
            "insert into bare_points select id, category, position, created_at, note from issues", timeout=900
        )
        await connection.execute("create index on bare_points using gist (geom)", timeout=900)
        for table in ("issues", "bare_points", "cells"):
            await connection.execute(f"vacuum analyze {table}", timeout=900)
        await connection.execute("checkpoint")
    await database.close()
    return token, cells


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start(which: str, url: str, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "bench.serve", which, url, str(port)])


async def serve(which: str, url: str) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    process = _start(which, url, port)
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return process, port
        except OSError:
            await asyncio.sleep(0.1)
    process.kill()
    raise RuntimeError(f"the {which} server did not start")


async def _measure(url: str, size: int, seconds: float, rounds: int) -> dict[str, Any]:
    token, cells = await prepare(url, size)
    dice = random.Random(1)
    observed = datetime.now(UTC).isoformat()

    def report() -> bytes:
        body = {
            "category": "litter", "position": {"lat": SOUTH + dice.random() * _SIDE, "lon": WEST + dice.random() * _SIDE},
            "observed_at": observed, "note": "路边有散落垃圾",
        }  # fmt: skip
        return request("PUT", f"/v1/reports/{uuid.UUID(int=dice.getrandbits(128), version=4)}", token, json.dumps(body).encode())

    def listing() -> bytes:
        return request("GET", f"/v1/issues?cell={dice.choice(cells)}&state=open", token)

    servers = {which: await serve(which, url) for which in ("ours", "bare")}
    rates: dict[str, dict[str, list[float]]] = {"report": {"ours": [], "bare": []}, "list": {"ours": [], "bare": []}}
    try:
        for make in (report, listing):  # warm up: plans prepared, caches filled
            for _, port in servers.values():
                await drive(port, make, 2)
        for _ in range(rounds):
            for name, make in (("list", listing), ("report", report)):
                for which, (_, port) in servers.items():
                    rates[name][which].append(await drive(port, make, seconds))
    finally:
        for process, _ in servers.values():
            process.terminate()
            process.wait(10)
    return {"issues": size, "rates": rates}


@contextmanager
def scratch() -> Generator[tuple[str, Path]]:
    """A PostGIS for one measurement: its URL and its folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gridpatrol-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        with private_cluster(Path(name)) as base:
            yield base, Path(name)


def create_database(base: str, name: str) -> str:
    """A migrated database beside the one at `base`; its URL."""

    async def create() -> None:
        connection = await asyncpg.connect(base)
        await connection.execute(f"create database {name}")
        await connection.close()

    asyncio.run(create())
    url = base.replace("/gridpatrol?", f"/{name}?")
    migrate(url)
    return url


def _ratios(rates: dict[str, list[float]]) -> list[float]:
    return [a / b for a, b in zip(rates["ours"], rates["bare"], strict=True)]


def main(sizes: list[int], seconds: float, rounds: int, out: Path | None) -> None:
    """Measure and print; the ratio is ours to bare, round by round."""
    console = Console()
    results: list[dict[str, Any]] = []
    with scratch() as (base, _):
        for size in sizes:
            url = create_database(base, f"bench_{size}")
            start = time.monotonic()
            console.print(f"{size} issues …")
            results.append(asyncio.run(_measure(url, size, seconds, rounds)))
            console.print(f"measured in {time.monotonic() - start:.0f} s")
    table = Table("what", "issues", "ours /s", "bare /s", "ratio (median)", "spread")
    for result in results:
        for name, rates in result["rates"].items():
            ratios = _ratios(rates)
            table.add_row(
                name, str(result["issues"]), *(f"{statistics.median(rates[w]):.0f}" for w in ("ours", "bare")),
                f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}",
            )  # fmt: skip
    console.print(table)
    for name in ("report", "list"):
        medians = [statistics.median(result["rates"][name]["ours"]) for result in results]
        if len(medians) > 1:
            console.print(f"{name}: {medians[0] / medians[-1]:.2f} times slower at {sizes[-1]} than at {sizes[0]} issues")
    if out is not None:
        out.write_text(json.dumps({"cores": os.cpu_count(), "results": results}, indent=1))
