"""What a phone keeps, and what it says of it: in a real browser, against the real service."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

from tests.phones import (
    DESK,
    PHONE,
    SHOT,
    Phone,
    browser,
    has_reports,
    here,
    opened,
    phone_options,
    placed,
    report,
    sign_in,
    until,
    value,
    waiting,
)
from tests.pictures import with_exif

LOGIN_PAGE: dict[str, Any] = {"content_type": "text/html", "body": "<html>Please sign in to the network</html>"}
BESIDE = {"x": 5, "y": 5}


@pytest.fixture
def folder():
    # Short, and not below pytest's folder: chromium makes sockets in it.
    path = Path(tempfile.mkdtemp(prefix="phone-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


async def _issue(town):
    """An open issue, and the leader who may comment on it with a photograph."""
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    return (await volunteer.report(**town.body()))["issue"], leader


async def _begin_comment(page, issue):
    await page.goto(f"/app/issues/{issue['id']}")
    await _open_comment(page)
    await page.get_by_label("Note").fill("half of it is gone")
    await page.locator("dialog input[type=file]").set_input_files(SHOT)
    await expect(page.locator("dialog .strip img")).to_be_visible()


async def _open_comment(page):
    await page.get_by_role("button", name="More actions").click()
    await page.locator("dialog [data-action=comment]").click()


async def _facts(page, prefix):
    """Drafts in the phone's store."""
    return await page.evaluate(
        """async (prefix) => {
          const done = (asked) => new Promise((then) => { asked.onsuccess = () => then(asked.result) })
          const db = await done(indexedDB.open('gridpatrol'))
          const all = await done(db.transaction('facts').objectStore('facts').getAllKeys())
          db.close()
          return all.filter((key) => key.startsWith(prefix))
        }""",
        prefix,
    )


async def test_an_action_with_its_photograph_survives_a_killed_browser(town, address, folder):
    issue, leader = await _issue(town)
    async with async_playwright() as playwright:
        phone = Phone(playwright, folder, address, phone_options(here(town), "en", PHONE))
        page = await phone.start()
        await sign_in(phone.context, address, leader)
        await _begin_comment(page, issue)

        async def kept():
            return len((await waiting(page))["photos"]) == 1 and await _facts(page, "form:")

        await until(kept)
        await phone.kill()

        page = await phone.start()
        await sign_in(phone.context, address, leader)
        await page.goto("/app/outbox")
        await expect(page.get_by_text("Begun and not sent")).to_be_visible()
        await page.goto(f"/app/issues/{issue['id']}")
        await _open_comment(page)
        await expect(page.get_by_label("Note")).to_have_value("half of it is gone")
        await expect(page.locator("dialog .strip img")).to_be_visible()
        await page.locator("dialog form .first").click()

        async def arrived():
            photos = (await leader.get(f"/v1/issues/{issue['id']}"))["photos"]
            return [photo["state"] for photo in photos] == ["stored"]

        await until(arrived)
        assert await _facts(page, "form:") == []
        await phone.context.close()


async def test_a_form_left_by_a_tap_beside_it_is_found_again(town, address):
    issue, leader = await _issue(town)
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await _begin_comment(page, issue)
        await page.mouse.click(BESIDE["x"], BESIDE["y"])
        await expect(page.locator("dialog")).to_have_count(0)
        await _open_comment(page)
        await expect(page.get_by_label("Note")).to_have_value("half of it is gone")
        await expect(page.locator("dialog .strip img")).to_be_visible()
        await context.close()


async def test_a_form_that_is_given_up_leaves_nothing_behind(town, address):
    issue, leader = await _issue(town)
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await _begin_comment(page, issue)
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator("dialog")).to_have_count(0)
        assert await _facts(page, "form:") == []
        assert (await waiting(page))["photos"] == []
        await context.close()


async def test_another_account_does_not_see_what_was_begun(town, address):
    issue, leader = await _issue(town)
    staff = await town.person("staff")
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await _begin_comment(page, issue)
        await sign_in(context, address, staff)
        await page.goto(f"/app/issues/{issue['id']}")
        await page.reload()
        await _open_comment(page)
        await expect(page.get_by_label("Note")).to_have_value("")
        await context.close()


async def test_the_weekly_summary_is_edited_again_after_a_reload(town, address):
    staff = await town.person("staff")
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, size=DESK)
        await page.goto("/app/weekly")
        await page.locator("article input[type=text]").fill("Summary of a hard week")
        await page.locator("article textarea").first.fill("We walked every cell.")
        await until(lambda: _facts(page, "form:"))
        await page.reload()
        await expect(page.locator("article input[type=text]")).to_have_value("Summary of a hard week")
        await expect(page.locator("article textarea").first).to_have_value("We walked every cell.")
        await context.close()


async def test_an_activity_with_its_photograph_is_found_again_after_a_reload(town, address, database):
    staff = await town.person("staff")
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, size=DESK)
        await page.goto("/app/activities")
        await page.get_by_label("Kind").select_option("questionnaire")
        await page.get_by_label("How many").fill("20")
        await page.get_by_label("Collected").fill("17")
        await page.locator("form input[type=file]").set_input_files(SHOT)
        await expect(page.locator("form .strip img")).to_be_visible()
        await page.reload()
        await expect(page.get_by_label("Collected")).to_have_value("17")
        await expect(page.locator("form .strip img")).to_be_visible()
        await page.get_by_role("button", name="Note it").click()
        await until(lambda: value(database, "select collected = 17 from activities where account_id = $1", staff.id))
        stored = "select count(*) from photos where account_id = $1 and state = 'stored'"
        assert await value(database, stored, staff.id) == 1
        assert await _facts(page, "form:") == []
        await context.close()


async def test_a_sheet_of_the_office_is_found_again_after_a_reload(town, address):
    staff = await town.person("staff")
    async with browser() as launched:
        context, page = await opened(launched, address, staff, None, size=DESK)
        await page.goto("/app/areas")
        await page.get_by_role("button", name="New unit").click()
        await page.locator("dialog [name=name]").fill("Sanitation station")
        await page.locator("dialog [name=kind]").select_option("school")
        await until(lambda: _facts(page, "form:"))
        await page.reload()
        await page.get_by_role("button", name="New unit").click()
        await expect(page.locator("dialog [name=name]")).to_have_value("Sanitation station")
        await expect(page.locator("dialog [name=kind]")).to_have_value("school")
        await context.close()


async def _small_phone(launched, address, volunteer, place):
    """A phone with room for a few megabytes."""
    context, page = await opened(launched, address, volunteer, place)
    session = await context.new_cdp_session(page)
    await session.send("Storage.overrideQuotaForOrigin", {"origin": f"http://{address}", "quotaSize": 8_000_000})
    await page.goto("/")
    await page.wait_for_load_state("networkidle")
    return context, page


async def _fill(page):
    """Use up what room the phone has, as other programs would."""
    await page.evaluate(
        """async () => {
          const done = (asked) => new Promise((then, failed) => { asked.onsuccess = () => then(asked.result); asked.onerror = failed })
          const open = indexedDB.open('ballast', 1)
          open.onupgradeneeded = () => open.result.createObjectStore('stones', { autoIncrement: true })
          const db = await done(open)
          for (const size of [1_000_000, 100_000, 10_000, 1_000]) {
            for (let full = false; !full;) {
              const bytes = crypto.getRandomValues(new Uint8Array(65_536))
              const stone = new Uint8Array(size).map((_, n) => bytes[n % 65_536])
              const tx = db.transaction('stones', 'readwrite')
              tx.objectStore('stones').add(stone)
              full = await new Promise((then) => { tx.oncomplete = () => then(false); tx.onabort = () => then(true) })
            }
          }
          db.close()
        }"""
    )


async def _empty(page):
    await page.evaluate("new Promise((then) => { indexedDB.deleteDatabase('ballast').onsuccess = () => then(null) })")


async def test_a_full_phone_says_that_the_picture_is_still_only_here(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await _small_phone(launched, address, volunteer, here(town))
        await page.locator("label.big input").set_input_files(SHOT)
        await page.locator("[data-kind=litter]").click()
        await placed(page)
        await _fill(page)
        # The words get through, the picture does not.
        through = False

        async def pictures(route):
            await (route.continue_() if through else route.abort())

        await context.route("**/v1/uploads**", pictures)
        await context.route("**/v1/photos/*", pictures)
        await page.locator(".send .button").click()
        await expect(page.get_by_role("alert").first).to_contain_text("only on this phone")
        await expect(page.get_by_text("being sent")).to_have_count(0)
        await expect(page.locator(".strip img")).to_be_visible()
        assert await has_reports(database, volunteer.id, 1)
        assert [photo["state"] for photo in (await waiting(page))["photos"]] == ["draft"]

        through = True
        await page.get_by_role("button", name="Send the photographs").click()
        stored = "select count(*) from photos where account_id = $1 and state = 'stored'"
        await until(lambda: value(database, stored, volunteer.id))
        await until(lambda: _no_drafts(page))
        await context.close()


async def _no_drafts(page):
    return await _facts(page, "draft:") == [] and [p for p in (await waiting(page))["photos"] if p["state"] == "draft"] == []


async def test_a_full_phone_tries_the_picture_again_by_itself(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await _small_phone(launched, address, volunteer, here(town))
        await page.locator("label.big input").set_input_files(SHOT)
        await page.locator("[data-kind=litter]").click()
        await placed(page)
        await _fill(page)
        through = False

        async def pictures(route):
            await (route.continue_() if through else route.abort())

        await context.route("**/v1/uploads**", pictures)
        await context.route("**/v1/photos/*", pictures)
        await page.locator(".send .button").click()
        await expect(page.get_by_role("alert").first).to_contain_text("only on this phone")
        # There is room again, and the screen is left.
        await _empty(page)
        through = True
        await page.get_by_role("link", name="Back").click()
        await page.evaluate("dispatchEvent(new Event('online'))")
        stored = "select count(*) from photos where account_id = $1 and state = 'stored'"
        await until(lambda: value(database, stored, volunteer.id))
        await context.close()


@pytest.mark.parametrize("status", [200, 401, 408])
async def test_what_a_proxy_says_is_no_refusal_and_no_success(town, address, database, status):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        asked = 0

        async def proxy(route):
            nonlocal asked
            asked += 1
            await (route.fulfill(status=status, **LOGIN_PAGE) if asked == 1 else route.continue_())

        await context.route("**/v1/reports/*", proxy)
        await report(page, photo=False)
        await page.get_by_role("link", name="to be sent").first.click()
        await expect(page.get_by_text("Not reached yet")).to_be_visible()
        await expect(page.get_by_text("not accepted")).to_have_count(0)
        await expect(page.get_by_text("session is over")).to_have_count(0)
        await page.get_by_role("button", name="Send now").click()
        await until(lambda: has_reports(database, volunteer.id, 1))
        await expect(page.get_by_text("Everything has been received")).to_be_visible()
        await context.close()


async def test_a_login_page_that_the_network_leads_to_gets_nothing(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        asked = 0

        async def portal(route):
            nonlocal asked
            asked += 1
            to_login = route.fulfill(status=307, headers={"location": "/login"})
            await (to_login if asked == 1 else route.continue_())

        led = []
        page.on("request", lambda request: led.append(request.url) if request.url.endswith("/login") else None)
        await context.route("**/v1/reports/*", portal)
        await report(page, photo=False)
        await page.get_by_role("link", name="to be sent").first.click()
        await page.get_by_role("button", name="Send now").click()
        await until(lambda: has_reports(database, volunteer.id, 1))
        assert led == []
        await context.close()


async def test_a_login_page_instead_of_the_session_ends_none(town, address):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await context.route("**/v1/**", lambda route: route.fulfill(status=401, **LOGIN_PAGE))
        await page.goto("/app/mine")
        await page.wait_for_load_state("networkidle")
        await expect(page.get_by_text("session is over")).to_have_count(0)
        await expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)
        await context.close()


async def test_one_report_that_the_server_fails_on_holds_up_no_other(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await context.set_offline(True)
        for _ in range(3):
            await report(page, photo=False)
        first = (await waiting(page))["outbox"][0]["id"]
        await context.route(f"**/v1/reports/{first}", lambda route: route.fulfill(status=500, **LOGIN_PAGE))
        await context.set_offline(False)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await until(lambda: has_reports(database, volunteer.id, 2))
        left = (await waiting(page))["outbox"]
        assert [entry["id"] for entry in left] == [first] and left[0]["state"] == "waiting"
        await page.goto("/app/outbox")
        await expect(page.get_by_text("tried again at")).to_be_visible()
        await context.close()


async def _place(database, volunteer):
    return await value(database, "select lat || ' ' || lon from reports where account_id = $1 limit 1", volunteer.id)


async def test_a_second_report_from_the_same_spot_has_its_place(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await report(page, photo=False)
        await report(page, photo=False)
        await until(lambda: has_reports(database, volunteer.id, 2))
        await context.close()


async def test_a_report_stays_where_it_was_begun_while_its_writer_walks_on(town, address):
    volunteer = await town.person("volunteer")
    lat, lon = here(town)
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, (lat, lon))
        await page.goto("/app/report")
        await placed(page)
        await page.locator("[data-kind=litter]").click()
        await page.get_by_label("Note").fill("a long note")
        await context.set_geolocation({"latitude": lat + 0.0035, "longitude": lon, "accuracy": 5})
        await expect(page.get_by_text("from where this was begun")).to_be_visible()
        await page.locator(".send .button").click()
        await expect(page.locator("label.big")).to_be_visible()
        found = await until(lambda: _reported(volunteer))
        assert found["position"]["lat"] == pytest.approx(lat, abs=1e-4)
        await context.close()


async def _reported(volunteer):
    found = (await volunteer.get("/v1/issues", mine=True))["items"]
    return found and found[0]


async def test_a_report_opened_again_elsewhere_keeps_place_and_time_or_asks(town, address, database):
    volunteer = await town.person("volunteer")
    lat, lon = here(town)
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, (lat, lon))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await page.locator("label.big input").set_input_files(SHOT)
        await placed(page)
        await context.set_geolocation({"latitude": lat + 0.045, "longitude": lon, "accuracy": 5})
        # Three hours later, five kilometres away.
        begun = await until(lambda: _begun_earlier(page, 3 * 3_600_000))
        await page.goto("/app/report")
        await expect(page.get_by_text("from where this was begun")).to_be_visible()
        await expect(page.get_by_text("Seen")).to_be_visible()
        await page.locator("[data-kind=litter]").click()
        await page.locator(".send .button").click()
        found = await until(lambda: _reported(volunteer))
        assert found["position"]["lat"] == pytest.approx(lat, abs=1e-4)
        seen = "select extract(epoch from observed_at) from reports where account_id = $1"
        assert abs(float(await value(database, seen, volunteer.id)) - begun / 1000) < 60
        await context.close()


async def test_what_a_photograph_says_of_its_place_is_offered_after_a_reload_too(town, address):
    volunteer = await town.person("volunteer")
    picture = with_exif("2026:11:20 08:15:00", (24, 40, 25), (102, 54, 31))
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/app/report")
        await placed(page)
        shot: Any = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": picture}
        await page.locator("section.card input[type=file]").first.set_input_files(shot)
        await expect(page.get_by_role("button", name="Use its place")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("button", name="Use its place")).to_be_visible()
        await expect(page.get_by_role("button", name="Use its time")).to_be_visible()
        await context.close()


async def _begun_earlier(page, ms):
    """The draft on the phone was begun so much earlier; when that was, or nothing while it is not there with its place."""
    return await page.evaluate(
        """async (ms) => {
          const done = (asked) => new Promise((then) => { asked.onsuccess = () => then(asked.result) })
          const db = await done(indexedDB.open('gridpatrol'))
          const facts = db.transaction('facts', 'readwrite').objectStore('facts')
          const key = (await done(facts.getAllKeys())).find((key) => key.startsWith('draft:'))
          const draft = key && (await done(facts.get(key)))
          if (draft?.position?.at) {
            draft.begun_at -= ms
            draft.position.at -= ms
            await done(facts.put(draft, key))
          }
          db.close()
          return draft?.position?.at ? draft.begun_at : null
        }""",
        ms,
    )


def _told(lat, lon, accuracy, age_ms):
    """A phone that tells one fix, as old and as vague as said."""
    return f"""
      const fix = () => ({{ coords: {{ latitude: {lat}, longitude: {lon}, accuracy: {accuracy} }}, timestamp: Date.now() - {age_ms} }})
      navigator.geolocation.watchPosition = (heard) => {{ setTimeout(() => heard(fix()), 50); return 1 }}
      navigator.geolocation.getCurrentPosition = () => {{}}
    """


async def test_a_fix_of_hours_ago_is_not_called_here(town, address):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.add_init_script(_told(*here(town), 5, 3 * 3_600_000))
        await page.goto("/app/report")
        await expect(page.get_by_text("where the phone was 3 hours ago")).to_be_visible()
        await expect(page.get_by_text("within about 5 m")).to_have_count(0)
        await context.close()


async def test_a_report_with_a_place_as_vague_as_a_continent_is_taken(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.add_init_script(_told(*here(town), 2_500_000, 0))
        await page.goto("/app/report")
        await expect(page.get_by_text("may be off by")).to_be_visible()
        await page.locator("[data-kind=litter]").click()
        await page.locator(".send .button").click()
        await until(lambda: has_reports(database, volunteer.id, 1))
        await context.close()


async def test_a_store_that_is_cleared_under_a_report_is_told(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        await page.locator("label.big input").set_input_files(SHOT)
        await page.locator("[data-kind=litter]").click()
        await placed(page)
        session = await context.new_cdp_session(page)
        clear = {"origin": f"http://{address}", "storageTypes": "indexeddb"}
        await session.send("Storage.clearDataForOrigin", clear)
        await page.locator(".send .button").click()
        await expect(page.locator(".send .problem")).to_contain_text("Photographs that are gone: 1")
        await expect(page.get_by_text("being sent")).to_have_count(0)
        # Without the picture it goes, words and all.
        await page.get_by_role("button", name="Remove photograph 1").click()
        await page.locator(".send .button").click()
        await until(lambda: has_reports(database, volunteer.id, 1))
        await context.close()


async def test_an_open_tab_does_not_hold_up_a_newer_store(town, address):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        other = await context.new_page()
        await other.goto("/healthz")
        came = await other.evaluate(
            """() => new Promise((then) => {
              const asked = indexedDB.open('gridpatrol', 2)
              asked.onsuccess = () => then('opened')
              asked.onblocked = () => then('blocked')
              asked.onerror = () => then('failed')
            })"""
        )
        assert came == "opened"
        await expect(page.get_by_text("A newer version of this program")).to_be_visible()
        await context.close()


async def test_a_picture_that_belongs_to_nothing_is_swept_away(town, address):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/")
        await page.wait_for_load_state("networkidle")
        photo = {"id": str(uuid.uuid4()), "account": str(volunteer.id), "offset": 0, "state": "draft", "problem": None, "at": 0}
        await page.evaluate(
            """async (photo) => {
              const done = (asked) => new Promise((then) => { asked.onsuccess = () => then(asked.result) })
              const db = await done(indexedDB.open('gridpatrol'))
              await done(db.transaction('photos', 'readwrite').objectStore('photos').put({ ...photo, blob: new Blob(['x']) }))
              db.close()
            }""",
            photo,
        )
        await page.reload()

        async def swept():
            return (await waiting(page))["photos"] == []

        await until(swept)
        await context.close()


async def test_an_action_that_is_sent_by_a_trembling_finger_is_done_once(town, address):
    issue, leader = await _issue(town)
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await _begin_comment(page, issue)
        await page.locator("dialog form .first").evaluate("(button) => { button.click(); button.click(); button.click() }")
        await expect(page.locator("dialog")).to_have_count(0)

        async def said():
            items = (await leader.get(f"/v1/issues/{issue['id']}/timeline"))["items"]
            return [item for item in items if item["action"] == "comment"]

        assert len(await until(said)) == 1
        await expect(page.locator(".problem")).to_have_count(0)
        assert (await waiting(page))["outbox"] == []
        await context.close()


async def test_a_form_that_was_begun_says_so_before_its_fields(town, address):
    issue, leader = await _issue(town)
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await _begin_comment(page, issue)
        await page.mouse.click(BESIDE["x"], BESIDE["y"])
        await _open_comment(page)
        notice = page.locator("dialog [role=status]")
        await expect(notice).to_be_in_viewport()
        above = await page.evaluate(
            "document.querySelector('dialog [role=status]').compareDocumentPosition(document.querySelector('dialog textarea'))"
        )
        assert above == 4
        # Whoever goes on by keyboard begins in the form, not at the button that empties it.
        await expect(page.get_by_label("Note")).to_be_focused()
        await context.close()


async def test_json_of_a_login_page_breaks_no_page_and_is_not_kept(town, address):
    issue, leader = await _issue(town)
    login = {"status": 200, "content_type": "application/json", "body": '{"status": "login", "url": "http://wifi.test"}'}
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await page.goto(f"/app/issues/{issue['id']}")
        await expect(page.locator(".timeline li").first).to_be_visible()
        await page.route("**/v1/**", lambda route: route.fulfill(**login))
        for path in (f"/app/issues/{issue['id']}", "/app/me", "/app/map", "/app/people", "/app/queue", "/"):
            await page.goto(path)
            await expect(page.locator(".tell").first).to_contain_text("No network")
            await expect(page.get_by_role("heading", name="This page failed")).to_have_count(0)
        kept = await page.evaluate(
            """async () => {
              const done = (asked) => new Promise((then) => { asked.onsuccess = () => then(asked.result) })
              const db = await done(indexedDB.open('gridpatrol'))
              const all = await done(db.transaction('kept').objectStore('kept').getAll())
              db.close()
              return all.map(({ body }) => JSON.stringify(body))
            }"""
        )
        assert kept and not [body for body in kept if "wifi.test" in body]
        await page.unroute("**/v1/**")
        await page.goto(f"/app/issues/{issue['id']}")
        await expect(page.locator(".timeline li").first).to_be_visible()
        await expect(page.locator(".tell")).to_have_count(0)
        await context.close()


async def test_a_report_sent_in_one_window_is_not_in_the_other_any_more(town, address, database):
    volunteer = await town.person("volunteer")
    async with browser() as launched:
        context, page = await opened(launched, address, volunteer, here(town))
        await page.goto("/app/report")
        await page.locator("[data-kind=litter]").click()
        await placed(page)
        await until(lambda: _facts(page, "draft:"))
        other = await context.new_page()
        await other.goto("/app/report")
        await expect(other.locator("[data-kind=litter]")).to_have_attribute("aria-pressed", "true")
        await page.locator(".send .button").click()
        await expect(other.locator("[data-kind=litter]")).to_have_attribute("aria-pressed", "false")
        # And the next one can be made there, with its place.
        await placed(other)
        await other.locator("[data-kind=fly_posting]").click()
        await other.locator(".send .button").click()
        await until(lambda: has_reports(database, volunteer.id, 2))
        await context.close()


async def test_a_form_that_was_begun_is_opened_from_the_list_of_them(town, address):
    issue, leader = await _issue(town)
    async with browser() as launched:
        context, page = await opened(launched, address, leader, here(town))
        await _begin_comment(page, issue)
        await page.goto("/app/outbox")
        await expect(page.get_by_text("These are not sent by themselves")).to_be_visible()
        await page.get_by_role("link", name="Look").click()
        await expect(page.get_by_label("Note")).to_have_value("half of it is gone")
        await page.mouse.click(BESIDE["x"], BESIDE["y"])
        await expect(page.locator("dialog")).to_have_count(0)
        await page.reload()
        await expect(page.locator(".acts")).to_be_visible()
        await expect(page.locator("dialog")).to_have_count(0)
        await context.close()
