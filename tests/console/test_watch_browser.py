"""The watch list in a real Chromium: by keyboard, and no row moves under the cursor."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.console.browsing import PHONE, Site, overflow
from tests.stories.test_watch_list import another_home

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def test_by_keyboard_and_nothing_moves_under_the_cursor(site: Site) -> None:
    world = site.world
    for number in ("2", "3", "4"):
        await another_home(world, number)
    page = await site.page(await world.sign_in("wang", name="王值班"))
    await page.goto("/watch")
    rows = page.locator(".watch-row")
    await expect(rows).to_have_count(3)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(rows.nth(0).locator("a")).to_be_focused()
    first = await rows.nth(0).get_attribute("id")
    assert first == "watch-water-2"

    await world.reads("water-2", 0.3)  # it was used: the home goes to the end of the list
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    held = page.locator("#watch-held")
    await expect(held).to_be_visible()
    assert await rows.nth(0).get_attribute("id") == first, "under the cursor"
    await expect(rows.nth(0).locator("a")).to_be_focused()
    await page.keyboard.press(".")
    await expect(rows.nth(2)).to_have_id("watch-water-2")
    await expect(rows.nth(2).locator("a")).to_be_focused()
    await expect(held).to_be_hidden()

    await page.keyboard.press("/")
    await expect(page.locator("#watch-q")).to_be_focused()
    await page.keyboard.type("water-3")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=water-3**", wait_until="load")
    await expect(page.locator(".watch-row")).to_have_count(1)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.base}/devices/water-3")


async def test_on_a_phone_nothing_has_to_be_dragged(site: Site) -> None:
    await another_home(site.world, "2")
    page = await site.page(site.world.admin, size=PHONE)
    for path in ("/watch", "/watch?show=unable", "/devices/water-2"):
        await page.goto(path)
        assert await overflow(page) == 0, path
