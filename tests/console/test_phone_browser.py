"""The visitor's phone and the contact's link in a real Chromium, 390 px wide."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.console.browsing import PHONE, Site, overflow
from tests.support.world import Caller, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
TARGET_PX = 48


async def sent(world: World) -> tuple[Caller, dict[str, Any]]:
    """A visitor who was sent to somebody."""
    elder = await world.elder(
        "李桂英", contacts=2, health="高血压", access="钥匙在邻居 301", phone="+8613900000000"
    )
    await world.press(await world.button(elder))
    visitor = await world.sign_in("chen", role="visitor", name="陈探访")
    incident = await world.incident()
    await world.act("dispatch", incident, {"visitor_id": visitor.id})
    return visitor, incident


async def small_targets(page: Page) -> list[str]:
    """What a thumb must hit inside the page and is lower than 48 px."""
    found: list[str] = await page.evaluate(
        """(least) => [...document.querySelectorAll(
                ["a", "button", "summary", ".grade span", "input:not([type=radio], [type=hidden])"]
                    .map((one) => `main ${one}`).join())]
            .filter((one) => one.checkVisibility())
            .filter((one) => one.getBoundingClientRect().height < least)
            .map((one) => `${one.getBoundingClientRect().height} ${one.textContent.trim()}`)""",
        TARGET_PX,
    )
    return found


async def test_a_task_from_the_first_look_to_the_record(site: Site) -> None:
    visitor, incident = await sent(site.world)
    page = await site.page(visitor, size=PHONE)
    await page.goto("/my")
    await _fits(page)
    await expect(page.locator("main")).to_contain_text("新任务")
    await expect(page.locator("main")).to_contain_text("钥匙在邻居 301")
    await expect(page.get_by_role("link", name="打给老人")).to_have_attribute(
        "href", "tel:+8613900000000"
    )
    await page.get_by_role("button", name="接受，我去").click()
    await expect(page.get_by_role("link", name="导航")).to_have_attribute(
        "href", "geo:0,0?q=%E6%BC%94%E7%A4%BA%E8%B7%AF%201%20%E5%8F%B7"
    )
    await _fits(page)
    await page.get_by_role("button", name="我到了").click()
    await expect(page.locator("main")).to_contain_text("怎么样了？")
    await _fits(page)
    await page.get_by_label("补充一句").fill("滑了一下，扶起来了")
    await page.get_by_role("button", name="人没事，已帮忙").click()
    await expect(page.locator("main")).to_contain_text("探访记录")
    await _fits(page)
    await page.locator(".grades-record_gas_safety label", has_text="不安全").click()
    await page.get_by_label("老人的服务需求").fill("浴室扶手")
    await expect(page.locator("[data-draft-note]")).to_be_visible()

    await page.reload()  # the battery died
    await expect(page.get_by_label("老人的服务需求")).to_have_value("浴室扶手")
    await page.get_by_role("button", name="保存，完成").click()
    await expect(page.locator("main")).to_contain_text("记录已保存")
    await page.wait_for_function("localStorage.length === 0")  # the draft is wiped once it is saved

    whole = await site.world.incident()
    assert (whole["stage"], whole["outcome"]) == ("following_up", "assisted")
    assert whole["visits"][0]["record"]["gas_safety"] == "unsafe"
    await page.goto("/my")
    await expect(page.locator("main")).to_contain_text("现在没有任务")
    assert (await site.world.stored(incident)).visitor_id == visitor.id


async def _fits(page: Page) -> None:
    assert await overflow(page) == 0
    assert await small_targets(page) == []


async def test_a_record_typed_without_a_network_is_not_lost(site: Site) -> None:
    visitor, incident = await sent(site.world)
    for move, body in (("accept", None), ("arrive", None), ("outcome", {"outcome": "assisted"})):
        await site.world.act(move, incident, body, by=visitor)
    page = await site.page(visitor, size=PHONE)
    await page.goto(f"/my/{incident['id']}")
    await page.context.set_offline(True)
    await page.get_by_label("老人的服务需求").fill("浴室扶手")
    await page.get_by_role("button", name="保存，完成").click()
    await expect(page.locator("[data-offline-note]")).to_contain_text("已填的内容存在本机")
    await page.context.set_offline(False)
    await page.get_by_role("button", name="保存，完成").click()
    await expect(page.locator("main")).to_contain_text("记录已保存")


async def test_somebody_who_cannot_go_says_so_with_two_taps(site: Site) -> None:
    visitor, _ = await sent(site.world)
    page = await site.page(visitor, size=PHONE)
    await page.goto("/my")
    await page.get_by_text("去不了", exact=True).click()
    await _fits(page)
    await page.get_by_role("button", name="确认去不了").click()
    await expect(page.locator("main")).to_contain_text("现在没有任务")
    assert (await site.world.incident())["stage"] == "open"


async def test_a_task_taken_back_disappears_by_itself(site: Site) -> None:
    visitor, incident = await sent(site.world)
    page = await site.page(visitor, size=PHONE)
    await page.goto("/my")
    await expect(page.locator("main")).to_contain_text("新任务")
    await site.world.act("release", incident)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.locator("main")).to_contain_text("现在没有任务")


async def test_a_contact_reads_nothing_before_the_answer_and_the_way_on_after(site: Site) -> None:
    await site.world.phone_channels()
    await site.world.press(await site.world.button(await site.world.elder("李桂英")))
    text = site.world.sms_to(1)[0].text
    path = text[text.index("/a/") :].split()[0]
    page = await site.page(size=PHONE)
    await page.goto(path)
    await _fits(page)
    assert "李桂英" not in await page.content()
    assert "演示路" not in await page.content()
    await page.get_by_role("button", name="我知道了，我来联系").click()
    await expect(page.locator("main")).to_contain_text("李桂英")
    call = page.get_by_role("link", name="139 0000 0000")
    await expect(call).to_have_attribute("href", "tel:+8613900000000")
    await _fits(page)


async def test_every_page_of_the_phone_can_be_read_at_night(site: Site) -> None:
    visitor, _ = await sent(site.world)
    from tests.console.test_desk_browser import contrast_failures

    page = await site.page(visitor, size=PHONE, color_scheme="dark")
    await page.goto("/my")
    assert await contrast_failures(page) == []
