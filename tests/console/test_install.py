"""An installer's pages without a script: every phase, both languages, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest

from alerting.commissioning import TESTED_BY, Verdict
from care.tables import DeviceLog
from console.enrolling import HEARD_WITHIN
from console.install import ROOMS
from console.texts import catalogue
from tests.console.support import reader, words_of
from tests.support.world import World

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BENCH = "/install/devices/btn-1"


async def fitter(world: World, username: str = "chen", **fields: Any) -> Any:
    return await world.sign_in(username, role="visitor", phone="+8613811112222", **fields)


async def test_a_test_from_the_first_page_to_the_record_without_any_script(world: World) -> None:
    chen = await fitter(world)
    elder = await world.elder("李桂英", responsible_visitor_id=chen.id)
    await world.elder("张福生")  # somebody else's
    await world.event("btn-1", "sos")  # unknown, and pressed to be found
    page = reader(world, chen)
    html = await page.open("/install")
    assert "刚刚收到" in html and "btn-1" in html
    register = "/install/register?source=native&child=btn-1"
    html = await page.open(register)
    assert "李桂英" in html and "张福生" not in html
    assert 'value="sos_button" selected' in html
    refused = await page.submit(register, "/register", 422, elder_id="", room="卧室")
    assert "请填写" in refused
    html = await page.submit(register, "/register", elder_id=elder["id"], room="卧室")
    assert "密码只显示这一次" in html and '<svg viewBox="0 0' in html
    html = await page.submit(BENCH, "/test")
    assert "现在请按求助键" in html and "请检查" not in html
    world.clock.advance(seconds=61)
    await world.event("btn-1", "sos", at="2020-01-01T00:00:00Z")
    html = await page.open(BENCH)
    assert "请检查" in html and "设备时钟慢了" in html
    await world.press("btn-1")
    html = words_of(await page.open(BENCH))
    assert "测试通过" in html and "没有设置电话和短信渠道" in html
    html = words_of(await page.open(BENCH + "?again=1"))
    assert "开始测试" in html and "手工投用" not in html
    await page.submit(BENCH + "?again=1", "/test")
    world.clock.advance(minutes=16)
    assert "15 分钟内没有收到" in await page.open(BENCH)
    assert "还没测试的设备" not in await page.open("/install")


async def test_a_second_person_sees_who_tests_and_may_not_interfere(world: World) -> None:
    await world.button(await world.elder())
    await world.admin.post("devices/btn-1/tests")
    officer = reader(world, await world.sign_in("wang", language="en"))
    officer.http.headers["Accept-Language"] = "en"
    html = await officer.open(BENCH)
    assert "管理员 is testing this device" in words_of(html) and "/test" not in html
    stranger = reader(world, await fitter(world))
    await stranger.open(BENCH, 404)
    await stranger.open("/install/register?source=nowhere&child=x", 404)
    assert "Installation test" in html


async def test_what_cannot_be_pressed_is_put_in_service_with_a_reason(world: World) -> None:
    await world.device("gw-1", "gateway", home_id=(await world.elder())["home_id"])
    page = reader(world, world.admin)
    path = "/install/devices/gw-1"
    assert "没有按键可测" in await page.open(path)
    assert "请填写" in await page.submit(path, "/in-service", 422, reason="")
    assert "已投用" in await page.submit(path, "/in-service", reason="指示灯正常")
    assert "手工投用" not in await page.open(path)


async def test_codes_lead_to_what_they_name(world: World) -> None:
    await world.button(await world.elder())
    await world.hears("anju/v1/m-1/telemetry", {"readings": [], "battery_pct": 87})
    page = reader(world, world.admin)
    for code, said in (
        ("btn-1", "开始测试"),
        ("http://anju.test/install?code=btn-1", "开始测试"),
        ("m-1", "装在谁家"),
        ("https://anju.test/install?code=new-7", "装在谁家"),
        ("new-7", "登记为直连设备 new-7"),
        ("00158D0001A2B3C4", "还没有收到过它的消息"),
        ("867321059123457", "还没有收到过它的消息"),
        ("你好 <b>", "还没有收到过它的消息"),
    ):
        answer = await page.http.get("/install", params={"code": code})
        assert answer.status_code == 200 and said in answer.text, code
        assert "<b>" not in answer.text
    answer = await page.http.get("/install", params={"code": "00158D0001A2B3C4"})
    assert "登记为直连设备" not in answer.text, "an address belongs to a bridge's child"
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    assert "camera=()" in (await page.http.get("/devices")).headers["Permissions-Policy"]
    world.clock.advance(seconds=HEARD_WITHIN.total_seconds())
    assert "m-1" not in await page.open("/install")
    assert await world.count(DeviceLog) == 1


def test_every_kind_reason_and_room_has_its_words(database_url: str) -> None:
    kinds = {kind for kinds in TESTED_BY.values() for kind in kinds}
    chosen = {kind for kinds in TESTED_BY.values() if len(kinds) > 1 for kind in kinds}
    reasons = set(Verdict) - {Verdict.PASSED, Verdict.AFTER}
    wanted = {f"press_{kind}" for kind in kinds} | {f"kind_{kind}" for kind in chosen}
    wanted |= {f"why_{why}" for why in reasons} | {f"room_{room}" for room in ROOMS}
    assert {f"install.{name}" for name in wanted} <= set(catalogue())


async def test_a_village_s_installer_finds_what_a_county_s_bridge_hears(world: World) -> None:
    county = await world.admin.post("areas", {"name": "县", "level": "county", "parent_id": None})
    village, other = [
        await world.admin.post(
            "areas", {"name": name, "level": "village", "parent_id": county["id"]}
        )
        for name in ("桥头村", "河东村")
    ]
    fitter = await world.sign_in("chen", role="visitor", area_id=village["id"])
    elder = await world.elder(area_id=village["id"], responsible_visitor_id=fitter.id)
    sources = {
        name: await world.admin.post(
            "sources",
            {"name": name, "family": "zigbee2mqtt", "prefix": prefix, "area_id": area["id"]},
        )
        for name, prefix, area in (("县网关", "county", county), ("邻村网关", "next", other))
    }
    for prefix in ("county", "next"):
        await world.hears(f"{prefix}/smoke {prefix}", {"smoke": False, "battery": 97})

    page = await reader(world, fitter).open("/install")
    assert "smoke county" in page
    assert "smoke next" not in page
    query = f"source={sources['县网关']['id']}&child=smoke county"
    form = f"/install/register?{query}"
    await reader(world, fitter).submit(form, "/install/register", elder_id=elder["id"])
    assert [one["child_id"] for one in (await fitter.get("devices"))["items"]] == ["smoke county"]
    hidden = f"/install/register?source={sources['邻村网关']['id']}&child=smoke next"
    await reader(world, fitter).open(hidden, 404)


async def test_a_name_heard_before_the_bridge_listed_it_is_no_second_device(world: World) -> None:
    source = {"name": "网关", "family": "zigbee2mqtt", "prefix": "z2m"}
    await world.admin.post("sources", source)
    await world.hears("z2m/新烟感/availability", {"state": "online"})
    pages = reader(world, world.admin)
    assert "新烟感" in await pages.open("/install"), "nobody knows yet whose name it is"
    definition = {"model": "S-1", "vendor": "演示", "exposes": []}
    entry = {"ieee_address": "0x00158d0000000001", "friendly_name": "新烟感", "type": "EndDevice"}
    await world.hears("z2m/bridge/devices", [entry | {"definition": definition}], lane="foreign")
    assert "新烟感" not in await pages.open("/install")
    await world.hears("z2m/新烟感", {"smoke": False, "battery": 97})
    assert (await pages.open("/install")).count("<strong>新烟感") == 1
