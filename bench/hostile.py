"""`gridpatrol bench hostile`: how long others wait for their list while somebody sends what is meant to stop the service.

Four callers ask without a pause for a tile of an instant at the edge of what a datetime holds, signed in as nobody; six connections
of one account send progressive JPEGs of 8,000² with 2,000 scans and no end marker, one after another. The callers run in a process
of their own. Everything ends by itself after the seconds given.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.kit.db import Database
from app.people.accounts import add_account
from app.people.sessions import add_session
from bench.client import request
from bench.intake import create_database, prepare, scratch, serve

CALLERS, PICTURES, READERS = 4, 6, 2
MOST = 5.0
_SIDE, _SCANS, _COMMENT = 8000, 2000, 6
_TILE = "/v1/tiles/public/14/0/0.mvt?since=0001-01-01T00:00:00%2B14:00"


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


@lru_cache(maxsize=1)
def picture(side: int = _SIDE, scans: int = _SCANS) -> bytes:
    """A progressive JPEG of one component whose scans each say of every block that there is nothing more in it: small, and each a
    whole pass for a decoder. It has no end marker. A comment of eight bytes at `_COMMENT` makes another file of it."""
    frame = b"\x08" + side.to_bytes(2, "big") * 2 + b"\x01\x01\x11\x00"
    # One code of one bit: no difference (DC), and a run of 16,383 blocks that end here (AC, EOB13).
    one = b"\x01" + b"\x00" * 15
    head = b"\xff\xd8" + _segment(0xFE, bytes(8)) + _segment(0xDB, b"\x00" + b"\x01" * 64) + _segment(0xC2, frame)
    head += _segment(0xC4, b"\x00" + one + b"\x00" + b"\x10" + one + b"\xd0")
    runs = (side // 8) ** 2 // 16383 + 1
    bits = ("0" + "1" * 13) * runs
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    body = _segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + b"\x00"
    for n in range(scans):
        band = 1 + n % 63
        body += _segment(0xDA, b"\x01\x01\x00" + bytes((band, band, 0))) + data
    return head + body


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wanted: bytes) -> int:
    """Send a request and read the whole answer; its status."""
    writer.write(wanted)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(head[at + 15 : head.find(b"\r\n", at)]))
    return int(head[9:12])


def _upload(token: str, seed: int) -> bytes:
    content = picture()[:_COMMENT] + seed.to_bytes(8, "big") + picture()[_COMMENT + 8 :]
    head = f"PUT /v1/photos/{uuid.uuid4()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: image/jpeg\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def _attack(port: int, token: str, seconds: float) -> dict[str, Counter[int]]:
    """What the hostile callers were answered."""
    until = time.perf_counter() + seconds
    told: dict[str, Counter[int]] = {"tile": Counter(), "picture": Counter()}

    async def go_on(name: str, number: int) -> None:
        while time.perf_counter() < until:
            wanted = request("GET", _TILE, "") if name == "tile" else _upload(token, random.getrandbits(60))
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                while time.perf_counter() < until:
                    told[name][await asyncio.wait_for(_ask(reader, writer, wanted), max(0.1, until - time.perf_counter()))] += 1
                    wanted = wanted if name == "tile" else _upload(token, random.getrandbits(60))
                writer.close()
            except TimeoutError:
                told[name][0] += 1
            except (OSError, asyncio.IncompleteReadError):  # refused in the middle of what was sent
                told[name][-1] += 1

    work = [("tile", n) for n in range(CALLERS)] + [("picture", n) for n in range(PICTURES)]
    await asyncio.gather(*(go_on(name, n) for name, n in work))
    return told


async def _latencies(port: int, token: str, cells: list[uuid.UUID], seconds: float) -> list[float]:
    """Seconds that each GET /v1/issues took, over a few connections that rest a little between."""
    until, took, dice = time.perf_counter() + seconds, list[float](), random.Random(1)

    async def read() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (begun := time.perf_counter()) < until:
            status = await asyncio.wait_for(
                _ask(reader, writer, request("GET", f"/v1/issues?cell={dice.choice(cells)}&state=open", token)), 60
            )
            took.append(time.perf_counter() - begun)
            if status != 200:
                raise RuntimeError(f"GET /v1/issues was answered {status}")
            await asyncio.sleep(0.005)
        writer.close()

    await asyncio.gather(*(read() for _ in range(READERS)))
    return took


def _p(took: list[float], share: float) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * share))]


async def _measure(url: str, issues: int, seconds: float) -> dict[str, Any]:
    token, cells = await prepare(url, issues)
    hostile = uuid.uuid4().hex
    database = await Database.open(url, 2)
    async with database.transaction() as connection:
        area: Any = await connection.fetchval("select area_id from cells where id = $1", cells[0])
        # With a role: without one nothing of a picture would be read.
        account = await add_account(connection, None, "hostile", None, [("volunteer", area, cells[0], None)])
        assert account is not None
        await add_session(connection, account, hostile, "bench")
    await database.close()
    process, port = await serve("working", url)
    try:
        await _latencies(port, token, cells, 1)  # plans prepared, caches filled
        idle = await _latencies(port, token, cells, seconds)
        words = [sys.executable, "-m", "bench.hostile", str(port), hostile, str(seconds + 2)]
        attack = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
        await asyncio.sleep(1)
        during = await _latencies(port, token, cells, seconds)
        told, _ = await asyncio.wait_for(attack.communicate(), seconds + 60)
        after = await _latencies(port, token, cells, 1)
    finally:
        process.kill()  # threads that still read pictures would hold an orderly end up
        process.wait()
    figures = {
        name: {"requests": len(took), "median_s": statistics.median(took), "p99_s": _p(took, 0.99), "most_s": max(took)}
        for name, took in (("idle", idle), ("attacked", during), ("afterwards", after))
    }
    return figures | {"ratio": figures["attacked"]["p99_s"] / figures["idle"]["p99_s"], "answers": json.loads(told)}


def main(issues: int, seconds: float, out: Path | None) -> bool:
    """Measure and print; whether the p99 stayed below five times its idle value."""
    console = Console()
    os.environ["GRIDPATROL_PUBLIC"] = "true"  # the tiles are there for callers whom nobody knows
    with scratch() as (base, _):
        result = asyncio.run(_measure(create_database(base, "bench_hostile"), issues, seconds))
    table = Table("GET /v1/issues", "requests", "median", "p99", "longest")
    for name in ("idle", "attacked", "afterwards"):
        of = result[name]
        table.add_row(name, str(of["requests"]), *(f"{of[key] * 1000:.1f} ms" for key in ("median_s", "p99_s", "most_s")))
    console.print(table)
    console.print(f"p99 under attack: {result['ratio']:.1f} times its idle value (to stay under {MOST:g}).")
    console.print(f"Hostile requests by status (0: not answered in time, -1: cut off): {result['answers']}")
    if out is not None:
        out.write_text(json.dumps({"cores": os.cpu_count(), **result}, indent=1))
    return result["ratio"] < MOST


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_attack(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))))
