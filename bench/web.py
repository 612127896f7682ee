"""`make bench-web`: the web client on an old phone in a bad network, and the map with a million issues behind it.

Debian's chromium with a phone's screen (360 × 740), a processor slowed 4 times, and the network of WebPageTest's "Slow 3G" (400 kbit/s,
400 ms to and fro). Times include that slowness. Needs what `make test` installs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import CDPSession, Page, Response, async_playwright
from rich.console import Console
from rich.table import Table

from app.kit.db import Database
from app.people.accounts import add_account
from app.people.sessions import add_session
from bench.chromium import ARGS, CHROMIUM
from bench.city import SIDE, SOUTH, WEST, build
from bench.intake import create_database, scratch, serve

_PROFILES = {"slow 3G": (400_000 / 8, 400), "slow 3G of DevTools": (400_000 / 8, 2000)}
_READY = """() => { const input = document.querySelector('label.big input'); return Boolean(input) && !input.disabled }"""
# Every frame's length while the list is scrolled from its beginning to its end, 7,200 pixels a second: a hard throw of the thumb.
_SCROLL = """async () => {
  const frames = []
  let last = performance.now(), still = 0, top = -1
  while (still < 30) {
    await new Promise(requestAnimationFrame)
    const now = performance.now()
    frames.push(now - last)
    last = now
    scrollBy(0, 120)
    still = scrollY === top ? still + 1 : 0
    top = scrollY
  }
  return { frames, rows: document.querySelectorAll('.item').length }
}"""

# Leaves 1,000 of the issues that lie on the phone, all of them as if this person had reported them.
_KEEP_1000 = """async () => {
  const done = (asked) => new Promise((then) => { asked.onsuccess = () => then(asked.result) })
  const db = await done(indexedDB.open('gridpatrol'))
  const store = db.transaction('issues', 'readwrite').objectStore('issues')
  const ids = await done(store.getAllKeys())
  for (const id of ids.slice(1000)) store.delete(id)
  const body = { items: ids.slice(0, 1000).map((id) => ({ id })), next_cursor: null }
  await done(db.transaction('kept', 'readwrite').objectStore('kept').put({ path: '/v1/issues?mine=true&limit=200', at: Date.now(), body }))
  db.close()
}"""
_SHELL = "caches.keys().then((names) => names.some((name) => name.startsWith('shell')))"
_COUNT = """async () => {
  const done = (asked) => new Promise((then) => { asked.onsuccess = () => then(asked.result) })
  const db = await done(indexedDB.open('gridpatrol'))
  const count = await done(db.transaction('issues').objectStore('issues').count())
  db.close()
  return count >= 1000
}"""


def _picture(size: int) -> bytes:
    """A photograph of about `size` bytes, 12 megapixels, that no coder can make smaller."""
    image = Image.frombytes("RGB", (1000, 750), os.urandom(1000 * 750 * 3)).resize((4000, 3000))
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        for quality in range(95, 20, -5):
            image.save(file.name, quality=quality)
            if Path(file.name).stat().st_size <= size:
                break
        return Path(file.name).read_bytes()


async def _person(url: str, area: Any) -> str:
    database = await Database.open(url, 1)
    token = os.urandom(16).hex()
    async with database.transaction() as connection:
        account = await add_account(connection, None, "志愿者", None, [("volunteer", area, None, None)])
        assert account is not None
        await add_session(connection, account, token, "bench")
    await database.close()
    return token


async def _slow(page: Page, profile: str | None, offline: bool = False) -> CDPSession:
    session = await page.context.new_cdp_session(page)
    rate, latency = _PROFILES[profile] if profile else (-1, 0)
    await session.send("Network.enable")
    await session.send(
        "Network.emulateNetworkConditions",
        {"offline": offline, "latency": latency, "downloadThroughput": rate, "uploadThroughput": rate},
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 4 if profile or offline else 1})
    return session


async def _ready(page: Page, address: str) -> float:
    started = time.perf_counter()
    await page.goto(address, wait_until="commit")
    await page.wait_for_function(_READY, timeout=60_000)
    return time.perf_counter() - started


async def _measure(url: str, issues: int, console: Console) -> dict[str, Any]:
    console.print(f"Making a city of {issues:,} issues …")
    city = await build(url, issues)
    token = await _person(url, city.city)
    process, port = await serve("ours", url)
    address = f"http://127.0.0.1:{port}"
    found: dict[str, Any] = {"issues": issues, "open": city.open}
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)

            async def context(who: str, size: tuple[int, int] = (360, 740)) -> Any:
                made = await browser.new_context(
                    base_url=address, viewport={"width": size[0], "height": size[1]}, locale="zh-CN", permissions=["geolocation"],
                    geolocation={"latitude": SOUTH + SIDE / 2, "longitude": WEST + SIDE / 2, "accuracy": 10},
                )  # fmt: skip
                await made.add_cookies(
                    [{"name": "gridpatrol", "value": who, "url": address, "httpOnly": True, "sameSite": "Strict"}]
                )
                return made

            kept: Any = None
            for profile in _PROFILES:
                console.print(f"First visit, {profile} …")
                phone = await context(token)
                page = await phone.new_page()
                session = await _slow(page, profile)
                bytes_before: dict[str, int] = {}
                kinds: dict[str, str] = {}

                def received(event: Any, kinds: dict[str, str] = kinds) -> None:
                    kinds[event["requestId"]] = event["response"]["url"]

                def finished(event: Any, sizes: dict[str, int] = bytes_before, kinds: dict[str, str] = kinds) -> None:
                    sizes[kinds.get(event["requestId"], "?")] = event["encodedDataLength"]

                session.on("Network.responseReceived", received)
                session.on("Network.loadingFinished", finished)
                took = await _ready(page, "/")
                found[f"first visit, {profile}"] = took
                script = {name: size for name, size in bytes_before.items() if name.endswith(".js")}
                found["JavaScript before the button, kB"] = sum(script.values()) / 1000
                found["map before the button"] = any("big-map" in name for name in bytes_before)
                if profile == "slow 3G":
                    await _slow(page, None)
                    await page.wait_for_function(
                        "caches.keys().then((names) => names.some((name) => name.startsWith('shell')))", timeout=60_000
                    )
                    await page.wait_for_function(_COUNT, timeout=60_000)
                    kept = phone
                else:
                    await phone.close()
            assert kept is not None

            console.print("Second visit, offline …")
            page = await kept.new_page()
            await kept.set_offline(True)
            times = []
            for _ in range(5):
                session = await _slow(page, None, offline=True)
                times.append(await _ready(page, "/"))
            found["second visit, offline"] = sorted(times)[len(times) // 2]

            console.print("A report with a photograph of 4 MB …")
            photo = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": _picture(4_000_000)}
            found["photograph, MB"] = len(photo["buffer"]) / 1e6
            times, taps = [], 0
            for _ in range(5):
                # The first tap opens the camera, which hands over its picture; what is tapped there is the camera's.
                await page.locator("label.big input").set_input_files(photo)
                await page.locator("[data-kind=litter]").click()
                await page.wait_for_timeout(500)
                started = time.perf_counter()
                await page.locator(".send .button").click()
                await page.locator(".toast").wait_for()
                times.append(time.perf_counter() - started)
                taps = 3
                await page.locator(".toast").wait_for(state="detached", timeout=20_000)
            found["report: taps"], found["report: saved after the last tap"] = taps, sorted(times)[len(times) // 2]

            console.print("Scrolling 1,000 issues, offline …")
            await page.evaluate(_KEEP_1000)
            await page.goto("/app/mine")
            await page.locator(".item").first.wait_for()
            await _slow(page, None, offline=True)
            await page.wait_for_timeout(1500)
            scrolled = await page.evaluate(_SCROLL)
            frames = sorted(scrolled["frames"][1:])
            found["list: rows"], found["list: longest frame, ms"] = scrolled["rows"], frames[-1]
            found["list: frames over 50 ms"] = sum(frame > 50 for frame in frames)
            found["list: frames"] = len(frames)
            await kept.close()

            console.print("The map of the whole city …")
            times = []
            for _ in range(3):
                office = await context(city.token, (1280, 860))
                page = await office.new_page()
                await _ready(page, "/")
                tiles = asyncio.Event()

                def heard(response: Response, tiles: asyncio.Event = tiles) -> None:
                    if "/v1/tiles/issues/" in response.url and response.status in (200, 204):
                        tiles.set()

                page.on("response", heard)
                started = time.perf_counter()
                await page.locator(".ways a[href='/app/map']").click()
                await asyncio.wait_for(tiles.wait(), 60)
                times.append(time.perf_counter() - started)
                await office.close()
            found["map: first tiles"] = sorted(times)[1]
            await browser.close()
    finally:
        process.terminate()
        process.wait(10)
    return found


_GOALS = {
    "JavaScript before the button, kB": 90, "first visit, slow 3G": 5, "second visit, offline": 1, "report: saved after the last tap": 1,
    "report: taps": 3, "list: longest frame, ms": 50, "map: first tiles": 2,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    console = Console()
    with scratch() as (base, _):
        found = asyncio.run(_measure(create_database(base, "web"), asked.issues, console))
    table = Table("what", "reached", "goal")
    for name, value in found.items():
        goal = _GOALS.get(name)
        told = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
        table.add_row(name, told, "" if goal is None else f"≤ {goal}", style="red" if goal is not None and value > goal else "")
    console.print(table)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
