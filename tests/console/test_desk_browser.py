"""The desk in a real Chromium: live, loud, by keyboard, and honest about a lost link."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from alerting.tables import DeskPresence
from console.times import span
from tests.console.browsing import PHONE, Site, overflow
from tests.console.test_times import SPANS
from tests.support.world import Caller, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def elder_with_button(world: World, number: int = 1, **fields: Any) -> str:
    """A further elder with a button of their own; returns the button's id."""
    elder = await world.elder(f"老人{number}", **fields)
    return await world.button(elder, f"btn-{number}")


async def officer(world: World, name: str = "王值班", username: str = "wang") -> Caller:
    return await world.sign_in(username, name=name)


async def the_case(world: World) -> str:
    ident: str = (await world.incident())["id"]
    return ident


async def test_a_press_appears_on_the_open_desk_without_a_reload(site: Site) -> None:
    button = await elder_with_button(site.world)
    page = await site.page(await officer(site.world))
    await page.goto("/desk")
    await expect(page.locator(".quiet-title")).to_have_text("没有未处理的事件")
    await page.evaluate("window.notReloaded = true")

    await site.world.press(button)

    row = page.locator(".row")
    await expect(row).to_contain_text("一键呼叫")
    await expect(row).to_contain_text("老人1")
    await expect(row).to_contain_text("无人接单")
    await expect(page.locator(".counter-open .counter-number")).to_have_text("1")
    assert await page.evaluate("window.notReloaded") is True


async def test_the_open_case_follows_what_others_do(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world))
    page = await site.page(await officer(site.world))
    await page.goto(f"/incidents/{await the_case(site.world)}")
    await expect(page.locator(".lede")).to_contain_text("还没有人接单")
    other = await officer(site.world, "李值守", "li")
    await site.world.act("acknowledge", await site.world.incident(), by=other)
    await expect(page.locator(".lede")).to_contain_text("李值守 08:15:00 接单")
    await expect(page.locator("#case-actions")).not_to_contain_text("接单A")
    await expect(page.locator(".timeline")).to_contain_text("接单")


async def test_words_being_typed_survive_a_live_update(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world))
    page = await site.page(await officer(site.world))
    await page.goto(f"/incidents/{await the_case(site.world)}")
    await page.locator("#case-actions summary", has_text="备注").click()
    note = page.locator("#case-actions textarea[name=text]")
    await note.fill("邻居去看了")
    await site.world.press("btn-1")
    await expect(page.locator(".case-marks")).to_contain_text("共 2 次")
    await expect(note).to_have_value("邻居去看了")
    await page.get_by_role("button", name="保存备注").click()
    await expect(page.locator(".timeline")).to_contain_text("邻居去看了")


async def test_a_note_left_half_written_waits_in_the_refreshed_case(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world))
    page = await site.page(await officer(site.world))
    await page.goto(f"/incidents/{await the_case(site.world)}")
    await page.locator("#case").focus()
    await page.keyboard.press("n")
    await page.keyboard.type("half a note")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    other = await officer(site.world, "李值守", "li")
    await site.world.act("acknowledge", await site.world.incident(), by=other)
    await expect(page.locator("#case-actions [data-key=a]")).to_have_count(0)
    await page.locator("#case-actions summary", has_text="备注").click()
    await expect(page.locator("#case-actions textarea[name=text]")).to_have_value("half a note")


async def test_from_queue_to_dispatch_with_the_keyboard_alone(site: Site) -> None:
    visitor = await site.world.sign_in("chen", role="visitor", name="陈探访")
    for number in (1, 2):
        await site.world.press(await elder_with_button(site.world, number))
        site.world.clock.advance(seconds=5)
    page = await site.page(await officer(site.world))
    await page.goto("/desk")
    await page.evaluate("window.notReloaded = true")
    keys = page.keyboard
    await keys.press("a")
    assert [one["stage"] for one in await site.world.incidents()] == ["open", "open"]
    await keys.press("j")
    await keys.press("j")
    await expect(page.locator(".row").nth(1).locator("a")).to_be_focused()
    await keys.press("a")
    assert [one["stage"] for one in await site.world.incidents()] == ["open", "open"]
    await keys.press("k")
    await keys.press("Enter")
    await expect(page.locator(".case-who")).to_have_text("老人1")
    await expect(page.locator("#case")).to_be_focused()
    await keys.press("a")
    await expect(page.locator(".lede")).to_contain_text("王值班 08:15:10 接单")
    await keys.press("d")
    await expect(page.locator("select[name=visitor_id]")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(page.locator(".lede")).to_contain_text("派给陈探访")
    await keys.press("n")
    await expect(page.locator("#case-actions textarea[name=text]")).to_be_focused()
    await keys.type("a note with a and d in it")
    await keys.press("Escape")
    await keys.press("Escape")
    await expect(page.locator(".row a[aria-current]")).to_be_focused()
    assert await page.evaluate("window.notReloaded") is True, "a reload would switch the sound off"
    first = next(one for one in await site.world.incidents() if one["stage"] == "dispatched")
    assert (await site.world.stored(first)).visitor_id == visitor.id


async def test_keys_can_be_switched_off_and_explained(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world))
    page = await site.page(await officer(site.world))
    await page.goto("/desk")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    await page.locator(".menu summary").click()
    await page.locator("[data-keys-switch]").click()
    await page.keyboard.press("j")
    await expect(page.locator(".row a")).not_to_be_focused()
    await page.keyboard.press("/")
    await expect(page.locator("#search")).not_to_be_focused()


async def test_the_second_of_two_officers_reads_who_was_first(site: Site) -> None:
    site.expected.add(409)
    await site.world.press(await elder_with_button(site.world))
    case = await the_case(site.world)
    first = await site.page(await officer(site.world))
    second = await site.page(await officer(site.world, "李值守", "li"))
    # The second page hears of nothing: its link is slow at the wrong moment.
    await second.route("**/api/v1/stream", lambda route: route.abort())
    await second.route("**/desk/queue*", _never)
    for page in (first, second):
        await page.goto(f"/incidents/{case}")
    await first.get_by_role("button", name="接单").click()
    await expect(first.locator(".lede")).to_contain_text("王值班 08:15:00 接单")
    await second.get_by_role("button", name="接单").click()
    await expect(second.locator("#case-trouble")).to_contain_text("王值班 08:15:00 已接单")
    await expect(second.locator(".lede")).to_contain_text("王值班 08:15:00 接单")
    assert (await site.world.stored(await site.world.incident())).owner_name == "王值班"


async def _never(route: Route) -> None:
    """Neither answered nor refused."""


@pytest.mark.parametrize("failure", ["answer", "connection"])
async def test_a_button_without_an_answer_does_not_look_as_if_it_had_worked(
    site: Site, failure: str
) -> None:
    site.expected.add(503)
    await site.world.press(await elder_with_button(site.world))
    page = await site.page(await officer(site.world))
    await page.goto(f"/incidents/{await the_case(site.world)}")

    async def fail(route: Route) -> None:
        await (route.fulfill(status=503) if failure == "answer" else route.abort())

    await page.route("**/acknowledge", fail)
    await page.get_by_role("button", name="接单").click()
    await expect(page.locator("#act-failed")).to_contain_text("可能没有保存")
    await expect(page.locator(".lede")).to_contain_text("还没有人接单")
    await page.unroute("**/acknowledge")
    await page.get_by_role("button", name="接单").click()
    await expect(page.locator(".lede")).to_contain_text("王值班 08:15:00 接单")
    await expect(page.locator("#act-failed")).to_be_hidden()
    site.complaints = [one for one in site.complaints if "htmx:" not in one and "503" not in one]


async def presences(world: World) -> list[tuple[str, bool]]:
    from sqlalchemy import select

    async with world.services.db.reading() as session:
        rows = await session.scalars(select(DeskPresence))
        return [(row.user_id, row.armed) for row in rows]


async def test_the_desk_counts_only_once_its_sound_was_switched_on_by_a_click(site: Site) -> None:
    caller = await officer(site.world)
    page = await site.page(caller)
    async with page.expect_response("**/desk/heartbeat"):
        await page.goto("/desk")
    assert await presences(site.world) == [(caller.id, False)]
    band = page.locator("#sound-band")
    await expect(band).to_contain_text("声音未开启")
    async with page.expect_response("**/desk/heartbeat"):
        await band.get_by_role("button").click()
    await expect(band).to_be_hidden()
    assert await presences(site.world) == [(caller.id, True)]

    await site.world.press(await elder_with_button(site.world))
    await expect(page.locator("body")).to_have_attribute("data-rang", "life_safety")
    desk = [n for n in (await site.world.incident())["notices"] if n["channel"] == "console"]
    assert [notice["state"] for notice in desk] == ["delivered"]

    async with page.expect_response("**/desk/heartbeat"):
        await page.locator("[data-disarm]").click()
    assert await presences(site.world) == [(caller.id, False)]


async def test_a_closed_page_stops_counting_at_once(site: Site) -> None:
    page = await site.page(await officer(site.world))
    async with page.expect_response("**/desk/heartbeat"):
        await page.goto("/desk")
    assert len(await presences(site.world)) == 1
    await page.goto("/devices")
    for _ in range(200):  # sent by a beacon, whose answer no page waits for
        if not await presences(site.world):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the page left, and still counts")


async def test_rows_stay_where_they_are_under_the_pointer_and_newcomers_wait(site: Site) -> None:
    for number in (1, 2):
        await site.world.press(await elder_with_button(site.world, number))
        site.world.clock.advance(seconds=5)
    await elder_with_button(site.world, 3)
    page = await site.page(await officer(site.world))
    await page.goto("/desk")
    names = page.locator(".row-who")
    await expect(names).to_have_text(["老人1", "老人2"])
    await page.locator(".row").nth(1).hover()

    await site.world.press("btn-3")
    oldest = next(one for one in await site.world.incidents() if one["device_id"] == "btn-1")
    await site.world.act("acknowledge", oldest)

    bar = page.locator("#newcomers")
    await expect(bar).to_contain_text("新到 1 起：一键呼叫")
    await expect(names).to_have_text(["老人1", "老人2"])
    await expect(page.locator(".row").nth(0)).to_contain_text("已接单")
    await page.mouse.move(1000, 500)
    await expect(names).to_have_text(["老人2", "老人3", "老人1"])
    await expect(bar).to_be_hidden()


async def test_rows_stay_under_the_keyboards_cursor_until_the_officer_asks(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world, 1))
    await elder_with_button(site.world, 2)
    page = await site.page(await officer(site.world))
    await page.goto("/desk")
    await page.keyboard.press("j")
    await site.world.press("btn-2")
    await expect(page.locator("#newcomers")).to_contain_text("新到 1 起")
    await expect(page.locator(".row")).to_have_count(1)
    await page.keyboard.press(".")
    await expect(page.locator(".row")).to_have_count(2)
    await expect(page.locator(".row", has_text="老人1").locator("a")).to_be_focused()


async def test_a_lost_link_is_a_band_and_its_return_says_what_was_missed(site: Site) -> None:
    button = await elder_with_button(site.world)
    page = await site.page(await officer(site.world))
    async with page.expect_response("**/desk/queue*"):
        await page.goto("/desk")
    await page.context.set_offline(True)
    await expect(page.locator("#link-lost")).to_be_visible()
    await expect(page.locator("#link-lost")).to_contain_text("与服务器的连接已断开")
    await site.world.press(button)
    await expect(page.locator(".row")).to_have_count(0)
    await page.context.set_offline(False)
    await expect(page.locator("#link-lost")).to_be_hidden()
    await expect(page.locator("#link-back")).to_contain_text("期间新到 1 起")
    await expect(page.locator(".row")).to_have_count(1)


async def test_without_a_stream_the_desk_asks_by_itself(site: Site) -> None:
    button = await elder_with_button(site.world)
    page = await site.page(await officer(site.world))
    site.expected.add(404)
    await page.route("**/api/v1/stream", lambda route: route.fulfill(status=404))
    await page.goto("/desk")
    await site.world.press(button)
    await expect(page.locator(".row")).to_have_count(1)


async def test_an_ended_session_leads_to_sign_in_and_back_to_the_case(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world))
    case = await the_case(site.world)
    page = await site.page(await officer(site.world))
    await page.goto(f"/incidents/{case}")
    await expect(page.locator(".pulse-state")).to_be_visible()
    site.expected.add(401)
    await page.context.clear_cookies()
    await site.world.press("btn-1")
    await page.wait_for_url(f"**/sign-in?next=/incidents/{case}")
    await page.get_by_label("用户名").fill("wang")
    await page.get_by_label("密码").fill("correct horse battery")
    await page.get_by_role("button", name="登录").click()
    await expect(page.locator(".case-who")).to_have_text("老人1")


async def test_going_back_shows_the_case_before(site: Site) -> None:
    for number in (1, 2):
        await site.world.press(await elder_with_button(site.world, number))
        site.world.clock.advance(seconds=5)
    page = await site.page(await officer(site.world))
    await page.goto("/desk")
    for number in (1, 2):
        await page.locator(".row", has_text=f"老人{number}").click()
        await expect(page.locator(".case-who")).to_have_text(f"老人{number}")
    await page.go_back()
    await expect(page.locator(".case-who")).to_have_text("老人1")
    stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "老人" not in stored, "no name stays in the browser"


async def test_language_and_light_are_switched_without_losing_the_place(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world))
    page = await site.page(await officer(site.world))
    await page.goto(f"/incidents/{await the_case(site.world)}")
    async with page.expect_response("**/preferences"):
        await page.locator("[data-theme-switch]").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="切换到英文").click()
    await expect(page.locator(".lede")).to_contain_text("Nobody has taken it")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_times_tick_in_the_browser_as_they_are_written_on_the_server(site: Site) -> None:
    page = await site.page(await officer(site.world))
    await page.goto("/desk")
    texts: list[str] = await page.evaluate(
        """async (spans) => {
            const { span } = await import("/static/clock.js");
            return spans.map((seconds) => span(seconds * 1000));
        }""",
        [seconds for seconds, _ in SPANS],
    )
    assert texts == [text for _, text in SPANS] == [span(s, "天") for s, _ in SPANS]


async def contrast_failures(page: Page) -> list[str]:
    """Texts whose colour is less than AA against the nearest solid ground behind them."""
    found: list[str] = await page.evaluate(
        """() => {
            const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            const rgba = (css) => {
                canvas.clearRect(0, 0, 1, 1);
                canvas.fillStyle = css;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data];
            };
            const light = ([r, g, b]) => [r, g, b]
                .map((v) => v / 255)
                .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const ground = (element) => {
                for (let one = element; one; one = one.parentElement) {
                    const colour = rgba(getComputedStyle(one).backgroundColor);
                    if (colour[3] === 255) return colour;
                }
                return [255, 255, 255, 255];
            };
            const failures = [];
            for (const element of document.querySelectorAll("body *")) {
                const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
                if (!own || !element.checkVisibility() || element.matches("kbd")) continue;
                const style = getComputedStyle(element);
                const [a, b] = [light(rgba(style.color)), light(ground(element))].sort().reverse();
                const big = parseFloat(style.fontSize) >= 24
                    || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio >= (big ? 3 : 4.5)) continue;
                failures.push([ratio.toFixed(2), element.className, element.textContent].join(" "));
            }
            return failures;
        }"""
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_word_on_the_desk_can_be_read(site: Site, scheme: str) -> None:
    await site.world.press(await elder_with_button(site.world, contacts=2))
    await site.world.device("meter-1", "water_meter")
    await site.world.event("meter-1", "leak")
    await site.world.event("btn-1", "battery_low")
    page = await site.page(await officer(site.world), color_scheme=scheme)
    for path in (f"/incidents/{(await site.world.incidents(kind='sos'))[0]['id']}", "/devices"):
        await page.goto(path)
        assert await contrast_failures(page) == []


async def test_the_desk_fits_a_phone(site: Site) -> None:
    await site.world.press(await elder_with_button(site.world, contacts=2))
    await site.world.event("a-device-with-a-rather-long-name-that-nobody-registered", "smoke")
    page = await site.page(await officer(site.world), size=PHONE)
    for path in ("/desk", f"/incidents/{(await site.world.incidents(kind='sos'))[0]['id']}"):
        await page.goto(path)
        assert await overflow(page) == 0
    await page.locator("[data-back]").click()
    await expect(page.locator(".row").first).to_be_visible()
