"""`make screens`: every main screen of the web client into docs/screens, made by the running demo in Debian's chromium.

Starts the demo in a folder of its own, plays one issue with photographs from report to verification, and ends it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import async_playwright

from app.demo import drawing
from bench.chromium import ARGS, CHROMIUM
from bench.intake import free_port

TARGET = Path(__file__).parents[1] / "docs" / "screens"
PHONE, DESK = (360, 740), (1280, 860)
PLACE = (24.6713, 102.9062)
# The meeting's next sheet.
_NEXT = "nav .button.first"
# Name, whose, language, size, address, and what is touched before.
SCREENS: tuple[tuple[str, str | None, str, tuple[int, int], str, str | None], ...] = (
    ("volunteer-home", "demo-volunteer-1", "zh-CN", PHONE, "/", None),
    ("volunteer-report", "demo-volunteer-1", "zh-CN", PHONE, "/app/report", "[data-kind=litter]"),
    ("volunteer-mine", "demo-volunteer-1", "zh-CN", PHONE, "/app/mine", None),
    ("volunteer-me", "demo-volunteer-1", "en", PHONE, "/app/me", None),
    ("volunteer-issue", "demo-volunteer-1", "zh-CN", PHONE, "/app/issues/{issue}", None),
    ("volunteer-patrol", "demo-volunteer-1", "en", PHONE, "/app/patrol", None),
    ("leader-home", "demo-leader-1", "zh-CN", PHONE, "/", None),
    ("leader-queue", "demo-leader-1", "zh-CN", PHONE, "/app/queue?show=open", None),
    ("leader-assign", "demo-leader-1", "en", PHONE, "/app/queue?show=open", "[data-action=assign]"),
    ("leader-invite", "demo-leader-1", "zh-CN", PHONE, "/app/people", "main .button.first|dialog .foot .first"),
    ("leader-map", "demo-leader-1", "zh-CN", PHONE, "/app/map", None),
    ("leader-coverage", "demo-leader-1", "en", PHONE, "/app/coverage", None),
    ("worker-tasks", "demo-worker-1", "zh-CN", PHONE, "/app/tasks", None),
    ("worker-way", "demo-worker-1", "en", PHONE, "/app/map?tasks=1", None),
    ("office-overview", "demo-staff", "zh-CN", DESK, "/app/office", None),
    ("office-issues", "demo-staff", "zh-CN", DESK, "/app/issues?state=open", None),
    ("office-issues-en", "demo-staff", "en", DESK, "/app/issues?state=open&overdue=true", None),
    ("office-issue", "demo-staff", "en", DESK, "/app/issues/{issue}", None),
    ("office-handovers", "demo-staff", "zh-CN", DESK, "/app/handovers", None),
    ("office-black-spots", "demo-staff", "zh-CN", DESK, "/app/black-spots", None),
    ("office-weekly", "demo-staff", "zh-CN", DESK, "/app/weekly", None),
    ("desk-meeting", "demo-staff", "zh-CN", DESK, "/app/meeting", _NEXT),
    (
        "desk-meeting-photographs",
        "demo-staff",
        "zh-CN",
        DESK,
        "/app/meeting",
        "nav .button.first|nav .button.first|nav .button.first|nav .button.first|nav .button.first",
    ),
    ("office-activities", "demo-staff", "en", DESK, "/app/activities", None),
    ("office-league", "demo-staff", "zh-CN", DESK, "/app/league", None),
    ("office-areas", "demo-staff", "zh-CN", DESK, "/app/areas", None),
    ("admin-catalogue", "demo-admin", "en", DESK, "/app/catalogue", None),
    ("public", None, "zh-CN", DESK, "/public", None),
    ("public-phone", None, "en", PHONE, "/public", None),
    ("public-what-became", None, "zh-CN", PHONE, "/see/{number}", None),
    ("sign-in", None, "en", PHONE, "/", None),
)


def picture(mended: bool) -> bytes:
    """A street with rubbish, or without."""
    return drawing.street(0, None if mended else "litter") or b""


async def _story(address: str, people: dict[str, str]) -> dict[str, str]:
    """One issue with a picture before and one after, closed; and one that waits to be accepted."""
    tokens: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        for account in ("demo-volunteer-1", "demo-leader-1", "demo-worker-1"):
            answer = await client.post("/v1/sessions", json={"account": account, "password": people[account]})
            tokens[account] = answer.json()["token"]

        async def ask(who: str, method: str, path: str, **options: Any) -> Any:
            headers = {"authorization": f"Bearer {tokens[who]}", "accept-language": "zh-CN"} | options.pop("headers", {})
            answer = await client.request(method, path, headers=headers, **options)
            answer.raise_for_status()
            return answer.json() if answer.content else None

        async def photo(who: str, mended: bool) -> str:
            id = str(uuid.uuid4())
            await ask(who, "PUT", f"/v1/photos/{id}", content=picture(mended), headers={"content-type": "image/jpeg"})
            return id

        async def report(photos: list[str], note: str, lat: float) -> Any:
            body = {
                "category": "litter", "position": {"lat": lat, "lon": PLACE[1], "accuracy_m": 8}, "observed_at": datetime.now(UTC).isoformat(),
                "note": note, "place": "东浦巷12号", "photos": photos,
            }  # fmt: skip
            return (await ask("demo-volunteer-1", "PUT", f"/v1/reports/{uuid.uuid4()}", json=body))["issue"]

        async def act(who: str, id: str, **fields: Any) -> None:
            await ask(who, "POST", f"/v1/issues/{id}/actions", json=fields)

        issue = await report([await photo("demo-volunteer-1", False)], "墙边堆放垃圾，有异味", PLACE[0] + 0.0012)
        me = await ask("demo-worker-1", "GET", "/v1/me")
        await act("demo-leader-1", issue["id"], action="accept")
        await act("demo-leader-1", issue["id"], action="assign", unit=me["units"][0]["id"])
        await act("demo-worker-1", issue["id"], action="start")
        await act("demo-worker-1", issue["id"], action="rectify", photos=[await photo("demo-worker-1", True)])
        await act("demo-volunteer-1", issue["id"], action="verify", note="已清理干净，谢谢")
        await report([await photo("demo-volunteer-1", False)], "又堆了一处", PLACE[0] - 0.0008)
        whom = await ask("demo-volunteer-1", "GET", "/v1/me")
        await ask(
            "demo-leader-1",
            "PUT",
            f"/v1/thanks/{uuid.uuid4()}",
            json={"account": whom["id"], "text": "天天巡查，辛苦了！", "issue": issue["id"]},
        )
        return {"issue": issue["id"], "number": issue["number"]}


@contextlib.contextmanager
def demo() -> Generator[tuple[str, dict[str, str]]]:
    """The demo on a port of its own: its address, and the passwords of its accounts."""
    with tempfile.TemporaryDirectory(prefix="gridpatrol-screens-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        port = free_port()
        process = subprocess.Popen([sys.executable, "-m", "app.cli", "run", "--demo", "--data", name, "--port", str(port)])
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(300):
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{address}/readyz").status_code == 200:
                        break
                time.sleep(0.2)
            accounts = json.loads(Path(name, "demo-accounts.json").read_text("utf-8"))
            yield address, {account["account"]: account["password"] for account in accounts}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


async def _shoot(address: str, people: dict[str, str]) -> None:
    async with async_playwright() as playwright:
        ids = await _story(address, people)
        # The map and the variants of the pictures follow within seconds.
        await asyncio.sleep(6)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for name, account, language, (width, height), path, touched in SCREENS:
            context = await browser.new_context(
                base_url=address, viewport={"width": width, "height": height}, locale=language, timezone_id="Asia/Shanghai", service_workers="block",
                permissions=["geolocation"], geolocation={"latitude": PLACE[0], "longitude": PLACE[1], "accuracy": 12},
            )  # fmt: skip
            page = await context.new_page()
            if account:
                await page.request.post("/v1/sessions?cookie=true", data={"account": account, "password": people[account]})
            if name == "volunteer-report":
                await page.goto("/")
                files: Any = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": picture(False)}
                await page.locator("label.big input").set_input_files(files)
            else:
                await page.goto(path.format(**ids))
            await page.wait_for_load_state("networkidle")
            for target in touched.split("|") if touched else ():
                await page.locator(target).first.click()
            await page.wait_for_timeout(
                2500 if any(word in path for word in ("map", "office", "issues", "public", "meeting")) else 700
            )
            await page.screenshot(path=TARGET / f"{name}.png")
            print(name)
            await context.close()
        await browser.close()


def main() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    with demo() as (address, people):
        asyncio.run(_shoot(address, people))


if __name__ == "__main__":
    main()
