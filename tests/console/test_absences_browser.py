"""The pages about an absence, as wide as a telephone and as wide as the desk."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.console.browsing import PHONE, Site, overflow
from tests.console.test_phone_browser import small_targets

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def test_a_daughter_says_it_with_her_thumb_and_the_desk_sees_it(site: Site) -> None:
    world = site.world
    await world.phone_channels()
    elder = await world.elder("李桂英")
    await world.device("leak-1", "leak_sensor", home_id=elder["home_id"])
    await world.event("leak-1", "leak")
    await world.settle()
    incident = await world.incident()
    officer = await world.sign_in("wang", name="王值班")
    desk = await site.page(officer)
    await desk.goto(f"/incidents/{incident['id']}")

    page = await site.page(size=PHONE)
    await page.goto("/a/" + world.sms_to(1)[0].text.split("/a/")[1].split()[0])
    await page.get_by_role("button", name="我知道了，我来联系").click()
    await page.screenshot(path="/tmp/s_after.png", full_page=True)
    await page.get_by_role("link", name="李桂英外出了").click()
    assert await overflow(page) == 0
    assert await small_targets(page) == []
    await page.screenshot(path="/tmp/s_away.png", full_page=True)
    await page.get_by_role("button", name="三天后").click()
    await expect(page.locator("main")).to_contain_text("您说李桂英外出")
    assert await overflow(page) == 0
    assert await small_targets(page) == []
    await page.screenshot(path="/tmp/s_said.png", full_page=True)

    await expect(desk.locator("#case-timeline")).to_contain_text("女儿说李桂英外出")
    await expect(desk.locator("#case-people")).to_contain_text("仍需有人处理")
    await desk.screenshot(path="/tmp/s_desk.png")
    await page.get_by_role("button", name="李桂英回来了").click()
    await expect(page.get_by_role("link", name="李桂英外出了")).to_be_visible()


async def test_the_file_of_somebody_who_is_away_says_so_first(site: Site) -> None:
    world = site.world
    elder = await world.elder("李桂英")
    gone = await world.elder("张福生")
    for one, body in (
        (elder, {"status": "hospital", "status_text": "髋部骨折，县医院"}),
        (gone, {"status": "moved", "status_review_at": "2026-03-01T00:30:00Z"}),
    ):
        await world.admin.expect(200, "PATCH", f"elders/{one['id']}", json=body)
    world.clock.advance(hours=1)
    officer = await world.sign_in("wang", name="王值班")
    page = await site.page(officer, size=PHONE)
    await page.goto(f"/elders/{elder['id']}")
    await expect(page.locator(".away-card")).to_contain_text("照护规则已暂停到")
    assert await overflow(page) == 0
    await page.get_by_text("更改现状").click()
    await page.get_by_text("现状记录").click()
    await page.screenshot(path="/tmp/s_elder390.png", full_page=True)
    assert await overflow(page) == 0
    await page.goto("/absences")
    assert await overflow(page) == 0
    desk = await site.page(officer)
    await desk.goto("/desk")
    await desk.screenshot(path="/tmp/s_queue.png")
    await desk.get_by_role("link", name="1 人的现状待复核").click()
    await expect(desk.locator("tr.is-overdue")).to_contain_text("张福生")
    await desk.screenshot(path="/tmp/s_list.png")
    await desk.goto(f"/elders/{gone['id']}")
    await desk.screenshot(path="/tmp/s_elder.png")
    await desk.goto(f"/elders/{elder['id']}")
    await desk.screenshot(path="/tmp/s_elder2.png")
