"""The page of watch rules: what holds where and from whom, trying a rule, saving the very one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from alerting.tables import Check, DeviceStateRow, ReadingRow
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
    assert "城关镇 乡镇设规则 宽：明显超过本户习惯才报警 效果撤销…" in tree
    assert "北门村 村设规则 宽：明显超过本户习惯才报警 来自：城关镇" in tree
    assert "一般对象 固定：24 小时不足 10 升报警 效果撤销…" in tree
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
    end = f"/rules/{rule['id']}/withdraw"
    assert f'href="{end}"' in await head.open("/rules")
    asked = words_of(await head.open(end))
    assert "之后按固定：12 小时不足 10 升报警，24 小时再报 默认" in asked
    assert "1 户（范围内共 1 户）" in asked and "立即生效" in asked
    page = words_of(await head.submit(end, end))
    assert "北门村的规则" in page and "已撤销，改按上级规则" in page
    assert "已结束的规则" in page
    assert "已撤销" in words_of(await head.open(end)), "nobody ends it twice"


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
    assert "1 户没有表计" in words_of(tried) and "什么都不会变" in words_of(tried)
    save = next(one for one in forms_of(tried) if one.action == "/rules")
    answer = await head.http.post("/rules", data=save.fields)
    assert answer.url.path == f"/elders/{elder['id']}", "back to where one came from"
    assert "已保存，正在通知李桂英的设备" in words_of(answer.text)
    (rule,) = (await world.admin.get("watch-rules"))["items"]
    assert f'href="/rules/{rule["id"]}/withdraw"' in answer.text
    end = f"/rules/{rule['id']}/withdraw"
    assert "李桂英的规则" in words_of(await head.submit(end, end))


async def metered(world: World, ident: str, area_id: str, preset: str | None = None) -> None:
    """A home with a water meter, which may have a rule of its own."""
    elder = await world.elder(ident, area_id=area_id)
    rules = {"no_water_use": {"preset": preset}} if preset else {}
    await world.device(ident, "water_meter", home_id=elder["home_id"], rules=rules)


async def test_a_rule_after_which_nobody_would_notice_asks_for_a_reason_and_a_number(
    world: World,
) -> None:
    ids = await county(world)
    village = ids["北门村"]
    for ident, own in (("w-1", None), ("w-2", None), ("w-own", "adaptive"), ("w-off", "off")):
        await metered(world, ident, village, own)
    head = reader(world, world.admin)
    typed: dict[str, Any] = {"no_water_use.preset": "off"}
    tried = await head.submit(f"/rules?area={village}", "/rules/back-test#forecast", **typed)
    assert "2 户将没有任何设备能发现" in words_of(tried)
    form = next(one for one in forms_of(tried) if one.action == "/rules")
    unsaid = form.fields | {"agreed": ""}
    for typed, said in (
        (unsaid | {"note": ""}, "请写明原因"),
        (unsaid | {"note": "换表"}, "请先勾选确认"),
        (form.fields | {"note": "换表", "agreed": "1"}, "请先勾选确认"),
        (form.fields | {"note": "换表", "agreed": "²"}, "请先勾选确认"),
    ):
        refused = await head.http.post("/rules", data=typed)
        assert refused.status_code == 422 and said in words_of(refused.text), typed
        again = next(one for one in forms_of(refused.text) if one.action == "/rules")
        assert again.fields["note"] == typed["note"], "what was typed is kept"
        assert again.fields["back_test"] == form.fields["back_test"]
    assert await world.count(WatchRule) == 0
    saved = await head.http.post("/rules", data=form.fields | {"note": "换表", "agreed": "2"})
    assert "已保存" in words_of(saved.text) and "2 户将没有任何设备" in words_of(saved.text)
    (rule,) = (await world.admin.get("watch-rules"))["items"]
    assert (rule["note"], rule["forecast"]["unnoticed"]) == ("换表", 2)


async def test_ending_a_rule_above_which_nothing_watches_asks_too(world: World) -> None:
    ids = await county(world)
    village = ids["北门村"]
    await metered(world, "w-1", village)
    off = {"rules": {"no_water_use": {"preset": "off"}}, "area_id": ids["城关县"]}
    refused = await world.admin.post("watch-rules", off | {"unnoticed_at_most": 0}, 422)
    assert refused["errors"][0]["field"] == "unnoticed_at_most"
    assert "1 homes" in refused["detail"]
    assert (await world.admin.post("watch-rules", off))["forecast"] == {"unnoticed": 1}
    mine = await world.admin.post("watch-rules", {"rules": FIXED, "area_id": village})
    end = f"/rules/{mine['id']}/withdraw"
    looked = await world.admin.get(f"watch-rules/{mine['id']}/withdrawal")
    assert (looked["homes"], looked["changed"], looked["unnoticed"]) == (1, 1, 1)
    assert [(one["value"], bool(one["rule_id"])) for one in looked["instead"]] == [("off", True)]
    head = reader(world, world.admin)
    asked = words_of(await head.open(end))
    assert "不监测用水 来自：城关县" in asked and "1 户将没有任何设备" in asked
    assert "请先勾选确认" in words_of(await head.submit(end, end, 422, agreed=""))
    assert (await world.admin.get(f"watch-rules/{mine['id']}"))["ended_at"] is None
    assert "已撤销" in words_of(await head.submit(end, end, agreed="1"))


async def test_a_rule_says_afterwards_what_became_of_what_was_foreseen(world: World) -> None:
    ids = await county(world)
    village = ids["北门村"]
    elder = await world.elder("李桂英", area_id=village, tier="key")
    await world.device("leak-1", "leak_sensor", home_id=elder["home_id"])
    await world.device("leak-2", "leak_sensor", home_id=(await world.elder("别处"))["home_id"])
    scopes: list[dict[str, Any]] = [
        {"area_id": village},
        {"tier": "key"},
        {"elder_id": elder["id"]},
        {"area_id": ids["河东村"]},
    ]
    made = [await world.admin.post("watch-rules", {"rules": QUIET, **one}) for one in scopes]
    officer = reader(world, await world.sign_in("wang"))
    first = words_of(await officer.open(f"/rules/{made[0]['id']}"))
    assert "生效不到一小时" in first and "正在通知设备" in first
    world.clock.advance(hours=12)
    for device in ("leak-1", "leak-2"):
        await world.event(device, "leak")
    async with world.services.db.transaction() as session:
        ended = {"state": "ended", "result": "well", "ended_at": world.clock.now()}
        where: dict[str, Any] = {"home_id": elder["home_id"], "area_id": village}
        values = {"purpose": "wellbeing", "kind": "no_water_use", "opened_at": world.clock.now()}
        session.add(Check(id="check-1", subject="home:x", **values, **where, **ended))
    world.clock.advance(hours=36)
    officer = reader(world, await world.sign_in("zhao"))
    for rule, count in zip(made, (1, 1, 1, 0), strict=True):
        said = words_of(await officer.open(f"/rules/{rule['id']}"))
        assert "实际（2 天）" in said
        assert ("事件单1：还没有结果 1" in said) is bool(count), rule
        assert ("问安1：" in said) is bool(count), rule
    assert f'href="/rules/{made[0]["id"]}"' in await officer.open("/rules")
    await officer.open("/rules/rule-nobody-knows", 404)


async def test_a_rule_to_come_is_ended_without_a_change(world: World) -> None:
    await metered(world, "w-1", (await county(world))["北门村"])
    later = (world.clock.now() + timedelta(days=3)).isoformat()
    rule = await world.admin.post("watch-rules", {"rules": QUIET, "effective_from": later})
    end = f"/rules/{rule['id']}/withdraw"
    head = reader(world, world.admin)
    asked = words_of(await head.open(end))
    assert "还没生效，撤销后什么都不变" in asked and "照旧按固定：12 小时不足 10 升" in asked
    assert "已撤销" in words_of(await head.submit(end, end))
    await head.open("/rules/rule-nobody-knows/withdraw", 404)
    assert "已保存" not in words_of(await head.open("/rules?saved=rule-nobody-knows"))


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
    assert words_of(page).count(said) == 2, "above the form and at the field"
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
