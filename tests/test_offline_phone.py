"""What a phone does where there is no network, or no luck: in a real browser, against the real service."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from app.settings import settings
from tests.phones import (
    PHONE,
    SHOT,
    Phone,
    browser,
    has_reports,
    here,
    in_state,
    opened,
    phone_options,
    placed,
    report,
    sign_in,
    until,
    value,
    waiting,
)


@pytest.fixture
def folder():
    # Short, and not below pytest's folder: chromium makes sockets in it.
    path = Path(tempfile.mkdtemp(prefix="phone-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


async def test_a_report_made_offline_survives_a_killed_browser_and_arrives_once(town, address, database, folder):
    volunteer = await town.person("volunteer")
    async with async_playwright() as playwright:
        phone = Phone(playwright, folder, address, phone_options(here(town), "zh-CN", PHONE))
        page = await phone.start()
        await sign_in(phone.context, address, volunteer)
        await page.goto("/")
        await expect(page.get_by_text("随手拍").first).to_be_visible()
        # The catalogue and the cells are on the phone, and the service worker has the client.
        await until(lambda: page.evaluate("navigator.serviceWorker?.getRegistration().then((r) => Boolean(r?.active))"))
        await until(lambda: page.evaluate("caches.keys().then((names) => names.some((name) => name.startsWith('shell-')))"))
        await page.wait_for_load_state("networkidle")

        await phone.context.set_offline(True)
        await report(page)
        await expect(page.locator(".toast")).to_contain_text("已保存在本机")
        kept = await waiting(page)
        assert len(kept["outbox"]) == 1 and [photo["state"] for photo in kept["photos"]] == ["waiting"]
        assert kept["photos"][0]["bytes"] == len(SHOT["buffer"])
        id = kept["outbox"][0]["id"]
        await phone.kill()

        page = await phone.start()
        # Chromium writes cookies down every half minute; this one was younger than that.
        await sign_in(phone.context, address, volunteer)
        await phone.context.set_offline(True)
        await page.goto("/")
        await expect(page.get_by_role("link", name="待发送 2 项")).to_be_visible()
        assert await value(database, "select count(*) from reports where id = $1", uuid.UUID(id)) == 0
        await page.goto("/app/outbox")
        await expect(page.get_by_text("已存本机").first).to_be_visible()
        await expect(page.get_by_text("上报：垃圾")).to_be_visible()

        await phone.context.set_offline(False)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.get_by_text("全部已送达")).to_be_visible(timeout=30_000)
        found = await volunteer.get(f"/v1/reports/{id}")
        assert found["issue"]["photos"][0]["state"] == "stored" and found["report"]["position"]["accuracy_m"] == 12
        assert await value(database, "select count(*) from reports where account_id = $1", volunteer.id) == 1
        await page.goto("/app/mine")
        await expect(page.locator(".item")).to_have_count(1)
        await phone.context.close()


async def test_two_phones_act_on_one_issue(town, address):
    """One leader acts without a network on what another has decided meanwhile: he is told, and nothing of his is lost."""
    volunteer, first, second = [await town.person(role) for role in ("volunteer", "leader", "leader")]
    issue = (await volunteer.report(**town.body()))["issue"]
    async with browser() as launched:
        one, page_one = await opened(launched, address, first, here(town))
        two, page_two = await opened(launched, address, second, here(town))
        for page in (page_one, page_two):
            await page.goto("/app/queue")
            await expect(page.locator(".item")).to_have_count(1)
        await two.set_offline(True)
        await page_two.locator("[data-action=reject]").click()
        await page_two.get_by_label("Reason").fill("not there any more")
        await page_two.get_by_role("dialog").get_by_role("button", name="Reject", exact=True).click()
        await expect(page_two.locator(".toast")).to_contain_text("saved on this phone")

        await page_one.locator("[data-action=accept]").click()
        await until(lambda: in_state(first, issue["id"], "accepted"))

        await two.set_offline(False)
        await page_two.evaluate("dispatchEvent(new Event('online'))")
        await page_two.get_by_role("link", name="Look").first.click()
        await expect(page_two.locator(".problem").first).to_contain_text("changed since")
        assert (await waiting(page_two))["outbox"][0]["body"] == {"action": "reject", "reason": "not there any more"}
        await page_two.get_by_role("button", name="Do it anyway").click()
        await expect(page_two.get_by_text("Everything has been received")).to_be_visible()
        await until(lambda: in_state(first, issue["id"], "rejected"))
        # And the other's screen has moved without being touched.
        await expect(page_one.locator(".item")).to_have_count(0)
        await one.close()
        await two.close()


async def _accepts_offline(context, page):
    await page.goto("/app/queue")
    await expect(page.locator(".item")).to_have_count(1)
    await context.set_offline(True)
    await page.locator("[data-action=accept]").click()
    await expect(page.get_by_text("on its way")).to_be_visible()


async def test_a_picture_or_comment_meanwhile_is_no_reason_to_ask_again(town, address):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    issue = (await volunteer.report(**town.body()))["issue"]
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await _accepts_offline(context, page)
        await volunteer.act(issue["id"], "comment", note="it grows")
        await context.set_offline(False)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await until(lambda: in_state(leader, issue["id"], "accepted"))
        await context.close()


async def test_what_can_no_longer_be_done_is_told_and_can_be_given_up(town, address):
    volunteer, first, second = [await town.person(role) for role in ("volunteer", "leader", "leader")]
    issue = (await volunteer.report(**town.body()))["issue"]
    async with browser() as launched:
        context, page = await opened(launched, address, second, here(town))
        await _accepts_offline(context, page)
        await first.act(issue["id"], "reject", reason="nothing there")
        await context.set_offline(False)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await page.get_by_role("link", name="Look").first.click()
        await page.get_by_role("button", name="Do it anyway").click()
        await expect(page.locator(".problem").first).to_contain_text("is not possible now")
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await page.get_by_role("button", name="Give up").click()
        await expect(page.get_by_text("Everything has been received")).to_be_visible()
        assert await in_state(first, issue["id"], "rejected")
        await context.close()


async def test_the_service_worker_sends_after_the_page_is_closed(town, address, database):
    """Background sync, as the browser would call it; and what was read before is there without a network."""
    volunteer = await town.person("volunteer")
    await volunteer.report(**town.body())
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await until(lambda: page.evaluate("caches.keys().then((names) => names.some((name) => name.startsWith('shell-')))"))
        await page.wait_for_load_state("networkidle")

        async def kept():
            return len((await waiting(page))["issues"]) == 1

        await until(kept)
        await context.set_offline(True)
        await page.goto("/app/mine")
        await expect(page.locator(".item")).to_have_count(1)
        await page.goto("/")
        await report(page)
        await page.goto("about:blank")
        await context.set_offline(False)
        assert await value(database, "select count(*) from reports where account_id = $1", volunteer.id) == 1
        session = await context.new_cdp_session(page)
        found: dict[str, str] = {}
        session.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: found.update({r["scopeURL"]: r["registrationId"] for r in event["registrations"]}),
        )
        await session.send("ServiceWorker.enable")
        id = await until(lambda: _later(found.get(f"http://{address}/")))
        await session.send(
            "ServiceWorker.dispatchSyncEvent",
            {"origin": f"http://{address}", "registrationId": id, "tag": "outbox", "lastChance": False},
        )
        await until(lambda: has_reports(database, volunteer.id, 2))
        stored = "select count(*) from photos where account_id = $1 and state = 'stored'"
        await until(lambda: value(database, stored, volunteer.id))
        await context.close()


async def _later(found):
    return found


async def test_without_a_stream_the_screen_moves_all_the_same(town, address):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await context.add_init_script("delete window.EventSource")
        await context.clock.install()
        await page.goto("/app/queue")
        await expect(page.get_by_text("Nothing to do here")).to_be_visible()
        await page.wait_for_load_state("networkidle")
        await volunteer.report(**town.body())
        await context.clock.run_for(31_000)
        await expect(page.locator(".item")).to_have_count(1)
        await context.close()


async def test_a_session_that_runs_out_while_offline_keeps_the_work(town, address, database):
    volunteer = await town.person("volunteer")
    await volunteer.call("PUT", "/v1/me/credentials", json={"account": f"v{uuid.uuid4().hex[:8]}", "password": "correct horse"})
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await context.set_offline(True)
        await report(page)
        await value(database, "update sessions set expires_at = now() where account_id = $1", volunteer.id)
        await context.set_offline(False)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.get_by_text("are kept on this phone")).to_be_visible()
        assert len((await waiting(page))["outbox"]) == 1
        account = await value(database, "select account from accounts where id = $1", volunteer.id)
        await page.get_by_role("link", name="Sign in").click()
        await page.get_by_label("Account").fill(account)
        await page.get_by_label("Password").fill("not it")
        await page.locator("form .first").click()
        await expect(page.locator(".problem")).to_contain_text("not right")
        await page.get_by_label("Password").fill("correct horse")
        await page.locator("form .first").click()
        await until(lambda: has_reports(database, volunteer.id, 1))
        await context.close()


async def test_what_goes_wrong_is_told_and_nothing_is_lost(town, address, database, monkeypatch):
    """No place, a full phone, a server that is busy, a photograph that is none or too large, a clock that is wrong by a day."""
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        # The place may not be known: it begins in the middle of the cell, says so, and is set by hand.
        context, page = await opened(launched, address, volunteer, None)
        await page.goto("/app/report")
        await expect(page.get_by_text("not allowed to be known")).to_be_visible()
        await expect(page.get_by_text("middle of the cell")).to_be_visible()
        await page.get_by_label("Map of the place", exact=False).focus()
        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_text("set by hand")).to_be_visible()
        await page.locator(".send .button").click()
        await expect(page.get_by_text("Choose what it is.")).to_be_visible()
        await context.close()

        # Busy: what a proxy says while the service is being started anew. It waits as long as it is told to, and then arrives.
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        refused = 0

        async def busy(route):
            nonlocal refused
            refused += 1
            await route.fulfill(
                status=503, headers={"retry-after": "1"}, body="<html>busy</html>"
            ) if refused < 3 else await route.continue_()

        await page.route("**/v1/reports/*", busy)
        await report(page, photo=False)
        await until(lambda: has_reports(database, volunteer.id, 1))
        assert refused == 3

        # Not a photograph, and one that is too large: the report arrives, the picture's refusal is told.
        await page.locator("label.big input").set_input_files(
            {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all" * 40}
        )
        await page.locator("[data-kind=litter]").click()
        await placed(page)
        await page.locator(".send .button").click()
        await until(lambda: has_reports(database, volunteer.id, 2))
        await page.goto("/app/outbox")
        await expect(page.locator(".problem").last).to_contain_text("not a photograph")
        monkeypatch.setattr(settings(), "max_photo_bytes", 10_000)
        await page.goto("/")
        await report(page)
        await until(lambda: has_reports(database, volunteer.id, 3))
        await page.goto("/app/outbox")
        await expect(page.get_by_text("too large").first).to_be_visible()
        await context.close()

        # A phone that is full says so before anything is thought to be kept, and what was filled in stays on the screen.
        context, page = await opened(launched, address, volunteer, here(town))
        session = await context.new_cdp_session(page)
        await session.send("Storage.overrideQuotaForOrigin", {"origin": f"http://{address}", "quotaSize": 2_000_000})
        await page.goto("/app/report")
        await page.locator("[data-kind=litter]").click()
        large = SHOT | {"buffer": SHOT["buffer"] + bytes(4_000_000)}
        await page.locator("section.card input[type=file]").first.set_input_files(large)
        await expect(page.locator(".send .problem")).to_contain_text("The phone is full")
        await expect(page.locator("[data-kind=litter]")).to_have_attribute("aria-pressed", "true")
        await context.close()

        # A clock that is a day behind: said, and the report carries the server's time.
        context, page = await opened(launched, address, volunteer, here(town))
        await context.clock.install(time=(await value(database, "select now() - interval '1 day'")))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await page.reload()
        await expect(page.get_by_text("clock is behind")).to_be_visible()
        await page.get_by_role("link", name="Without a photograph").click()
        await page.locator("[data-kind=litter]").click()
        await placed(page)
        await page.locator(".send .button").click()
        await until(lambda: has_reports(database, volunteer.id, 4))
        right = "select clock is null and abs(extract(epoch from observed_at - received_at)) < 120"
        assert await value(
            database, f"{right} from reports where account_id = $1 order by received_at desc limit 1", volunteer.id
        )
        await context.close()


async def test_a_walk_is_recorded_without_a_network(town, address):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/app/patrol")
        await page.wait_for_load_state("networkidle")
        await context.set_offline(True)
        await page.get_by_role("button", name="Begin the walk").click()
        await expect(page.get_by_text("Walking since")).to_be_visible()
        await expect(page.get_by_text("1 points of the track")).to_be_visible(timeout=20_000)
        await page.get_by_role("button", name="End the walk").click()
        await expect(page.get_by_role("button", name="Begin the walk")).to_be_visible()
        await context.set_offline(False)
        await page.evaluate("dispatchEvent(new Event('online'))")

        async def there():
            found = (await volunteer.get("/v1/patrols", mine=True))["items"]
            return found and found[0]["ended_at"] and found[0]["cells"]

        assert [cell["name"] for cell in await until(there)] == ["网格1"]
        await context.close()
