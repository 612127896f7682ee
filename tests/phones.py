"""Real browsers for the tests: Debian's chromium, driven by Playwright, on the service over real HTTP."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page, async_playwright

from tests.conftest import Person

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "/usr/bin/chromium"
)
# Software drawing, so that maps draw on a machine without a screen; and nothing of the browser's own errands.
ARGS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--no-first-run",
]  # fmt: skip
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
    """What lies in the phone's store: outbox entries and photographs, without their bytes."""
    return await page.evaluate(
        """async () => {
          const done = (asked) => new Promise((then, failed) => { asked.onsuccess = () => then(asked.result); asked.onerror = failed })
          const db = await done(indexedDB.open('gridpatrol'))
          const all = (name) => done(db.transaction(name).objectStore(name).getAll())
          const found = { outbox: await all('outbox'), photos: (await all('photos')).map(({ blob, ...rest }) => ({ ...rest, bytes: blob.size })) }
          db.close()
          return found
        }"""
    )
