"""A check at the desk and on the elder's phone: seen, answered, and by keyboard."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from simulators.phone_messages import Rule
from tests.console.browsing import PHONE, Site, overflow
from tests.console.support import forms_of, reader, words_of
from tests.support.checks import ELDER_PHONE, QuietHome
from tests.support.world import Caller

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def officer(site: Site) -> Caller:
    return await site.world.sign_in("wang", name="王值班")


async def at_desk(site: Site) -> Page:
    page = await site.page(await officer(site))
    await page.goto("/desk")
    return page


async def test_a_running_check_is_a_row_that_says_what_comes_next_and_when(site: Site) -> None:
    home = await QuietHome(site.world).begin()
    page = await at_desk(site)
    await expect(page.locator(".quiet-title")).to_be_visible()
    await home.finds()
    row = page.locator(".row.sev-check")
    await expect(row).to_contain_text("长时间未用水")
    await expect(row).to_contain_text("李演示")
    await expect(row).to_contain_text("问安中")
    await expect(row).to_contain_text("再问一次")
    await expect(page.locator(".counter-checks .counter-number")).to_have_text("1")
    await home.presses("1")
    await expect(row).to_have_count(0)
    await expect(page.locator(".counter-checks .counter-number")).to_have_text("0")
    assert site.complaints == []


async def test_a_check_that_only_the_desk_can_ask_says_so(site: Site) -> None:
    home = await QuietHome(site.world).begin()
    wang = await officer(site)
    await site.world.desk_opens(wang)
    site.world.phone.set_rule(ELDER_PHONE, Rule(permanent=True))
    page = await site.page(wang)
    await page.goto("/desk")
    await home.finds()
    await expect(page.locator(".row.sev-check .row-stage")).to_have_text("请打电话问安")
    assert await site.world.incidents() == []
    assert site.complaints == []


async def test_the_officer_phones_and_answers_by_keyboard(site: Site) -> None:
    home = await QuietHome(site.world).begin()
    await home.finds()
    page = await at_desk(site)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    panel = page.locator(".check-case")
    await expect(panel.locator(".lede")).to_contain_text("已 9 小时没有用水，过了")
    await expect(panel.locator(".check-number")).to_have_attribute("href", "tel:+8613900000000")
    await expect(panel.locator(".lede")).to_contain_text("的问安线")
    await expect(panel).not_to_contain_text("为什么报警")
    await expect(panel.locator(".tried")).to_contain_text("打电话问李演示")
    assert await overflow(page) == 0
    await page.keyboard.press("w")
    await expect(panel).to_contain_text("值班员已与老人通话")
    await expect(page.locator(".row")).to_have_count(0)
    check = await home.check()
    assert (check.result, check.ended_by) == ("spoken", "王值班")
    await page.goto(f"/elders/{home.elder['id']}")
    await expect(page.locator(".file-grid")).to_contain_text("值班员已与老人通话")
    assert site.complaints == []


async def test_an_officer_who_does_not_wait_opens_the_incident(site: Site) -> None:
    home = await QuietHome(site.world).begin()
    await home.finds()
    page = await at_desk(site)
    await page.goto(f"/checks/{(await home.check()).id}")
    await page.keyboard.press("i")
    await expect(page.locator(".case h1")).to_contain_text("李演示")
    await expect(page.locator(".timeline")).to_contain_text("值班员结束问安，立即建立事件单")
    asked = page.locator(".timeline .entry-tried")
    await expect(asked.first).to_contain_text("李演示")
    await expect(page.locator(".timeline .entry-checked ~ .entry-opened")).to_have_count(0)
    await expect(page.locator(".story")).to_contain_text("值班员结束问安")
    assert "/incidents/" in page.url
    assert site.complaints == []


async def test_the_second_officer_is_told_who_was_first(site: Site) -> None:
    home = await QuietHome(site.world).begin()
    await home.finds()
    check = await home.check()
    late = reader(site.world, await officer(site))
    page = await late.open(f"/checks/{check.id}")
    [form] = [one for one in forms_of(page) if one.action.endswith("/help")]
    other = await site.world.sign_in("li", name="李值守")
    await other.post(f"checks/{check.id}/answer", {"result": "spoken"})
    answer = await late.http.post(form.action, data=form.fields)
    assert answer.status_code == 409
    assert "李值守 08:15:00 已处理" in words_of(answer.text)
    assert await site.world.incidents() == []


async def test_the_elder_s_page_is_three_big_buttons(site: Site) -> None:
    home = await QuietHome(site.world).begin()
    await home.finds()
    page = await site.page(size=PHONE)
    await page.goto(await home.link())
    buttons = page.locator(".ask-button")
    await expect(buttons).to_have_text(["我很好", "我需要帮助", "我不在家"])
    for number in range(3):
        box = await buttons.nth(number).bounding_box()
        assert box is not None and box["height"] >= 72 and box["width"] >= 340
    assert await overflow(page) == 0
    await buttons.nth(2).click()
    await expect(page.locator("h1")).to_have_text("谢谢您，收到了")
    await page.get_by_role("button", name="三天以后").click()
    await expect(page.locator("strong")).to_contain_text("3 月 4 日 21:00")
    assert (await home.check()).result == "away"
    assert site.complaints == []
