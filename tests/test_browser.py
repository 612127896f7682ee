"""The web client in a real browser, against the real service."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from app.settings import settings
from tests.phones import DESK, PHONE, Phone, browser, phone_options, sign_in, waiting
from tests.pictures import encode, scene, with_exif

AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SHOT = {"name": "street.jpg", "mimeType": "image/jpeg", "buffer": encode(scene(2000, 1500), quality=92)}
expect.set_options(timeout=15_000)


def here(town, cell=0):
    return town.lat + 0.005, town.lon + 0.005 + 0.01 * cell


@pytest.fixture
def folder():
    # Short, and not below pytest's folder: chromium makes sockets in it.
    path = Path(tempfile.mkdtemp(prefix="phone-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


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
    await page.locator(".send .button").click()
    await expect(page.locator("label.big")).to_be_visible()


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
        await until(lambda: _state(first, issue["id"], "accepted"))

        await two.set_offline(False)
        await page_two.evaluate("dispatchEvent(new Event('online'))")
        await page_two.get_by_role("link", name="Look").first.click()
        await expect(page_two.locator(".problem").first).to_contain_text("changed since")
        assert (await waiting(page_two))["outbox"][0]["body"] == {"action": "reject", "reason": "not there any more"}
        await page_two.get_by_role("button", name="Do it anyway").click()
        await expect(page_two.get_by_text("Everything has been received")).to_be_visible()
        await until(lambda: _state(first, issue["id"], "rejected"))
        # And the other's screen has moved without being touched.
        await expect(page_one.locator(".item")).to_have_count(0)
        await one.close()
        await two.close()


async def test_what_can_no_longer_be_done_is_told_and_can_be_given_up(town, address):
    volunteer, first, second = [await town.person(role) for role in ("volunteer", "leader", "leader")]
    issue = (await volunteer.report(**town.body()))["issue"]
    async with browser() as launched:
        context, page = await opened(launched, address, second, here(town))
        await page.goto("/app/queue")
        await expect(page.locator(".item")).to_have_count(1)
        await context.set_offline(True)
        await page.locator("[data-action=accept]").click()
        await expect(page.get_by_text("on its way")).to_be_visible()
        await first.act(issue["id"], "reject", reason="nothing there")
        await context.set_offline(False)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await page.get_by_role("link", name="Look").first.click()
        await page.get_by_role("button", name="Do it anyway").click()
        await expect(page.locator(".problem").first).to_contain_text("is not possible now")
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await page.get_by_role("button", name="Give up").click()
        await expect(page.get_by_text("Everything has been received")).to_be_visible()
        assert await _state(first, issue["id"], "rejected")
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
        await until(lambda: _reports(database, volunteer.id, 2))
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


async def _state(person, id, state):
    return (await person.get(f"/v1/issues/{id}"))["state"] == state


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_main_path_of_every_role(town, address, language):
    """Report, accept, assign, start, rectify with a photograph, verify, and the office looks at it: each on a screen of its own."""
    volunteer, leader, worker, staff = [await town.person(role) for role in ("volunteer", "leader", "worker", "staff")]
    async with browser() as launched:
        phones = {}
        for name, person in {"volunteer": volunteer, "leader": leader, "worker": worker}.items():
            phones[name] = await opened(launched, address, person, here(town), language)
        page = phones["volunteer"][1]
        await page.goto("/")
        await report(page, "blocked_drain" if await page.locator("[data-kind=blocked_drain]").count() else "litter")
        await until(lambda: _count(volunteer, 1))
        issue = (await volunteer.get("/v1/issues", mine=True))["items"][0]

        page = phones["leader"][1]
        await page.goto("/app/queue?show=new")
        await page.locator("[data-action=accept]").click()
        await until(lambda: _state(leader, issue["id"], "accepted"))
        await page.goto(f"/app/issues/{issue['id']}")
        await page.locator("[data-action=assign]").click()
        await page.get_by_role("dialog").locator("select").first.select_option(label="环卫站")
        await page.get_by_role("dialog").locator(".foot .first").click()
        await until(lambda: _state(leader, issue["id"], "assigned"))

        page = phones["worker"][1]
        await page.goto("/app/tasks")
        await page.locator("[data-action=start]").click()
        await until(lambda: _state(worker, issue["id"], "in_progress"))
        await page.locator("[data-action=rectify]").click()
        await page.get_by_role("dialog").locator("input[type=file]").set_input_files(SHOT)
        await expect(page.get_by_role("dialog").locator(".strip img")).to_have_count(1)
        await page.get_by_role("dialog").locator(".foot .first").click()
        await until(lambda: _state(worker, issue["id"], "rectified"))
        await expect(page.locator(".item")).to_have_count(0)

        page = phones["volunteer"][1]
        await page.goto("/app/mine?show=verify")
        await page.locator(".item").click()
        await expect(page.locator("[data-action=verify]")).to_be_visible()
        await page.locator("[data-action=verify]").click()
        await until(lambda: _state(leader, issue["id"], "closed"))
        for context, _ in phones.values():
            await context.close()

        context, page = await opened(launched, address, staff, None, language, DESK)
        await page.goto("/app/office")
        await expect(page.locator(".figure").first).to_be_visible()
        await page.goto("/app/issues?state=closed")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.keyboard.press("o")
        await expect(page.locator(".timeline li")).to_have_count(8, timeout=20_000)  # six actions and two photographs
        await expect(page.locator(".compare")).to_be_visible()
        await context.close()


async def test_the_office_edits_and_issues_its_weekly_summary(town, address):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await volunteer.report(**town.body(place="东浦巷12号"))
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "zh-CN", DESK)
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await page.goto("/app/weekly")
        first = page.get_by_label("一、本周创文工作开展情况 1")
        await expect(first).to_have_value(re.compile("发现问题1起"))
        await first.fill("发现问题一起，已上报。")
        await page.get_by_role("button", name="增加一条").first.click()
        await page.get_by_label("一、本周创文工作开展情况 2").fill("入户走访40户。")
        await page.get_by_role("button", name="印发").click()
        await expect(page.get_by_text("staff某 于")).to_be_visible()
        await expect(page.get_by_text("入户走访40户。")).to_be_visible()
        await expect(page.get_by_role("button", name="印发")).to_have_count(0)
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="Word").click()
        assert (await loading.value).suggested_filename.endswith(".docx")
        await page.goto("/app/issues?state=open")
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="台账 CSV").click()
        content = Path(await (await loading.value).path()).read_text("utf-8-sig")  # noqa: ASYNC240
        assert "东浦巷12号" in content
        await context.close()


async def _count(person, n):
    return len((await person.get("/v1/issues", mine=True))["items"]) == n


async def test_an_invitation_and_what_is_published(town, address, monkeypatch):
    leader = await town.person("leader")
    made = (await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0])})).json()
    async with browser() as launched:
        context, page = await opened(launched, address, None, here(town), "zh-CN")
        await page.goto(f"/join/{made['code']}")
        await page.get_by_label("您的姓名").fill("新来的王阿姨")
        await page.get_by_role("button", name="加入").click()
        await expect(page.get_by_text("新来的王阿姨，您好")).to_be_visible()
        await report(page, photo=False)
        await until(lambda: _listed(leader))
        issue = (await leader.get("/v1/issues", cell=str(town.cells[0])))["items"][0]
        await context.close()

        context, page = await opened(launched, address, None, None, "zh-CN")
        await page.goto(f"/see/{issue['number']}")
        await expect(page.get_by_text("没有公开的问题")).to_be_visible()
        monkeypatch.setattr(settings(), "public", True)
        await page.reload()
        await expect(page.locator(".timeline li")).to_have_count(1)
        text = await page.locator("main").inner_text()
        assert "王阿姨" not in text and "新上报" in text
        await page.goto("/public")
        await expect(page.locator(f"a[href='/see/{issue['number']}']")).to_be_visible()
        await context.close()


async def _listed(person):
    return (await person.get("/v1/issues", state="reported"))["items"]


async def test_a_session_that_is_revoked_while_offline_keeps_the_work(town, address, database):
    volunteer = await town.person("volunteer")
    await volunteer.call("PUT", "/v1/me/credentials", json={"account": f"v{uuid.uuid4().hex[:8]}", "password": "correct horse"})
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await context.set_offline(True)
        await report(page)
        await value(database, "update sessions set revoked_at = now() where account_id = $1", volunteer.id)
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
        await until(lambda: _reports(database, volunteer.id, 1))
        await context.close()


async def _reports(database, account, n):
    return await value(database, "select count(*) from reports where account_id = $1", account) == n


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
        await until(lambda: _reports(database, volunteer.id, 1))
        assert refused == 3

        # Not a photograph, and one that is too large: the report arrives, the picture's refusal is told.
        await page.locator("label.big input").set_input_files(
            {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all" * 40}
        )
        await page.locator("[data-kind=litter]").click()
        await page.locator(".send .button").click()
        await until(lambda: _reports(database, volunteer.id, 2))
        await page.goto("/app/outbox")
        await expect(page.locator(".problem").last).to_contain_text("not a photograph")
        monkeypatch.setattr(settings(), "max_photo_bytes", 10_000)
        await page.goto("/")
        await report(page)
        await until(lambda: _reports(database, volunteer.id, 3))
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
        await page.locator(".send .button").click()
        await until(lambda: _reports(database, volunteer.id, 4))
        right = "select clock is null and abs(extract(epoch from observed_at - received_at)) < 120"
        assert await value(
            database, f"{right} from reports where account_id = $1 order by received_at desc limit 1", volunteer.id
        )
        await context.close()


async def test_a_second_photograph_and_the_same_issue(town, address):
    """Mended on the spot takes a picture of that; an open issue of the kind nearby is offered as the same."""
    first, second = await town.person("volunteer"), await town.person("volunteer")
    issue = (await first.report(**town.body()))["issue"]
    async with browser() as launched:
        context, page = await opened(launched, address, second, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await page.locator("label.big input").set_input_files(SHOT)
        await page.locator("[data-kind=litter]").click()
        await page.get_by_role("region", name="Is it the same as this one?").get_by_role("button").first.click()
        await page.get_by_label("Mended on the spot").check()
        await page.get_by_text("Photograph it mended").locator("input").set_input_files(SHOT)
        await expect(page.locator("[aria-label='More about it'] .strip img")).to_have_count(1)
        await page.locator(".send .button").click()
        await until(lambda: _joined(first, issue["id"]))
        kinds = [photo["kind"] for photo in (await first.get(f"/v1/issues/{issue['id']}"))["photos"]]
        assert sorted(kinds) == ["after", "before"]
        await context.close()


async def _joined(person, id):
    found = await person.get(f"/v1/issues/{id}")
    return found["reports"] == 2 and found["state"] in ("closed", "rectified")


async def test_a_photograph_from_elsewhere_offers_its_place_and_time_and_too_many_tries_are_told(town, address):
    volunteer = await town.person("volunteer")
    # Taken at the town's middle three hours ago; the phone believes itself two kilometres away, outside every cell.
    south, west = -(town.lat + 0.005), -(town.lon + 0.005)
    degrees = [(int(v), int(v * 60) % 60, round(v * 3600 % 60, 3)) for v in (south, west)]
    picture = with_exif("2026:11:20 08:15:00", *degrees, sides=("S", "W"))
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, (town.lat - 0.018, town.lon + 0.005))
        await page.goto("/")
        await page.locator("label.big input").set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": picture})
        await expect(page.get_by_text("Outside every cell")).to_be_visible()
        await expect(page.get_by_text(re.compile(r"taken 2\.\d km from here"))).to_be_visible()
        await page.get_by_role("button", name="Use its place").click()
        await expect(page.get_by_text("网格1")).to_be_visible()
        await page.get_by_role("button", name="Use its time").click()
        await expect(page.get_by_text("Seen 11/20, 08:15")).to_be_visible()
        await page.locator("[data-kind=litter]").click()
        await page.locator(".send .button").click()
        await until(lambda: _count(volunteer, 1))
        assert (await volunteer.get("/v1/issues", mine=True))["items"][0]["cell"]["name"] == "网格1"
        await context.close()

        context, page = await opened(launched, address, None, None)
        await page.goto("/")
        for n in range(40):
            await page.get_by_label("Account").fill("nobody-here")
            await page.get_by_label("Password").fill(f"wrong {n}")
            await page.locator("form .first").click()
            await expect(page.locator("form .first")).to_be_enabled()
            if await page.get_by_text("Too many tries").count():
                break
        await expect(page.locator(".problem")).to_contain_text("Too many tries")
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
    "staff": ["/app/weekly", "/app/office", "/app/issues", "/app/handovers", "/app/league", "/app/areas"],
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
