"""A night at the desk by keyboard alone, and the same desk on a phone."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.console.browsing import PHONE, Site, overflow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def test_a_case_from_its_press_to_its_close_by_keyboard(site: Site) -> None:
    elder = await site.world.elder("欧阳上官司徒", contacts=1)
    await site.world.press(await site.world.button(elder))
    page = await site.page(await site.world.sign_in("wang", name="王值班"))
    await page.goto("/desk")
    keys, lede = page.keyboard, page.locator(".lede")
    name = page.locator(".row-who")
    assert await name.evaluate("e => e.scrollWidth <= e.clientWidth"), "a name is never cut"
    await keys.press("s")
    await expect(page.locator("#sound-band")).to_be_hidden()
    await keys.press("j")
    await keys.press("Enter")
    await expect(page.locator("#case")).to_be_focused()
    await keys.press("a")
    await expect(lede).to_contain_text("王值班")
    await keys.press("c")
    await expect(page.locator(":focus")).to_have_attribute("href", "tel:+8613900000000")
    await keys.press("c")
    await expect(page.locator(":focus")).to_have_attribute("href", "tel:+8613900000001")
    await keys.press("n")
    await keys.type("r e c a: nothing of this is a key")
    await keys.press("Control+Enter")
    await expect(page.locator(".timeline")).to_contain_text("nothing of this is a key")
    await expect(page.locator("#case")).to_be_focused()
    await keys.press("o")
    await keys.press("1")
    await keys.press("Control+Enter")
    await expect(lede).to_contain_text("结果：已协助")
    await keys.press("r")
    await keys.press("Control+Enter")
    await expect(page.locator(".aftercare .done-line")).to_have_count(1)
    await keys.press("e")
    await expect(lede).to_contain_text("结案，结果")
    assert (await site.world.incident())["stage"] == "closed"
    assert site.complaints == []


async def test_on_a_phone_the_way_around_is_behind_one_button(site: Site) -> None:
    await site.world.press(await site.world.button(await site.world.elder("欧阳上官司徒")))
    page = await site.page(await site.world.sign_in("wang", name="王值班"), size=PHONE)
    await page.goto("/desk")
    menu = page.locator("#top-menu")
    await expect(menu).to_be_hidden()
    box = await page.locator(".top").bounding_box()
    assert box is not None and box["height"] <= 64, "one line"
    await page.locator(".menu-button").click()
    for link in await menu.locator(".top-nav a").all():
        box = await link.bounding_box()
        assert box is not None and box["height"] >= 48
    await page.locator("#search").fill("欧阳")
    assert await overflow(page) == 0
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("欧阳上官司徒")
    assert site.complaints == []
