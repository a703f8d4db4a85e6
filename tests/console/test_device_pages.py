"""Pages of a device's life: its own page, the import, labels, homes without smoke detection."""

from __future__ import annotations

import pytest

from tests.console.support import forms_of, reader, words_of
from tests.stories.test_interruptions import stops, village_of
from tests.support.world import World

HEAD = "设备编号,类型,用途,老人,房间"


async def test_a_device_page_tells_who_where_how_and_what_happened(world: World) -> None:
    elder = await world.elder()
    await world.device("btn-1", "sos_button", elder_id=elder["id"], room="卧室")
    await world.press("btn-1")
    await world.hears(
        "anju/v1/btn-1/telemetry", {"readings": [], "battery_pct": 91, "rssi_dbm": -70}
    )
    world.clock.advance(hours=6)
    await world.hears("anju/v1/btn-1/telemetry", {"readings": [], "battery_pct": 82})
    pages = reader(world, world.admin)
    said = words_of(await pages.open("/devices/btn-1"))
    for part in ("李演示", "卧室", "呼叫按钮", "82 %", "91 %", "-70 dBm", "尚未测试", "一键呼叫"):
        assert part in said, part
    assert "/devices/btn-1" in await pages.open("/devices")
    assert "/devices/btn-1" in await pages.open(f"/elders/{elder['id']}")
    await pages.open("/devices/nobody", 404)


async def test_every_act_of_the_page_works_without_scripts(world: World) -> None:
    elder = await world.elder()
    await world.device("meter-1", "water_meter", home_id=elder["home_id"])
    pages, path = reader(world, world.admin), "/devices/meter-1"
    assert "厨房" in await pages.submit(path, "/edit", room="厨房")
    said = words_of(await pages.submit(path, "/swap-meter", start_value="0.2", note="到期"))
    assert "换表" in said and "0.2 m3" in said
    wrong = await pages.submit(path, "/swap-meter", 422, start_value="abc")
    assert "不是数字" in wrong and "abc" in wrong, "what was typed is still there"
    assert "已停用" in words_of(await pages.submit(path, "/retire", reason="坏了"))
    assert "已停用" not in words_of(await pages.submit(path, "/unretire"))
    made = words_of(await pages.submit(path, "/replace", id="meter-2", reason="坏了"))
    assert "只显示这一次" in made and "meter-2" in made
    assert "已更换为 meter-2" in words_of(await pages.open(path))
    assert "meter-1 → meter-2" in words_of(await pages.open("/devices/meter-2"))


async def test_a_meter_whose_rule_rests_says_why(world: World) -> None:
    elder = await world.elder()
    await village_of(world, elder)
    area = (await world.admin.get(f"homes/{elder['home_id']}"))["area_id"]
    await world.device("meter-1", "water_meter", home_id=elder["home_id"])
    await world.reads("meter-1", 12.5)
    await stops(world, area)
    pages = reader(world, world.admin)
    assert "停水：不用水不报警" in words_of(await pages.open("/devices/meter-1"))
    body = {"status": "away"}
    await world.admin.expect(200, "PATCH", f"elders/{elder['id']}", json=body)
    assert "家里没有人" in words_of(await pages.open("/devices/meter-1"))


async def test_a_visitor_sees_the_device_of_their_elder_and_can_change_nothing(
    world: World,
) -> None:
    visitor = await world.sign_in("chen", "visitor")
    elder = await world.elder(responsible_visitor_id=visitor.id)
    await world.button(elder)
    pages = reader(world, visitor)
    assert "/replace" not in await pages.open("/devices/btn-1")
    await pages.open("/devices/import", 403)
    await pages.open("/devices/labels", 403)


async def test_an_import_is_seen_before_it_is_done_and_its_result_can_be_kept(
    world: World,
) -> None:
    await world.elder()
    pages = reader(world, world.admin)
    rows = "\n".join([HEAD, "b-1,直连,呼叫按钮,李演示,卧室", "", "b-2,直连,按扭,李演示,"])
    (form,) = [
        f
        for f in forms_of(await pages.open("/devices/import"))
        if f.method == "post" and "file" in f.names
    ]
    answer = await pages.http.post(
        form.action, data={"csrf": form.fields["csrf"]}, files={"file": ("d.csv", rows.encode())}
    )
    assert answer.status_code == 200, words_of(answer.text)
    said = words_of(answer.text)
    assert "登记这 1 台设备" in said and "没有这种用途" in said
    confirm = next(f for f in forms_of(answer.text) if "rows" in f.names)
    done = await pages.http.post(confirm.action, data=confirm.fields)
    assert "已导入" in words_of(done.text) and "只显示这一次" in done.text
    keep = next(f for f in forms_of(done.text) if "table" in f.names)
    kept = await pages.http.post(keep.action, data=keep.fields)
    assert kept.headers["content-type"].startswith("text/csv")
    assert "attachment" in kept.headers["content-disposition"]
    assert "2,b-1,已导入" in kept.content.decode("utf-8-sig")
    assert (await world.admin.get("devices/b-1"))["room"] == "卧室"


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_template_comes_as_a_file(world: World, lang: str) -> None:
    pages = reader(world, world.admin)
    pages.http.cookies.set("anju_language", lang)
    answer = await pages.http.get("/devices/import/template.xlsx")
    assert answer.status_code == 200 and answer.content[:2] == b"PK"


async def test_a_sheet_of_labels_shows_the_devices_asked_for(world: World) -> None:
    elder = await world.elder()
    await world.button(elder)
    await world.button(elder, "btn-2")
    pages = reader(world, world.admin)
    one = await pages.open("/devices/labels?ids=btn-2")
    assert "/devices/btn-2/label.svg" in one and "/devices/btn-1/label.svg" not in one
    both = await pages.open(f"/devices/labels?home={elder['home_id']}")
    assert both.count("label.svg") == 2
    drawn = await pages.http.get("/devices/btn-1/label.svg")
    assert drawn.headers["content-type"] == "image/svg+xml"


async def test_homes_whose_smoke_detectors_do_not_work_are_listed_with_what_to_do(
    world: World,
) -> None:
    pages = reader(world, world.admin)
    for number, name in enumerate(("王工作", "李停用", "张哑巴", "赵两台")):
        home = (await world.elder(name, address=f"演示路 {number} 号"))["home_id"]
        await world.device(f"smoke-{number}", "smoke_detector", home_id=home)
        if name != "张哑巴":
            await world.event(f"smoke-{number}", "heartbeat")
    await world.device("smoke-9", "smoke_detector", home_id=home)  # never spoke; the other does
    await world.admin.post("devices/smoke-1/retire", {"reason": "坏了"})
    said = words_of(await pages.open("/devices?tab=smokeless"))
    assert "李停用" in said and "安装一台新的" in said
    assert "张哑巴" in said and "从未收到消息" in said
    assert "王工作" not in said and "赵两台" not in said
    await world.admin.post("devices/smoke-1/replace", {"id": "smoke-1b", "reason": "坏了"})
    await world.event("smoke-1b", "heartbeat")
    assert "李停用" not in words_of(await pages.open("/devices?tab=smokeless"))
