"""`gridpatrol bench sync`: a poll with nothing new against an empty authenticated route; what idle listeners cost."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from app.kit.db import Database
from app.people.sessions import hash_token
from app.sync.changes import Cursor, from_now
from bench.client import drive, request
from bench.intake import SOUTH, WEST, create_database, prepare, scratch, serve


async def _cursor(url: str, token: str) -> str:
    """A cursor that has seen everything."""
    database = await Database.open(url, 1)
    async with database.acquire() as connection:
        secret: Any = await connection.fetchval("select value from secrets where name = 'server'")
        start = Cursor(database.lineage, None, int(time.time()))
        cursor = (await from_now(connection, hash_token(token), start, "wgs84")).seal(secret)
    await database.close()
    return cursor


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def _connections(url: str) -> int:
    connection = await asyncpg.connect(url)
    count = await connection.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()
    return count


async def _listeners(url: str, port: int, pid: int, token: str, count: int) -> dict[str, Any]:
    """Memory and connections that idle listeners cost, and how long until all have heard of one report."""
    await asyncio.sleep(2)
    before, connections = _rss_mb(pid), await _connections(url)
    lines: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("GET", "/v1/events", token))
        await writer.drain()
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        lines.append((reader, writer))
    await asyncio.sleep(25)  # a heartbeat and some
    after, then = _rss_mb(pid), await _connections(url)

    async def hear(reader: asyncio.StreamReader) -> float:
        while b"event: changes" not in (line := await reader.readline()):
            if not line:
                raise RuntimeError("a stream ended")
        return time.monotonic()

    heard = [asyncio.create_task(hear(reader)) for reader, _ in lines]
    body = {
        "category": "litter", "position": {"lat": SOUTH + 0.01, "lon": WEST + 0.01}, "observed_at": datetime.now(UTC).isoformat()
    }  # fmt: skip
    start = time.monotonic()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("PUT", f"/v1/reports/{uuid.uuid4()}", token, json.dumps(body).encode()))
    await writer.drain()
    told = sorted(t - start for t in await asyncio.wait_for(asyncio.gather(*heard), 60))
    for _, line in lines:
        line.close()
    return {
        "listeners": count, "memory_mb": round(after - before, 1), "connections": then - connections,
        "first_heard_s": round(told[0], 3), "all_heard_s": round(told[-1], 3),
    }  # fmt: skip


async def _measure(url: str, size: int, seconds: float, rounds: int, listeners: int) -> dict[str, Any]:
    token, _ = await prepare(url, size)
    cursor = await _cursor(url, token)
    process, port = await serve("ours", url)
    try:
        poll, empty = (
            (lambda: request("GET", f"/v1/changes?cursor={cursor}", token)),
            (lambda: request("GET", "/bench/empty", token)),
        )
        rates: dict[str, list[float]] = {"poll": [], "empty": []}
        for make in (poll, empty):
            await drive(port, make, 2)
        for _ in range(rounds):
            rates["poll"].append(await drive(port, poll, seconds))
            rates["empty"].append(await drive(port, empty, seconds))
        live = await _listeners(url, port, process.pid, token, listeners) if listeners else None
    finally:
        process.terminate()
        process.wait(10)
    return {"issues": size, "rates": rates, "live": live}


def main(sizes: list[int], seconds: float, rounds: int, listeners: int, out: Path | None) -> None:
    """Measure and print."""
    console = Console()
    results: list[dict[str, Any]] = []
    with scratch() as (base, _):
        for size in sizes:
            url = create_database(base, f"sync_{size}")
            console.print(f"{size} issues …")
            results.append(asyncio.run(_measure(url, size, seconds, rounds, listeners if size == sizes[-1] else 0)))
    table = Table("what", "issues", "poll /s", "empty /s", "ratio (median)", "spread")
    for result in results:
        rates = result["rates"]
        ratios = [a / b for a, b in zip(rates["poll"], rates["empty"], strict=True)]
        table.add_row(
            "changes, nothing new", str(result["issues"]), *(f"{statistics.median(rates[w]):.0f}" for w in ("poll", "empty")),
            f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}",
        )  # fmt: skip
    console.print(table)
    if (live := results[-1]["live"]) is not None:
        console.print(
            f"{live['listeners']} idle listeners: {live['memory_mb']} MB, {live['connections']} database connections more; "
            f"of a report the first heard after {live['first_heard_s']} s, the last after {live['all_heard_s']} s"
        )
    if out is not None:
        out.write_text(json.dumps({"cores": os.cpu_count(), "results": results}, indent=1))
