"""Every page of the client for everybody: axe, targets, text size, themes, both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from app.settings import settings
from tests.phones import (
    browser,
    here,
    opened,
)

AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = {
    "volunteer": [
        "/",
        "/app/report",
        "/app/mine",
        "/app/map",
        "/app/patrol",
        "/app/me",
        "/app/notices",
        "/app/outbox",
        "/app/nowhere",
    ],
    "leader": ["/app/activities", "/app/queue", "/app/people", "/app/coverage", "/app/black-spots"],
    "worker": ["/app/tasks"],
    "staff": ["/app/weekly", "/app/meeting", "/app/office", "/app/issues", "/app/handovers", "/app/league", "/app/areas", "/app/audit"],
    "admin": ["/app/catalogue"],
    None: ["/", "/public", "/join/anything", "/see/2026-000001"],
}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL = """() => [...document.querySelectorAll(
    'button, select, input:not([type=file]):not([type=checkbox]):not([type=range]), a.button, a.plain, .ways a, .item, label.button, label.check')]
  .filter((e) => e.checkVisibility() && !e.closest('.maplibregl-map')).map((e) => [e, e.getBoundingClientRect()])
  .filter(([, r]) => r.width > 1 && (r.height < 43.5 || r.width < 43.5)).map(([e, r]) => `${e.outerHTML.slice(0, 90)} ${r.width}x${r.height}`)"""


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_page_is_accessible(town, address, language, monkeypatch):
    """axe (WCAG 2.2 AA) finds nothing; every target is 44 pixels; nothing is wider than the phone, at the text size 200 % neither."""
    monkeypatch.setattr(settings(), "public", True)
    people = {role: await town.person(role) for role in PAGES if role}
    issue = (await people["volunteer"].report(**town.body()))["issue"]
    async with browser() as launched:
        for role, pages in PAGES.items():
            context, page = await opened(launched, address, people.get(role), here(town), language)
            errors, asked = [], set()
            context.on(
                "request",
                lambda request, asked=asked: asked.add(request.url.split("/")[2]) if request.url.startswith("http") else None,
            )
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            for path in [*pages, *([f"/app/issues/{issue['id']}"] if role == "leader" else [])]:
                await page.goto(path)
                await expect(page.locator("main")).to_be_visible()
                await expect(page.get_by_text(re.compile("^(正在读取…|Loading…)$"))).to_have_count(0)
                if path == "/" and role:
                    await expect(page.locator(".big")).to_be_visible()
                for theme in (
                    ("light", "dark", "sun")
                    if path in ("/", "/app/queue", "/app/office", f"/app/issues/{issue['id']}")
                    else ("light",)
                ):
                    await page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
                    await page.evaluate(AXE.read_text("utf-8"))
                    found = await page.evaluate(
                        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
                    )
                    told = [
                        f"{v['id']}: {v['nodes'][0]['html'][:150]} {v['nodes'][0]['failureSummary'][:200]}"
                        for v in found["violations"]
                    ]
                    assert not told, (role, path, theme, told)
                assert await page.evaluate(SMALL) == [], (role, path)
                assert await page.evaluate(OVERFLOW) <= 0, (role, path)
                await page.evaluate("document.documentElement.style.fontSize = '200%'")
                assert await page.evaluate(OVERFLOW) <= 0, (role, path, "200 %")
            assert errors == [], (role, errors)
            # Nobody else is asked for anything.
            assert asked == {address}, (role, asked)
            await context.close()
