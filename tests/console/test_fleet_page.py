"""The fleet page: filters with counts, pages, the export, whom nothing watches, what to press."""

from __future__ import annotations

from datetime import timedelta

from care.tables import Supervision
from tests.console.support import reader
from tests.support.world import World


async def town(world: World) -> tuple[str, str]:
    """Two villages: in one a button that speaks, in the other one that never did."""
    areas = [
        (await world.admin.post("areas", {"name": name, "level": "village"}))["id"]
        for name in ("城关村", "河东村")
    ]
    for number, area in enumerate(areas):
        elder = await world.elder(f"演示{number}", area_id=area)
        await world.button(elder, f"btn-{number}")
    await world.event("btn-0", "heartbeat")
    return areas[0], areas[1]


async def test_filters_say_how_many_and_show_those(world: World) -> None:
    area, other = await town(world)
    officer = reader(world, await world.sign_in("wang"))
    everything = await officer.open("/devices")
    assert "btn-0" in everything
    assert "btn-1" in everything
    assert '从未上线 <b class="num">1</b>' in everything
    never = await officer.open("/devices?show=never")
    assert "btn-0" not in never
    assert "btn-1" in never
    assert "btn-1" not in await officer.open(f"/devices?area={area}")
    assert "btn-1" in await officer.open(f"/devices?area={other}&q=演示1")
    assert "没有符合的设备" in await officer.open("/devices?family=zigbee2mqtt&show=silent")
    assert "btn-0" in await officer.open("/devices?show=nonsense")


async def test_the_filtered_list_is_exported(world: World) -> None:
    await town(world)
    officer = reader(world, await world.sign_in("wang"))
    page = await officer.open("/devices?show=never")
    assert "/devices/export.xlsx?show=never" in page
    answer = await officer.http.get("/devices/export.csv?show=never")
    assert answer.status_code == 200
    assert "btn-1" in answer.text
    assert "btn-0" not in answer.text
    assert (await officer.http.get("/devices/export.xlsx")).content.startswith(b"PK")
    assert (await officer.http.get("/devices/export.exe")).status_code == 404


async def test_whom_nothing_watches_is_a_list_of_its_own(world: World) -> None:
    elder = await world.elder("赵演示")
    now = world.clock.now()
    lost = [{"device_id": "b", "role": "watch", "room": None, "why": "silent", "since": None}]
    async with world.services.db.transaction() as session:
        session.add(
            Supervision(
                elder_id=elder["id"],
                since=now - timedelta(hours=3),
                due_at=now + timedelta(hours=3),
                data={"hours": 6, "extreme": "extreme_weather", "lost": lost},
            )
        )
    officer = reader(world, await world.sign_in("wang"))
    assert '失去看护 <b class="num is-low">1</b>' in await officer.open("/devices")
    page = await officer.open("/devices?tab=unsupervised")
    for words in ("赵演示", "手表", "失联", "极端天气", "139 0000 0000"):
        assert words in page


async def test_a_visitor_is_asked_to_have_it_pressed_on_the_way(world: World) -> None:
    visitor = await world.sign_in("chen", "visitor")
    elder = await world.elder(responsible_visitor_id=visitor.id)
    await world.button(elder)
    await world.elder("别人")
    phone = reader(world, visitor)
    assert "顺便请老人按一下" not in await phone.open("/my")
    world.clock.advance(hours=24 * 32)
    await visitor.sign_in()
    phone = reader(world, visitor)
    page = await phone.open("/my")
    assert "顺便请老人按一下" in page
    assert "呼叫按钮" in page
    await world.event("btn-1", "test")
    assert "顺便请老人按一下" not in await phone.open("/my")


async def test_a_device_that_cannot_be_supervised_says_so_everywhere(world: World) -> None:
    elder = await world.elder()
    await world.device("monitor", "health_monitor", elder_id=elder["id"])
    await world.event("monitor", "heartbeat")
    officer = reader(world, await world.sign_in("wang"))
    for path in ("/devices?show=unsupervisable", f"/elders/{elder['id']}", "/search?q=monitor"):
        assert "无法监测在线" in await officer.open(path), path


async def test_another_areas_source_is_not_there_for_an_officer_who_registers(
    world: World,
) -> None:
    area, other = await town(world)
    made = await world.admin.post(
        "sources",
        {"name": "秘密网关", "family": "zigbee2mqtt", "prefix": "secret", "area_id": other},
    )
    path = f"/devices/register?source={made['id']}&child=0x00158d0000000301"
    officer = reader(world, await world.sign_in("wang", area_id=area))
    await officer.open(path, 404)
    assert "0x00158d0000000301" in await reader(world, world.admin).open(path)
