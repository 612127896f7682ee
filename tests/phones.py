"""Real browsers for the tests: Debian's chromium, driven by Playwright, on the service over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page, async_playwright, expect

from bench.chromium import ARGS, CHROMIUM
from tests.conftest import Person
from tests.pictures import encode, scene

expect.set_options(timeout=15_000)
SHOT: Any = {"name": "street.jpg", "mimeType": "image/jpeg", "buffer": encode(scene(2000, 1500), quality=92)}
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 860}


def phone_options(place: tuple[float, float] | None, language: str, size: dict[str, int], **more: Any) -> dict[str, Any]:
    """How a context is made: where it stands (lat, lon; None: it may not know), which language, what size."""
    options: dict[str, Any] = {
        "viewport": size,
        "locale": language,
        "timezone_id": "Asia/Shanghai",
        "has_touch": size is PHONE,
        **more,
    }
    if place:
        options |= {"geolocation": {"latitude": place[0], "longitude": place[1], "accuracy": 12}, "permissions": ["geolocation"]}
    return options


@contextlib.asynccontextmanager
async def browser() -> AsyncGenerator[Any]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        try:
            yield launched
        finally:
            await launched.close()


async def sign_in(context: BrowserContext, address: str, person: Person) -> None:
    """The session cookie that signing in would have set."""
    token = person.client.headers["authorization"].removeprefix("Bearer ")
    cookie: Any = {"name": "gridpatrol", "value": token, "url": f"http://{address}", "httpOnly": True, "sameSite": "Strict"}
    await context.add_cookies([cookie | {"expires": time.time() + 86_400}])


def _kill_all(mark: str) -> None:
    """SIGKILL for every process whose command line holds `mark`."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "cmdline").read_text("utf-8", "replace"):
                    os.kill(int(entry.name), signal.SIGKILL)


class Phone:
    """A phone with a store that outlives its browser: `kill` ends it as a dead battery would, `start` begins anew."""

    def __init__(self, playwright: Any, folder: Path, address: str, options: dict[str, Any]) -> None:
        self.playwright, self.folder, self.address, self.options = playwright, folder, address, options
        self.context: BrowserContext
        self.page: Page

    async def start(self) -> Page:
        self.context = await self.playwright.chromium.launch_persistent_context(
            str(self.folder), executable_path=CHROMIUM, args=ARGS, base_url=f"http://{self.address}", **self.options
        )
        self.page = self.context.pages[0] if self.context.pages else await self.context.new_page()
        return self.page

    async def kill(self) -> None:
        _kill_all(str(self.folder))
        with contextlib.suppress(Exception):
            await self.context.close()


async def waiting(page: Page) -> dict[str, list[Any]]:
    """What lies in the phone's store: issues, outbox entries and photographs, these without their bytes."""
    return await page.evaluate(
        """async () => {
          const done = (asked) => new Promise((then, failed) => { asked.onsuccess = () => then(asked.result); asked.onerror = failed })
          const db = await done(indexedDB.open('gridpatrol'))
          const all = (name) => done(db.transaction(name).objectStore(name).getAll())
          const photos = (await all('photos')).map(({ blob, ...rest }) => ({ ...rest, bytes: blob.size }))
          const found = { issues: await all('issues'), outbox: await all('outbox'), photos }
          db.close()
          return found
        }"""
    )


def here(town, cell=0):
    return town.lat + 0.005, town.lon + 0.005 + 0.01 * cell


async def until(what, *, seconds=20):
    for _ in range(int(seconds * 20)):
        found = await what()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to pass")


async def value(database, statement, *values):
    async with database.acquire() as connection:
        return await connection.fetchval(statement, *values)


async def opened(launched, address, person, place, language="en", size=PHONE, **more):
    context = await launched.new_context(base_url=f"http://{address}", **phone_options(place, language, size, **more))
    if person:
        await sign_in(context, address, person)
    page = await context.new_page()
    return context, page


async def report(page, kind="litter", photo=True):
    """Three taps: the button (and the camera's own), the kind, send."""
    if photo:
        await page.locator("label.big input").set_input_files(SHOT)
    else:
        await page.get_by_role("link", name=re.compile("Without a photograph|不拍照上报")).click()
    await page.locator(f"[data-kind={kind}]").click()
    await placed(page)
    await page.locator(".send .button").click()
    await expect(page.locator("label.big")).to_be_visible()


async def placed(page):
    """The phone knows where it is: before, the report says that it lacks a place."""
    await expect(page.locator(".small-map").first).to_be_visible()


async def in_state(person, id, state):
    return (await person.get(f"/v1/issues/{id}"))["state"] == state


async def has_reported(person, n):
    return len((await person.get("/v1/issues", mine=True))["items"]) == n


async def has_reports(database, account, n):
    return await value(database, "select count(*) from reports where account_id = $1", account) == n
