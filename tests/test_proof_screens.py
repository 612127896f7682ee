"""What a leader sees of a photograph that is missing or doubtful, in a real browser."""

from playwright.async_api import expect

from tests.phones import browser, here, in_state, opened, until
from tests.test_proof import doubtful, mended, put


async def test_a_leader_sees_doubts_before_they_verify(town, address, do_jobs):
    _, leader, worker, issue, photo = await mended(town)
    await put(worker, photo, doubtful(town, 5))
    await do_jobs()
    async with browser() as launched:
        _, page = await opened(launched, address, leader, here(town), "zh-CN")
        await page.goto("/app/queue?show=verify")
        await page.locator("[data-action=verify]").first.click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.locator(".badge.wait")).to_have_count(2)
        await expect(dialog.locator("img")).to_be_visible()
        await dialog.locator(".foot .first").click()
        await until(lambda: in_state(leader, issue, "closed"))


async def test_a_leader_finds_what_lacks_its_photograph(town, address):
    _, leader, _, issue, _ = await mended(town)
    async with browser() as launched:
        _, page = await opened(launched, address, leader, here(town), "zh-CN")
        await page.goto("/app/queue?show=photos")
        await expect(page.locator(".item .badge.late")).to_have_text("缺照片")
        await expect(page.locator("[data-action=verify]")).to_have_count(0)
        await page.goto(f"/app/issues/{issue}")
        await expect(page.get_by_role("status").filter(has_text="尚未收到")).to_be_visible()
