"""The page of watch rules: what holds where and from whom, trying a rule, saving the very one."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from alerting.tables import DeviceStateRow, ReadingRow
from care.tables import WatchRule
from tests.console.browsing import DESK, PHONE, Site, overflow
from tests.console.support import forms_of, reader, words_of
from tests.detection.test_adaptive import Home, meter, ordinary
from tests.support.world import World

QUIET = {"no_water_use": {"preset": "adaptive-quiet"}}
FIXED = {"no_water_use": {"preset": "fixed-24h-10l"}}


async def county(world: World) -> dict[str, str]:
    """A county with a town and two villages in it."""
    ids: dict[str, str] = {}
    for name, level, parent in (
        ("城关县", "county", None),
        ("城关镇", "town", "城关县"),
        ("北门村", "village", "城关镇"),
        ("河东村", "village", "城关镇"),
    ):
        body = {"name": name, "level": level, "parent_id": ids.get(parent or "")}
        ids[name] = (await world.admin.post("areas", body))["id"]
    return ids


async def quiet_morning(world: World, village: str) -> str:
    """An elder of the village whose water stood still from eight to ten on the day before last."""
    elder = await world.elder("李桂英", area_id=village)
    await world.device("water-1", "water_meter", home_id=elder["home_id"])
    past = Home(meter("adaptive", zone="Asia/Shanghai"))
    rows = []
    for number in range(80 * 24):
        day, hour = divmod(number, 24)
        still = day == 78 and 8 <= hour < 22
        past.passes(0 if still else ordinary(day, hour))
        rows.append((past.now, past.litres / 1000))
    world.clock.advance(seconds=(past.now - world.clock.now()).total_seconds())
    async with world.services.db.transaction() as session:
        session.add(DeviceStateRow(device_id="water-1", state="", last_heard_at=past.now))
        session.add_all(
            ReadingRow(device_id="water-1", register="water_total", at=at, value=value)
            for at, value in rows
        )
    await world.admin.sign_in()
    return str(elder["id"])


async def test_the_tree_says_of_every_area_what_holds_and_where_it_comes_from(
    world: World,
) -> None:
    ids = await county(world)
    await world.admin.post("watch-rules", {"rules": QUIET, "area_id": ids["城关镇"]})
    await world.admin.post(
        "watch-rules", {"rules": FIXED, "area_id": ids["北门村"], "tier": "general"}
    )
    page = words_of(await reader(world, world.admin).open("/rules"))
    tree = page.partition("各地区现行规则")[2]
    assert "城关镇 乡镇设规则 宽：明显超过本户习惯才报警 撤销" in tree
    assert "北门村 村设规则 宽：明显超过本户习惯才报警 来自：城关镇" in tree
    assert "一般对象 固定：24 小时不足 10 升报警 撤销" in tree
    assert "城关县 县设规则 固定：12 小时不足 10 升报警，24 小时再报 默认" in tree


async def test_a_rule_is_tried_looked_at_and_saved_with_what_was_said(world: World) -> None:
    ids = await county(world)
    elder_id = await quiet_morning(world, ids["北门村"])
    head = reader(world, world.admin)
    typed: dict[str, Any] = {"no_water_use.preset": "adaptive-tight", "note": "试一个月"}
    tried = await head.submit(
        f"/rules?area={ids['北门村']}",
        "/rules/back-test#forecast",
        **typed,
    )
    said = words_of(tried)
    assert "过去 30 天，这里会有 1 次报警：问安 0 次，事件单 1 起" in said
    assert "李桂英" in said and f"/elders/{elder_id}" in tried
    assert "每天 3 个值班班次：每人每班约 0 次问安、0.01 起事件单" in said
    assert await world.count(WatchRule) == 0, "nothing is saved by trying"
    form = next(one for one in forms_of(tried) if one.action == "/rules")
    answer = await head.http.post(form.action, data=form.fields)
    assert answer.status_code == 200
    (rule,) = (await world.admin.get("watch-rules"))["items"]
    assert (rule["area_id"], rule["note"]) == (ids["北门村"], "试一个月")
    assert rule["rules"] == {"no_water_use": {"preset": "adaptive-tight"}}
    assert rule["forecast"]["proposed"]["alarms"] == 1
    await world.anju.rules.step()
    elder = words_of(await head.open(f"/elders/{elder_id}"))
    assert "监测规则紧：超过本户习惯就报警 来自：北门村" in elder
    page = await head.submit("/rules", f"/rules/{rule['id']}/withdraw")
    assert "已结束的规则" in words_of(page)


async def test_a_rule_for_one_elder_is_set_from_their_page(world: World) -> None:
    elder = await world.elder("李桂英")
    head = reader(world, world.admin)
    assert f'href="/rules?elder={elder["id"]}#new"' in await head.open(f"/elders/{elder['id']}")
    typed: dict[str, Any] = {"no_water_use.preset": "adaptive"}
    tried = await head.submit(
        f"/rules?elder={elder['id']}",
        "/rules/back-test#forecast",
        **typed,
    )
    assert "1 户没有表计" in words_of(tried)


async def test_an_elder_s_page_names_the_rule_that_was_set_for_the_meter_alone(
    world: World,
) -> None:
    elder = await world.elder("李桂英")
    own = {"no_water_use": {"preset": "fixed-24h-10l"}}
    await world.device("water-1", "water_meter", home_id=elder["home_id"], rules=own)
    page = await reader(world, world.admin).open(f"/elders/{elder['id']}")
    assert "单为设备 water-1 设的" in words_of(page)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "规则：请至少选一项"),
        ({"no_water_use.preset": "adaptive", "effective_from": "2020-01-01T08:00"}, "不能早于现在"),
        ({"no_water_use.preset": "adaptive", "effective_from": "x"}, "不是有效的时间"),
        ({"leak.day_m3": "99"}, "一天用水超过多少立方米报警：这个值不能用"),
        ({"leak.day_m3": "nan"}, "不是数字"),
        ({"no_water_use.preset": "adaptive", "officers": "-1"}, "同时值班人数：超出允许的范围"),
    ],
)
async def test_what_cannot_be_is_said_above_the_form_which_keeps_what_was_typed(
    world: World, typed: dict[str, str], said: str
) -> None:
    head = reader(world, world.admin)
    page = await head.submit("/rules", "/rules/back-test#forecast", 422, **typed, note="写了一半")
    assert said in words_of(page)
    assert 'value="写了一半"' in page


async def test_an_officer_reads_the_rules_and_changes_nothing(world: World) -> None:
    await county(world)
    officer = reader(world, await world.sign_in("wang"))
    page = await officer.open("/rules")
    assert "各地区现行规则" in page
    assert "/rules/back-test" not in page
    assert 'href="/rules"' not in await officer.open("/elders")
    visitor = reader(world, await world.sign_in("liu", "visitor"))
    await visitor.open("/rules", status=403)


@pytest.mark.browser
async def test_by_keyboard_from_the_choice_to_the_saved_rule(site: Site) -> None:
    ids = await county(site.world)
    await quiet_morning(site.world, ids["北门村"])
    page = await site.page(site.world.admin)
    await page.goto(f"/rules?area={ids['北门村']}")
    assert await overflow(page) == 0
    await page.locator('[name="no_water_use.preset"]').first.focus()
    for _ in range(2):
        await page.keyboard.press("ArrowDown")
    await expect(page.locator('[value="adaptive"][type="radio"]')).to_be_checked()
    await page.keyboard.press("Enter")
    lead = page.locator(".forecast-lead")
    await expect(lead).to_contain_text("过去 30 天")
    assert await overflow(page) == 0
    await page.get_by_role("button", name="保存").focus()
    await page.keyboard.press("Enter")
    branch = page.locator(f"#{ids['北门村']}")
    await expect(branch.locator(".rule-own")).to_contain_text("两级：先问安（紧），再报警（宽）")
    small = await site.page(site.world.admin, size=PHONE)
    await small.goto("/rules")
    assert await overflow(small) == 0
    assert DESK["width"] > PHONE["width"]
