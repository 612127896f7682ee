"""Screens that are true and find back by themselves: in a real browser, against the real service."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from pathlib import Path

import pytest
from playwright.async_api import expect

from app.client import shipping
from app.maps import tally
from tests.phones import DESK, browser, here, opened, until, value, waiting
from tests.test_accessible import AXE

KEPT = """async () => {
  const done = (asked) => new Promise((then, failed) => { asked.onsuccess = () => then(asked.result); asked.onerror = failed })
  const db = await done(indexedDB.open('gridpatrol'))
  const kept = await done(db.transaction('kept').objectStore('kept').getAll())
  db.close()
  return JSON.stringify(kept)
}"""
IN_CHARGE = "Boolean(navigator.serviceWorker?.controller)"


async def _online(context, page, on=True):
    await context.set_offline(not on)
    if on:
        await page.evaluate("dispatchEvent(new Event('online'))")


async def _with_password(person):
    wish = {"account": f"u{uuid.uuid4().hex[:8]}", "password": "correct horse"}
    assert (await person.call("PUT", "/v1/me/credentials", json=wish)).status_code in (200, 204)
    person.account = wish["account"]


async def _violations(page):
    """What axe finds, in words."""
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run()")
    return [f"{found['id']}: {found['nodes'][0]['html'][:150]}" for found in found["violations"]]


async def _enter(page, person):
    await page.get_by_label("Account").fill(person.account)
    await page.get_by_label("Password").fill("correct horse")
    await page.locator("form .first").click()


async def test_a_new_page_has_the_focus_and_is_told_and_one_gone_back_to_stands_as_it_was_left(town, address):
    leader = await town.person("leader")
    for n in range(25):
        await leader.report(**town.body(place=f"东浦巷{n}号"))
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await page.goto("/")
        heading, said = page.locator("h1"), page.locator("[data-announcer]")
        # The first page of a visit is read by the browser itself.
        await expect(heading).to_have_text("Hello, leader某")
        await expect(heading).not_to_be_focused()
        await page.get_by_role("link", name="Queue", exact=True).click()
        await expect(heading).to_have_text("Queue")
        await expect(heading).to_be_focused()
        await expect(said).to_have_text("Queue")
        link = page.get_by_role("link", name=re.compile("东浦巷20号"))
        await page.mouse.wheel(0, 2600)
        await expect(link).to_be_visible()
        await link.scroll_into_view_if_needed()
        before = await page.evaluate("scrollY")
        assert before > 800
        await link.click()
        await expect(heading).to_have_text(re.compile("Litter"))
        await expect(heading).to_be_focused()
        await expect(said).to_have_text(re.compile("Litter"))
        assert await page.evaluate("scrollY") == 0
        await page.go_back()
        await expect(link).to_be_focused()
        assert abs(await page.evaluate("scrollY") - before) < 120
        await expect(said).to_have_text("Queue")
        # A dialog gives the focus back to where it came from.
        more = page.locator("[data-action=assign]").first
        await more.click()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator("[data-action=assign]:focus")).to_have_count(1)
        await context.close()


@pytest.fixture
def newer_client(tmp_path, monkeypatch):
    """Puts a newer version of the client in place: another worker, for another shell."""

    def put():
        text = shipping.FILES["sw.js"].read_text("utf-8")
        mark = re.search(r"shell-[0-9a-f]{12}", text)
        assert mark
        path: Path = tmp_path / "sw.js"
        path.write_text(text.replace(mark[0], "shell-0123456789ab"), "utf-8")
        monkeypatch.setitem(shipping.FILES, "sw.js", path)
        shipping.file.cache_clear()

    yield put
    monkeypatch.undo()
    shipping.file.cache_clear()


async def test_a_newer_client_waits_until_people_take_it(town, address, newer_client):
    staff = await town.person("staff")
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "en", DESK)
        await page.goto("/app/me")
        await until(lambda: page.evaluate(IN_CHARGE))
        other = await context.new_page()
        await other.goto("/app/issues")
        await until(lambda: other.evaluate(IN_CHARGE))
        for one in (page, other):
            await one.evaluate("window.untouched = true")
        newer_client()
        await page.evaluate("navigator.serviceWorker.getRegistration().then((found) => found.update())")
        for one in (page, other):
            await expect(one.get_by_text("A new version is ready")).to_be_visible()
            assert await one.evaluate("window.untouched")
            assert await _violations(one) == []
        async with page.expect_event("load"):
            await page.get_by_role("button", name="Load anew").click()
        assert not await page.evaluate("Boolean(window.untouched)")
        await expect(page.get_by_text("A new version is ready")).to_have_count(0)
        # The other window goes on with what it has until its reader wants otherwise.
        await expect(other.get_by_text("Another window uses a new version")).to_be_visible()
        assert await other.evaluate("window.untouched")
        await other.get_by_role("link", name="People").first.click()
        await expect(other.locator("h1")).to_have_text("People")
        async with other.expect_event("load"):
            await other.get_by_role("button", name="Load anew").click()
        await expect(other.get_by_text("new version")).to_have_count(0)
        assert "shell-0123456789ab" in await other.evaluate("caches.keys()")
        await context.close()


async def test_a_page_that_breaks_leaves_the_others_standing(town, address):
    leader = await town.person("leader")
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town), service_workers="block")
        await context.grant_permissions(["clipboard-read", "clipboard-write", "geolocation"])
        await page.route("**/v1/black-spots", lambda route: route.fulfill(json={"items": [{"id": "x"}]}))
        await page.goto("/app/queue")
        await page.get_by_role("link", name="Black spots").click()
        await expect(page.locator("h1")).to_have_text("This page failed")
        await expect(page.locator("[data-announcer]")).to_have_text("This page failed")
        assert await _violations(page) == []
        await page.get_by_role("button", name="Copy details").click()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("TypeError") and "/app/black-spots" in copied
        await page.get_by_role("link", name="Me", exact=True).click()
        await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
        await page.unroute("**/v1/black-spots")
        await page.go_back()
        await expect(page.locator("h1")).to_have_text("Black spots")
        await context.close()


async def test_what_could_not_be_fetched_without_a_network_comes_when_it_is_back(town, address):
    """A page that was never opened, then the map."""
    leader = await town.person("leader")
    await leader.report(**town.body())
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town), service_workers="block")
        await page.goto("/app/queue")
        await expect(page.locator(".item")).to_have_count(1)
        await _online(context, page, False)
        await page.get_by_role("link", name="Coverage").click()
        await expect(page.locator("h1")).to_have_text("Page not loaded")
        await _online(context, page)
        await expect(page.get_by_text("cells walked")).to_be_visible()
        await page.get_by_role("link", name="Map", exact=True).click(no_wait_after=True)
        await expect(page.locator("canvas")).to_be_visible()
        await page.get_by_role("link", name="Queue", exact=True).click()
        await _online(context, page, False)
        # The map's own part is here already; what it shows is not.
        await page.get_by_role("link", name="Map", exact=True).click()
        await expect(page.get_by_text("The map needs a network")).to_be_visible()
        await _online(context, page)
        await expect(page.get_by_text("The map needs a network")).to_have_count(0)
        await expect(page.locator("canvas")).to_be_visible()
        await context.close()


async def test_the_map_itself_is_fetched_again(town, address):
    leader = await town.person("leader")
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await page.goto("/app/queue")
        await until(lambda: page.evaluate(IN_CHARGE))
        await page.wait_for_load_state("networkidle")
        await _online(context, page, False)
        await page.get_by_role("link", name="Map", exact=True).click()
        await expect(page.get_by_text("The map needs a network")).to_be_visible()
        # Tiles are asked for by a worker of the map, which has a policy of its own: without them it is an empty frame.
        async with page.expect_response(re.compile("/v1/tiles/issues/.*mvt")) as tile:
            await _online(context, page)
        assert (await tile.value).status in (200, 204)
        await expect(page.locator("canvas")).to_be_visible()
        await expect(page.get_by_text("The map needs a network")).to_have_count(0)
        await context.close()


async def _revoked(database, account):
    return await value(
        database, "select count(*) from sessions where account_id = $1 and device <> 'test' and revoked_at is not null", account
    )


async def test_signing_out_without_a_network_leaves_the_phone_to_the_next_at_once(town, address, database):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    await value(database, "update accounts set phone = '13800001111' where id = $1 returning 1", volunteer.id)
    for person in (leader, volunteer):
        await _with_password(person)
    async with browser() as launched:
        context, page = await opened(launched, address, None, here(town))
        await page.goto("/")
        await _enter(page, leader)
        await expect(page.locator("label.big")).to_be_visible()
        await page.goto("/app/people")
        await expect(page.get_by_text("13800001111")).to_be_visible()
        assert "13800001111" in await page.evaluate(KEPT)
        await page.goto("/app/me")
        await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
        await until(lambda: page.evaluate(IN_CHARGE))

        await _online(context, page, False)
        await page.get_by_role("button", name="Sign out", exact=True).click()
        await expect(page.get_by_label("Account")).to_be_visible()
        kept = await page.evaluate(KEPT)
        assert "13800001111" not in kept and "/v1/people" not in kept
        assert (await waiting(page))["issues"] == []
        assert await _revoked(database, leader.id) == 0
        # Opened anew without a network, and then with one: the cookie that is still there signs nobody in.
        await page.reload()
        await expect(page.get_by_label("Account")).to_be_visible()
        await _online(context, page)
        await until(lambda: _revoked(database, leader.id))
        await expect(page.get_by_label("Account")).to_be_visible()

        await _enter(page, volunteer)
        await expect(page.get_by_role("heading", name="volunteer某")).to_be_visible()
        await page.wait_for_load_state("networkidle")
        assert await _revoked(database, volunteer.id) == 0
        await context.close()


def _all_sent(page):
    async def sent():
        return not (await waiting(page))["outbox"]

    return sent


async def test_two_taps_are_one_action(town, address):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    first, second = [(await volunteer.report(**town.body()))["issue"]["id"] for _ in range(2)]
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))

        async def slowly(route):
            await asyncio.sleep(0.3)
            await route.continue_()

        await page.route("**/actions", slowly)
        for path in (f"/app/issues/{first}", "/app/queue?show=new"):
            await page.goto(path)
            await page.locator("[data-action=accept]").first.dblclick()
            await expect(page.locator("[data-action=accept]")).to_have_count(0)
            await until(_all_sent(page))
        for id in (first, second):
            items = (await leader.get(f"/v1/issues/{id}/timeline"))["items"]
            assert [entry["action"] for entry in items] == ["report", "accept"]
        await expect(page.get_by_text("not accepted", exact=False)).to_have_count(0)
        assert (await waiting(page))["outbox"] == []
        await context.close()


async def test_without_a_network_a_list_is_filtered_or_says_that_it_cannot_be(town, address):
    staff = await town.person("staff")
    for n, note in enumerate(("东门１２号垃圾桶", "西门路灯", "东门台阶")):
        await staff.report(**town.body(note=note, place=f"东浦巷{n}号"))
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "en", DESK, service_workers="block")
        await page.goto("/app/issues")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(3)
        await page.get_by_role("link", name="Overview").first.click()
        await _online(context, page, False)
        await page.get_by_role("link", name="Issues").first.click()
        await expect(page.get_by_text("Only what is kept on this phone")).to_be_visible()
        await expect(rows).to_have_count(3)
        await page.get_by_role("searchbox").fill("桶 12号")
        await page.keyboard.press("Enter")
        await expect(rows).to_have_count(1)
        await page.get_by_role("searchbox").fill("没有")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Nothing kept on this phone fits")).to_be_visible()
        # What happened in a span stands in the log, which is not on the phone.
        await page.evaluate("history.pushState(null, '', '/app/issues?happened=found&happened_since=2026-01-01T00:00:00Z')")
        await expect(page.get_by_text("Without a network this cannot be filtered by")).to_be_visible()
        await expect(rows).to_have_count(0)
        await _online(context, page)
        await expect(rows).to_have_count(3)
        await expect(page.get_by_text("Without a network this cannot be filtered by")).to_have_count(0)
        await context.close()


async def test_a_slow_answer_of_an_earlier_filter_is_not_shown(town, address):
    staff = await town.person("staff")
    await staff.report(**town.body(place="开着"))
    gone = (await staff.report(**town.body(category="street_vending", place="关了")))["issue"]
    await staff.act(gone["id"], "reject", reason="没有")
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "en", DESK, service_workers="block")
        held = asyncio.Event()

        async def slowly(route):
            await held.wait()
            await route.continue_()

        await page.route(re.compile(r"/v1/issues\?state=open"), slowly)
        await page.goto("/app/issues?state=open")
        await expect(page.get_by_label("State")).to_be_visible()
        await page.get_by_label("State").select_option("rejected")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(1)
        async with page.expect_response(re.compile(r"/v1/issues\?state=open")) as late:
            held.set()
        await (await late.value).finished()
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("关了")
        await context.close()


async def test_the_overview_of_a_quiet_community_goes_with_the_clock(town, address, database):
    """No change is heard, a deadline passes: the figure on the wall is not the one of this morning."""
    staff = await town.person("staff")
    issue = (await staff.report(**town.body()))["issue"]
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "en", DESK, service_workers="block")
        await page.clock.install()
        await tally.follow(database)
        await page.goto("/app/office")
        late = page.locator(".figure.late b")
        await expect(late).to_have_text("0")
        await expect(page.get_by_text(re.compile("^As of ")).first).to_be_visible()
        passed = "set {0} = now() - interval '1 hour' where id = $1 returning 1"
        await value(database, "update issues " + passed.format("deadline"), uuid.UUID(issue["id"]))
        await value(database, "update map_issues " + passed.format("ends_at"), uuid.UUID(issue["id"]))
        await tally.follow(database)
        await page.clock.fast_forward(70_000)
        await expect(late).to_have_text("1")
        await context.close()


async def test_shortcuts_of_one_letter_can_be_turned_off(town, address):
    staff = await town.person("staff")
    for _ in range(2):
        await staff.report(**town.body())
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "en", DESK)
        chosen = page.locator("tr[aria-selected=true]")
        second = page.locator("tbody tr").nth(1)
        await page.goto("/app/issues")
        await expect(chosen).to_have_count(1)
        await page.keyboard.press("j")
        await expect(second).to_have_attribute("aria-selected", "true")
        await page.goto("/app/me")
        await page.get_by_label("Shortcuts of a single key").uncheck()
        await page.goto("/app/issues")
        await expect(chosen).to_have_count(1)
        await page.keyboard.press("j")
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).not_to_be_focused()
        await expect(second).to_have_attribute("aria-selected", "false")
        await page.get_by_role("button", name="Shortcuts").click()
        await expect(page.get_by_text("are turned off")).to_be_visible()
        await context.close()


SILENT = """IDBFactory.prototype.open = () => Object.defineProperties(Object.create(IDBOpenDBRequest.prototype), {
  addEventListener: { value() {} }, removeEventListener: { value() {} },
})"""


async def test_a_store_that_does_not_answer_is_told_and_the_page_comes_all_the_same(town, address):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town), service_workers="block")
        await page.add_init_script(SILENT)
        await page.goto("/")
        await expect(page.locator("h1")).to_have_text("Hello, volunteer某")
        await expect(page.get_by_text("This browser keeps nothing")).to_be_visible()
        await context.close()


async def test_days_are_the_community_s_on_a_phone_west_of_it(town, address):
    leader = await town.person("leader")
    async with browser() as launched:
        context, page = await opened(
            launched, address, leader, here(town), service_workers="block", timezone_id="Pacific/Honolulu"
        )
        # Monday, four in the morning in Shanghai; Sunday in Honolulu.
        await page.clock.install(time="2026-11-22T20:00:00Z")
        asked = []
        page.on("request", lambda request: asked.append(request.url) if "/v1/coverage" in request.url else None)

        async def answer(route):
            days = [f"2026-11-{day}" for day in range(23, 30)]
            cell = {
                "id": "c",
                "name": "网格1",
                "walks": 0,
                "rounds_per_week": 7,
                "days": [{"day": day, "walks": 0} for day in days],
            }
            body = {
                "walked": 0,
                "person_times": 0,
                "unwalked": [],
                "cells": [cell],
                "since": days[0],
                "until": days[-1],
                "time_zone": "Asia/Shanghai",
            }
            await route.fulfill(
                body=json.dumps(body), content_type="application/json", headers={"date": "Sun, 22 Nov 2026 20:00:00 GMT"}
            )

        await page.route("**/v1/coverage**", answer)
        await page.route(re.compile("/v1/(me|categories|areas)"), _at_that_time)
        await page.goto("/app/coverage")
        heads = page.locator(".grid-days th[scope=col]")
        await expect(heads.nth(1)).to_have_text("11/23")
        await expect(heads.nth(7)).to_have_text("11/29")
        assert asked and asked[-1].endswith("since=2026-11-23")
        await context.close()


async def _at_that_time(route):
    """The real answer, given at the time of the test."""
    answer = await route.fetch()
    await route.fulfill(response=answer, headers={**answer.headers, "date": "Sun, 22 Nov 2026 20:00:00 GMT"})


async def test_who_signs_in_over_another_sees_nothing_of_theirs(town, address):
    volunteer, leader, worker = [await town.person(role) for role in ("volunteer", "leader", "worker")]
    await _with_password(worker)
    issue = (await volunteer.report(**town.body(place="东浦巷12号")))["issue"]
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town), service_workers="block")
        await page.goto("/app/queue")
        await expect(page.locator(".item")).to_have_count(1)
        await page.evaluate("history.pushState(null, '', '/app/sign-in')")
        await _enter(page, worker)
        await expect(page.locator("h1")).to_have_text("Hello, worker某")
        await page.evaluate(f"history.pushState(null, '', '/app/issues/{issue['id']}')")
        await expect(page.locator(".problem")).to_be_visible()
        await expect(page.get_by_text("东浦巷12号")).to_have_count(0)
        assert (await waiting(page))["issues"] == []
        await context.close()
