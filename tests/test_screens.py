"""Every role's way through the client, in a real browser, against the real service."""

from __future__ import annotations

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from app.settings import settings
from tests.phones import (
    DESK,
    SHOT,
    browser,
    has_reported,
    here,
    in_state,
    opened,
    report,
    until,
)
from tests.pictures import encode, scene, with_exif


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
        await until(lambda: has_reported(volunteer, 1))
        issue = (await volunteer.get("/v1/issues", mine=True))["items"][0]

        page = phones["leader"][1]
        await page.goto("/app/queue?show=new")
        await page.locator("[data-action=accept]").click()
        await until(lambda: in_state(leader, issue["id"], "accepted"))
        await page.goto(f"/app/issues/{issue['id']}")
        await page.locator("[data-action=assign]").click()
        await page.get_by_role("dialog").locator("select").first.select_option(label="环卫站")
        await page.get_by_role("dialog").locator(".foot .first").click()
        await until(lambda: in_state(leader, issue["id"], "assigned"))

        page = phones["worker"][1]
        await page.goto("/app/tasks")
        await page.locator("[data-action=start]").click()
        await until(lambda: in_state(worker, issue["id"], "in_progress"))
        await page.locator("[data-action=rectify]").click()
        await page.get_by_role("dialog").locator("input[type=file]").set_input_files(SHOT)
        await expect(page.get_by_role("dialog").locator(".strip img")).to_have_count(1)
        await page.get_by_role("dialog").locator(".foot .first").click()
        await until(lambda: in_state(worker, issue["id"], "rectified"))
        await expect(page.locator(".item")).to_have_count(0)

        page = phones["volunteer"][1]
        await page.goto("/app/mine?show=verify")
        await page.locator(".item").click()
        await expect(page.locator("[data-action=verify]")).to_be_visible()
        await page.locator("[data-action=verify]").click()
        await until(lambda: in_state(leader, issue["id"], "closed"))
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


async def test_the_office_corrects_what_it_issued_and_reads_every_version(town, address):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await volunteer.report(**town.body(place="东浦巷12号"))
    asked = {"area": str(town.area), "language": "zh-CN"}
    paper = await staff.get("/v1/summaries/weekly.json", **asked)
    kept = {name: paper[name] for name in ("week", "title", "parts")} | {"addressee": "县创文办："}
    answer = await staff.call("PUT", "/v1/summaries/weekly", json=asked | kept)
    assert answer.status_code in (200, 201), answer.text
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "zh-CN", DESK)
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await page.goto("/app/weekly")
        await page.get_by_role("button", name="更正", exact=True).click()
        await page.get_by_label("一、本周创文工作开展情况 1").fill("发现问题2起。")
        await expect(page.get_by_role("button", name="印发", exact=True)).to_be_disabled()
        await page.get_by_label("更正原因").fill("漏计一起")
        await page.get_by_role("button", name="印发", exact=True).click()
        await expect(page.get_by_role("button", name="第 1 次更正")).to_be_visible()
        await expect(page.get_by_text("漏计一起")).to_be_visible()
        await expect(page.get_by_text("发现问题2起。")).to_be_visible()
        await page.get_by_role("button", name="首次印发").click()
        await expect(page.get_by_text(re.compile("发现问题1起"))).to_be_visible()
        # What was corrected already is read and no more.
        await expect(page.get_by_role("button", name="更正", exact=True)).to_have_count(0)
        await context.close()
    last = await staff.get("/v1/summaries/weekly.json", **asked)
    assert (last["issued"]["version"], last["issued"]["reason"], last["addressee"]) == (2, "漏计一起", "县创文办：")


async def test_the_weekly_meeting_turns_sheet_by_sheet_with_photographs(town, address, do_jobs):
    """Map, three parts, what was mended, and the office's own clean-up, noted with its photograph in the browser."""
    volunteer, leader, worker, staff = [await town.person(role) for role in ("volunteer", "leader", "worker", "staff")]
    photos = [str(uuid.uuid4()), str(uuid.uuid4())]
    issue = (await volunteer.report(**town.body(place="东浦巷12号", photos=photos[:1])))["issue"]
    await leader.act(issue["id"], "assign", unit=str(town.unit))
    await worker.act(issue["id"], "start")
    await worker.act(issue["id"], "rectify", arrive=False, photos=photos[1:])
    for n, (person, photo) in enumerate(((volunteer, photos[0]), (worker, photos[1]))):
        assert (await person.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=7100 + n)))).status_code == 201
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "zh-CN", DESK)
        await page.goto("/app/activities")
        await page.get_by_label("类型").select_option("clean_up")
        await page.get_by_label("地点").fill("人民东路")
        await page.locator("input[type=file]").set_input_files(
            {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": encode(scene(seed=7102))}
        )
        await page.get_by_role("button", name="登记").click()
        await expect(page.get_by_role("group", name="照片")).to_have_count(1)
        await do_jobs()
        await expect(page.locator(".strip img")).to_have_js_property("naturalWidth", 320)
        await page.goto("/app/weekly")
        await page.get_by_role("link", name="例会展示").click()
        title = page.locator(".meeting h1")
        await expect(title).to_have_text(re.compile("创文工作总结$"))
        told = []
        for n in range(2, 8):
            await page.keyboard.press("ArrowRight")
            await expect(page.locator(".meeting nav [role=status]")).to_have_text(f"{n} / 7")
            told.append(await title.inner_text())
        assert told[0] == "问题热点" and [text[0] for text in told[1:4]] == ["一", "二", "三"], told
        assert told[4] == f"东浦巷12号 · 垃圾 · {issue['number']}" and told[5].startswith("集中清理（次） · 人民东路"), told
        await expect(page.locator(".meeting nav [role=status]")).to_have_text("7 / 7")
        await page.keyboard.press("PageUp")
        await expect(page.locator(".meeting figure img")).to_have_count(2)
        for picture in await page.locator(".meeting figure img").all():
            await expect(picture).to_have_js_property("complete", True)
            assert await picture.evaluate("image => image.naturalWidth") > 300
        await page.keyboard.press("Home")
        await expect(page.locator(".meeting nav [role=status]")).to_have_text("1 / 7")
        for _ in range(3):  # faster than it is drawn
            await page.keyboard.press("ArrowRight")
        await expect(page.locator(".meeting nav [role=status]")).to_have_text("4 / 7")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("link", name="例会展示")).to_be_visible()
        await page.goto(f"/app/issues/{issue['id']}")
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="一事一档 Word").click()
        assert (await loading.value).suggested_filename == "dossier.docx"
        await page.goto("/app/league?of=units")
        await expect(page.get_by_role("rowheader", name="环卫站")).to_be_visible()
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="本月 Word").click()
        assert (await loading.value).suggested_filename == "circulation.docx"
        await context.close()


async def test_an_invitation_and_what_is_published(town, address, monkeypatch):
    leader = await town.person("leader")
    made = (await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0])})).json()
    async with browser() as launched:
        context, page = await opened(launched, address, None, here(town), "zh-CN")
        await page.goto(f"/join/{made['code']}")
        await page.get_by_label("您的姓名").fill("新来的王阿姨")
        await page.get_by_role("button", name="加入").click()
        await expect(page.get_by_role("heading", name="新来的王阿姨，您好")).to_be_visible()
        await report(page, photo=False)
        await until(lambda: _listed(leader))
        issue = (await leader.get("/v1/issues", cell=str(town.cells[0])))["items"][0]
        await context.close()

        context, page = await opened(launched, address, None, None, "zh-CN")
        await page.goto(f"/see/{issue['number']}")
        await expect(page.get_by_text("没有公开的问题")).to_be_visible()
        monkeypatch.setattr(settings(), "public", True)
        await town.publish()
        await leader.act(issue["id"], "accept")
        await page.reload()
        await expect(page.locator(".timeline li")).to_have_count(2)
        text = await page.locator("main").inner_text()
        assert "王阿姨" not in text and "已上报" in text
        await page.goto("/public")
        await expect(page.locator(f"a[href='/see/{issue['number']}']")).to_be_visible()
        await context.close()


async def test_a_leader_is_not_led_to_mend_what_a_unit_owes(town, address, database):
    """Overdue with a unit: the first button reminds, and the time is told in an office's words."""
    volunteer, leader, worker = [await town.person(role) for role in ("volunteer", "leader", "worker")]
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    async with database.transaction() as connection:
        await connection.execute("update issues set deadline = now() - interval '390 minutes' where id = $1", uuid.UUID(issue))
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town), "zh-CN")
        for path in ("/app/queue?show=overdue", f"/app/issues/{issue}"):
            await page.goto(path)
            first = page.locator("[data-action]").first
            await expect(first).to_have_text("留言催办")
            await expect(first).to_have_attribute("data-action", "comment")
            await expect(page.locator(".badge.late").first).to_have_text("已超期6小时")
        await context.close()
        context, page = await opened(launched, address, worker, here(town), "zh-CN")
        await page.goto(f"/app/issues/{issue}")
        await expect(page.locator("[data-action]").first).to_have_text("整改完成")
        await context.close()


async def test_the_office_says_who_signs_and_whom_to_call(town, address):
    """What is entered under areas stands in the next letter, which is opened from the issue's history."""
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await staff.act(issue, "accept")
    by = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    await staff.act(issue, "hand_over", authority="县交警大队", reply_by=by, note="请增设禁停标志。")
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, "zh-CN", DESK)
        await page.goto("/app/areas")
        await page.get_by_role("button", name=f"社区 {town.area.hex[:8]}发文、上报和公开设置").click()
        await page.get_by_label("发文单位", exact=True).fill("东浦社区居民委员会")
        await page.get_by_label("联系人", exact=True).fill("李主任")
        await page.get_by_label("电话", exact=True).fill("0877-6600110")
        await page.get_by_role("dialog").locator(".foot .first").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.goto(f"/app/issues/{issue}")
        async with page.expect_popup() as opening:
            await page.get_by_role("link", name="移交函", exact=True).click()
        letter = await (await opening.value).locator("body").inner_text()
        assert "东浦社区居民委员会" in letter and "联系人：李主任　电话：0877-6600110" in letter and "请增设禁停标志。" in letter
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="移交函 Word").click()
        assert (await loading.value).suggested_filename == "handover-letter.docx"
        await context.close()


async def _listed(person):
    return (await person.get("/v1/issues", state="reported"))["items"]


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
        await until(lambda: has_reported(volunteer, 1))
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


async def test_a_draft_and_what_was_read_are_for_one_account_alone(town, address):
    """Two people share a phone: neither sees what the other began, and each finds his own again. The map that was never loaded says so."""
    first, second = await town.person("volunteer"), await town.person("volunteer")
    for n, person in enumerate((first, second)):
        person.account = f"shared{n}{uuid.uuid4().hex[:6]}"
        wish = {"account": person.account, "password": "correct horse"}
        assert (await person.call("PUT", "/v1/me/credentials", json=wish)).status_code in (200, 204)
    async with browser() as launched:
        context, page = await opened(launched, address, None, here(town))
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))

        async def enter(person):
            await page.goto("/")
            await page.get_by_label("Account").fill(person.account)
            await page.get_by_label("Password").fill("correct horse")
            await page.locator("form .first").click()
            await expect(page.locator("label.big")).to_be_visible()

        async def leave():
            await page.goto("/app/me")
            await page.get_by_role("button", name="Sign out", exact=True).click()
            await expect(page.get_by_label("Account")).to_be_visible()

        await enter(first)
        await expect(page.get_by_role("link", name="Without a photograph")).to_be_visible()
        await page.locator("label.big input").set_input_files(SHOT)
        await page.locator("[data-kind=litter]").click()
        await page.get_by_role("link", name="Back").click()
        await expect(page.get_by_role("link", name="Go on with the report")).to_be_visible()
        await leave()
        await enter(second)
        await expect(page.get_by_role("link", name="Without a photograph")).to_be_visible()
        await report(page, photo=False)
        await until(lambda: has_reported(second, 1))
        # What was sent leaves nothing to go on with.
        await expect(page.get_by_role("link", name="Without a photograph")).to_be_visible()
        await leave()
        await enter(first)
        await page.get_by_role("link", name="Go on with the report").click()
        await expect(page.locator("[data-kind=litter]")).to_have_attribute("aria-pressed", "true")
        await page.locator(".send .button").click()
        await until(lambda: has_reported(first, 1))

        async def stored():
            return [photo["state"] for photo in (await first.get("/v1/issues", mine=True))["items"][0]["photos"]] == ["stored"]

        await until(stored)
        await page.wait_for_load_state("networkidle")
        await context.set_offline(True)
        await page.locator(".ways a[href='/app/map']").click()
        await expect(page.get_by_text("The map needs a network.").first).to_be_visible()
        await context.close()


async def test_a_later_deadline_asks_for_its_reason_and_shows_as_an_extension(town, address):
    leader = await town.person("leader")
    issue = (await leader.report(**town.body(place="东浦巷12号")))["issue"]["id"]
    first = (await leader.act(issue, "assign", unit=str(town.unit)))["deadline"]
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town), "zh-CN")
        await page.goto(f"/app/issues/{issue}")
        await page.locator("[aria-label=办理] [data-action=assign], .acts [data-action=assign]").first.click()
        form = page.get_by_role("dialog")
        await form.locator("select").first.select_option(label="环卫站")
        later = (datetime.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
        await form.locator("input[type=datetime-local]").fill(later)
        await form.locator(".foot .first").click()
        await expect(form.get_by_role("alert")).to_have_count(1)
        await form.locator("textarea").first.fill("住户出差")
        await form.locator(".foot .first").click()

        async def extended():
            return (await leader.get(f"/v1/issues/{issue}"))["first_deadline"] == first

        await until(extended)
        await expect(page.get_by_text("延期前期限")).to_be_visible()
        await expect(page.locator(".timeline")).to_contain_text("住户出差")
        await context.close()
