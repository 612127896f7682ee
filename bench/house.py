"""`gridpatrol bench`: the map and the reading of issues against bare endpoints and tipg, in the same run, on a city of realistic density."""

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
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from app.issues.intake import mercator
from bench.city import City, build
from bench.client import drive, request
from bench.intake import create_database, scratch, serve

CONNECTIONS = 8
_WORLD = 40075016.685578488
# What is asked; of whom; in what share of which it is to be answered at least.
GOALS: dict[str, dict[str, float]] = {
    "tile z14, cold": {"bare": 0.7, "tipg": 2},
    "tile z16, cold": {"bare": 0.7, "tipg": 2},
    "tile z12, cold": {"bare": 20},
    "tile z14, unchanged (ETag)": {"tile z14, cold": 5},
    "list of 50 newest open of a cell": {"bare": 0.4, "tipg": 4},
    "one issue with its actions": {"bare": 0.4},
    "nearby": {"bare": 0.4},
    "report, complete": {"bare": 0.3},
}
_LIMITS_S = {
    "summary of all cells": 0.05,
    "hotspots of a community": 0.1,
    "hotspots of the city": 1.0,
    "hotspots of the city, kept": 1.0,
}


def _tile(place: tuple[float, float], z: int) -> tuple[int, int, int]:
    x, y, _ = mercator(*place)
    return z, int((x / _WORLD + 0.5) * 2**z), int((0.5 - y / _WORLD) * 2**z)


def _asks(city: City, dice: random.Random, etags: dict[str, str]) -> dict[str, dict[str, Callable[[], bytes]]]:
    """For each thing measured, how each server is asked for it."""

    def ours(path: Callable[[], str]) -> Callable[[], bytes]:
        return lambda: request("GET", path(), city.token)

    def tiles(z: int) -> dict[str, Callable[[], bytes]]:
        def at() -> str:
            return "/".join(map(str, _tile(dice.choice(city.places), z)))

        return {
            "ours": ours(lambda: f"/v1/tiles/issues/{at()}.mvt"),
            "bare": ours(lambda: f"/tiles/{at()}"),
            "tipg": ours(lambda: f"/collections/public.bare_open/tiles/WebMercatorQuad/{at()}"),
        }

    def unchanged() -> bytes:
        path = dice.choice(list(etags))
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {city.token}\r\nIf-None-Match: {etags[path]}\r\n\r\n"
        return head.encode()

    def near() -> str:
        lat, lon = dice.choice(city.places)
        return f"/v1/issues/nearby?category=broken_paving&lat={lat}&lon={lon}"

    def report() -> bytes:
        lat, lon = dice.choice(city.places)
        body = {
            "category": "litter", "position": {"lat": lat + dice.uniform(-1e-4, 1e-4), "lon": lon}, "observed_at": datetime.now(UTC).isoformat(),
            "note": "路边有散落垃圾",
        }  # fmt: skip
        return request(
            "PUT", f"/v1/reports/{uuid.UUID(int=dice.getrandbits(128), version=4)}", city.token, json.dumps(body).encode()
        )

    def listing() -> str:
        return f"/v1/issues?cell={dice.choice(city.cells)}&state=open"

    return {
        "tile z14, cold": tiles(14),
        "tile z16, cold": tiles(16),
        "tile z12, cold": {k: v for k, v in tiles(12).items() if k != "tipg"},
        "tile z14, unchanged (ETag)": {"ours": unchanged},
        "list of 50 newest open of a cell": {
            "ours": ours(listing), "bare": ours(listing),
            "tipg": ours(lambda: f"/collections/public.issues/items?cell_id={dice.choice(city.cells)}&is_open=true&sortby=-created_at&limit=50"),
        },
        "one issue with its actions": {w: ours(lambda: f"/v1/issues/{dice.choice(city.issues)}") for w in ("ours", "bare")},
        "nearby": {w: ours(near) for w in ("ours", "bare")},
        "report, complete": {w: report for w in ("ours", "bare")},
    }  # fmt: skip


async def _look(port: int, city: City, dice: random.Random, etags: dict[str, str]) -> None:
    """Fetch some tiles, so that their ETags are known."""
    etags.clear()
    await asyncio.sleep(3)  # what was reported is on the map
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {city.token}"}
    ) as client:
        for place in dice.sample(city.places, min(200, len(city.places))):
            path = "/v1/tiles/issues/{}/{}/{}.mvt".format(*_tile(place, 14))
            etags[path] = (await client.get(path)).headers["etag"]


async def _latencies(port: int, city: City, rounds: int) -> dict[str, list[float]]:
    """Seconds until the whole answer, one request at a time; hotspots each with a question that nobody asked before."""
    found: dict[str, list[float]] = {name: [] for name in _LIMITS_S}
    headers = {"authorization": f"Bearer {city.token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        for n in range(rounds):
            for name, path in (
                ("summary of all cells", "/v1/cells/summary"),
                ("hotspots of a community", f"/v1/hotspots?area={city.community}&radius_m={60 + n}"),
                ("hotspots of the city", f"/v1/hotspots?area={city.city}&radius_m={60 + n}"),
                ("hotspots of the city, kept", f"/v1/hotspots?area={city.city}&radius_m={60 + n}"),
            ):
                start = time.perf_counter()
                (await client.get(path)).raise_for_status()
                found[name].append(time.perf_counter() - start)
    return found


async def _measure(url: str, size: int, seconds: float, rounds: int, only: str, console: Console) -> dict[str, Any]:
    start = time.monotonic()
    city = await build(url, size)
    console.print(f"{size} issues, {city.open} of them open, filled in {time.monotonic() - start:.0f} s")
    dice = random.Random(1)
    worker = subprocess.Popen(  # noqa: ASYNC220 - started once, before anything is measured
        [sys.executable, "-m", "app.cli", "worker"], env=os.environ | {"DATABASE_URL": url, "GRIDPATROL_DATA": "/var/tmp"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    servers: dict[str, Any] = {}
    try:
        for which in ("ours", "bare", "tipg"):
            servers[which] = await serve(which, url)
        port = servers["ours"][1]
        etags: dict[str, str] = {}
        sizes: dict[str, int] = {}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {city.token}"}
        ) as client:
            for z in range(13):
                answers = [
                    await client.get("/v1/tiles/issues/{}/{}/{}.mvt".format(*_tile(place, z))) for place in city.places[:20]
                ]
                sizes[f"z{z}"] = max(len(a.content) for a in answers)
        asks = {name: of for name, of in _asks(city, dice, etags).items() if only in name}
        rates: dict[str, dict[str, list[float]]] = {name: {which: [] for which in of} for name, of in asks.items()}
        for _ in range(rounds):
            await _look(port, city, dice, etags)  # reports of the last round changed tiles
            for name, of in asks.items():
                for which, make in of.items():
                    rates[name][which].append(await drive(servers[which][1], make, seconds, CONNECTIONS))
        crowd: dict[str, float] = {}
        if "report, complete" in asks:
            # A thousand people look at the map, each as fast as he is served, while reports come in.
            report, tile = asks["report, complete"]["ours"], _asks(city, dice, etags)["tile z14, cold"]["ours"]
            readers = asyncio.create_task(drive(port, tile, seconds + 4, 1000, patient=True))
            await asyncio.sleep(2)
            crowd = {"reports": await drive(port, report, seconds + 1, CONNECTIONS), "tiles": await readers}
        latencies = await _latencies(port, city, max(3, rounds)) if not only else {}
    finally:
        for process in (worker, *(process for process, _ in servers.values())):
            process.terminate()
            process.wait(15)
    return {"issues": size, "open": city.open, "rates": rates, "latencies": latencies, "bytes": sizes, "crowd": crowd}


def _ratios(rates: dict[str, dict[str, list[float]]], name: str, to: str) -> list[float]:
    other = rates[name][to] if to in rates[name] else rates[to]["ours"]
    return [a / b for a, b in zip(rates[name]["ours"], other, strict=True)]


def show(results: list[dict[str, Any]], console: Console) -> None:
    for result in results:
        table = Table(
            "what",
            "ours /s",
            "bare /s",
            "tipg /s",
            "ratio (median)",
            "spread",
            "at least",
            title=f"{result['issues']:,} issues, {result['open']:,} open",
        )
        for name, rates in result["rates"].items():
            medians = [f"{statistics.median(rates[which]):,.0f}" if which in rates else "" for which in ("ours", "bare", "tipg")]
            ratios = {to: _ratios(result["rates"], name, to) for to in GOALS[name] if to in rates or to in result["rates"]}
            table.add_row(
                name, *medians, "\n".join(f"{statistics.median(r):.2f} of {to}" for to, r in ratios.items()),
                "\n".join(f"{min(r):.2f} to {max(r):.2f}" for r in ratios.values()), "\n".join(f"{goal:g}" for goal in GOALS[name].values()),
            )  # fmt: skip
        for name, seconds in result["latencies"].items():
            table.add_row(
                name,
                f"{statistics.median(seconds) * 1000:.0f} ms",
                "",
                "",
                "",
                f"to {max(seconds) * 1000:.0f} ms",
                f"{_LIMITS_S[name] * 1000:.0f} ms",
            )
        console.print(table)
        if result["crowd"]:
            console.print(
                f"With 1,000 map readers: {result['crowd']['reports']:,.0f} reports/s beside {result['crowd']['tiles']:,.0f} tiles/s"
            )
        console.print(f"Largest tile by zoom, bytes: {result['bytes']}")
    if len(results) > 1:
        first, last = results[0], results[-1]
        for name in first["rates"]:
            slower = statistics.median(first["rates"][name]["ours"]) / statistics.median(last["rates"][name]["ours"])
            console.print(f"{name}: {slower:.2f} times slower at {last['issues']:,} than at {first['issues']:,} issues")


def main(sizes: list[int], seconds: float, rounds: int, only: str, out: Path | None) -> None:
    console = Console()
    results: list[dict[str, Any]] = []
    with scratch() as (base, _):
        for size in sizes:
            url = create_database(base, f"bench_{size}")
            results.append(asyncio.run(_measure(url, size, seconds, rounds, only, console)))
    show(results, console)
    if out is not None:
        out.write_text(json.dumps({"cores": os.cpu_count(), "results": results}, indent=1))
