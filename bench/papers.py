"""`gridpatrol bench papers`: the weekly summary and the ledger of a city, over HTTP, by one caller."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from bench.city import build
from bench.intake import create_database, scratch, serve


def _peak_mb(pid: int) -> float:
    """The most memory that a process has had at once."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


async def _measure(url: str, size: int) -> dict[str, dict[str, float]]:
    city = await build(url, size)
    process, port = await serve("ours", url)
    found: dict[str, dict[str, float]] = {}
    headers = {"authorization": f"Bearer {city.token}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=900) as client:

            async def ask(name: str, path: str, **parameters: Any) -> None:
                started, first, read = time.perf_counter(), 0.0, 0
                async with client.stream("GET", path, params=parameters) as answer:
                    answer.raise_for_status()
                    async for piece in answer.aiter_bytes():
                        first = first or time.perf_counter() - started
                        read += len(piece)
                took = time.perf_counter() - started
                found[name] = {
                    "first byte, s": first,
                    "all, s": took,
                    "MB": read / 1e6,
                    "peak of the process, MB": _peak_mb(process.pid),
                }

            for name, area in (("city", city.city), ("community", city.community)):
                await ask(f"weekly summary of the {name}, first time", "/v1/summaries/weekly.json", area=area)
                await ask(f"weekly summary of the {name}", "/v1/summaries/weekly.json", area=area)
            for kind in ("csv", "xlsx"):
                await ask(f"ledger of {city.open:,} open issues, {kind}", f"/v1/ledger.{kind}", state="open")
    finally:
        process.terminate()
        process.wait(10)
    return found


def main(size: int, out: Path | None) -> None:
    with scratch() as (base, _):
        found = asyncio.run(_measure(create_database(base, "papers"), size))
    table = Table("what", *next(iter(found.values())))
    for name, figures in found.items():
        table.add_row(name, *(f"{figure:,.2f}" for figure in figures.values()))
    Console().print(table)
    if out:
        out.write_text(json.dumps(found, indent=1))
