"""`gridpatrol bench duties`: what the clock costs when nothing is due, and how fast many are told when many are, with a worker killed."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from app.duties import running
from app.kit.db import Database
from bench.intake import create_database, prepare, scratch

_MOST_DUE = 1000
# Every open issue has a deadline ahead; the area has a unit, and the leader of the first cell is told.
_PLAN = """
update issues i set state = 'assigned', unit_id = u.id, deadline = now() + interval '30 days' * random() + interval '1 day',
  duty = 'remind', duty_at = now() + interval '20 days' * random() + interval '1 hour' from units u where i.is_open
"""
_MAKE_DUE = """
update issues set deadline = now() + interval '2 s', duty = 'overdue', duty_at = now() + interval '2 s', cell_id = $2
where id in (select id from issues where duty is not null limit $1)
"""
_WORKER = """
import asyncio, sys
from pathlib import Path
from app.kit.db import Database
from app.photos.store import FolderStore
from app.worker import work_on
async def main():
    await work_on(sys.argv[1], await Database.open(sys.argv[1], 4), FolderStore(Path(sys.argv[2])))
asyncio.run(main())
"""


async def _measure(url: str, size: int, folder: Path) -> dict[str, Any]:
    _, cells = await prepare(url, size)
    database = await Database.open(url, 2)
    async with database.acquire() as connection:
        await connection.execute(
            "insert into units (id, area_id, name, kind) select gen_random_uuid(), id, '环卫站', 'bureau' from areas limit 1"
        )
        await connection.execute(_PLAN, timeout=900)
        await connection.execute("vacuum analyze issues", timeout=900)
        planned: Any = await connection.fetchval("select count(*) from issues where duty is not null")
    due = min(_MOST_DUE, planned)
    idle: list[float] = []
    for _ in range(20):
        start = time.perf_counter()
        await running.run(database)
        idle.append((time.perf_counter() - start) * 1000)
    workers = [await asyncio.create_subprocess_exec(sys.executable, "-c", _WORKER, url, str(folder)) for _ in range(2)]
    await asyncio.sleep(4)
    async with database.acquire() as connection:
        await connection.execute(_MAKE_DUE, due, cells[0])
        start = time.monotonic() + 2  # when they come due
        told: Any = 0
        while told < due and time.monotonic() - start < 120:
            await asyncio.sleep(0.1)
            told = await connection.fetchval("select count(*) from events where action = 'overdue'")
            if told and workers[0].returncode is None:
                workers[0].kill()  # halfway
            told = await connection.fetchval("select count(*) from notices where kind = 'overdue'")
        seconds = time.monotonic() - start
        await asyncio.sleep(8)
        events = await connection.fetchval("select count(*) from events where action = 'overdue'")
        notices = await connection.fetchval("select count(*) from notices where kind = 'overdue'")
    for worker in workers:
        if worker.returncode is None:
            worker.terminate()
        await worker.wait()
    await database.close()
    return {
        "open": planned, "idle_ms": round(statistics.median(idle), 2), "idle_worst_ms": round(max(idle), 2), "due": due,
        "told_s": round(seconds, 1), "events": events, "notices": notices,
    }  # fmt: skip


def main(size: int, out: Path | None) -> None:
    """Measure and print."""
    with scratch() as (base, folder):
        result = asyncio.run(_measure(create_database(base, "duties"), size, folder / "photos"))
    Console().print(
        f"{result['open']} open issues with deadlines: a look at what is due takes {result['idle_ms']} ms (worst {result['idle_worst_ms']}) when "
        f"nothing is.\n{result['due']} due at one moment, two workers, one killed halfway: all told after {result['told_s']} s; "
        f"{result['events']} events, {result['notices']} notices."
    )
    if out is not None:
        out.write_text(json.dumps({"cores": os.cpu_count(), **result}, indent=1))
