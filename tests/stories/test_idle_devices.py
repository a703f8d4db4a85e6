"""Devices that speak and notice nothing: they are no watch, and nobody is sent because of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from alerting.detect import DeviceState, dump_state, load_state
from alerting.detectors.register import Line
from alerting.detectors.water import Water
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from alerting.fleet.idle import census
from alerting.handling.opening import apply_finding
from alerting.intake import watched
from alerting.intake.store import load_devices, view_of
from alerting.intake.whose import whose_is
from alerting.tables import DeviceStateRow
from alerting.vigilance import Unable, vigilance
from care.tables import Device, Supervision
from care.watch_choices import notices_stillness
from gateway import doctor
from tests.console.support import reader
from tests.stories.test_supervision import bridge, look, pass_time, says, smoke_detector, watch_of
from tests.support.world import World

OFF = {"no_water_use": {"preset": "off"}}


async def meter(world: World, elder: dict[str, Any], role: str, **fields: Any) -> str:
    """A meter that has spoken once."""
    ident = f"{role}-{elder['id']}"
    await world.device(ident, role, home_id=elder["home_id"])
    if fields:
        await world.admin.expect(200, "PATCH", f"devices/{ident}", json=fields)
    await world.event(ident, "heartbeat")
    return ident


async def idle(world: World) -> list[tuple[str, list[str]]]:
    items = (await world.admin.get("supervision/idle"))["items"]
    return [(one["elder_id"], [device["why"] for device in one["devices"]]) for one in items]


async def supervised(world: World, elder: dict[str, Any]) -> Supervision | None:
    row: Supervision | None = await world.row(Supervision, elder["id"])
    return row


async def test_a_home_with_nothing_but_a_switched_off_meter_is_shown_and_nobody_is_sent(
    world: World,
) -> None:
    by_default = await world.elder("电表户")
    by_choice = await world.elder("水表户")
    await meter(world, by_default, "electricity_meter")
    await meter(world, by_choice, "water_meter", rules=OFF)
    button = await world.elder("按钮户")
    await world.button(button)
    await world.event("btn-1", "heartbeat")
    await look(world)
    listed = await idle(world)
    assert {ident for ident, _ in listed} == {by_default["id"], by_choice["id"]}
    assert [whys for _, whys in listed] == [["rule_off"]] * 2
    officer = reader(world, await world.sign_in("wang"))
    page = await officer.open("/devices?tab=unsupervised")
    for words in ("有设备，但发现不了异常", "电表户", "水表户", "看护规则已关闭"):
        assert words in page
    assert "按钮户" not in page
    assert "失去看护" in page
    for hours in (20, 20):
        await pass_time(world, hours)
        await world.event("btn-1", "heartbeat")
    assert await world.incidents(kind="unsupervised") == []
    assert await world.count(Supervision) == 0


async def test_a_switched_off_meter_does_not_hide_that_the_watch_is_lost(world: World) -> None:
    elder = await world.elder()
    await watch_of(world, elder)
    ident = await meter(world, elder, "electricity_meter")
    for hours in (10, 9, 5, 2):
        await pass_time(world, hours)
        await world.event(ident, "heartbeat")
    (task,) = await world.incidents(kind="unsupervised")
    whole = await world.admin.get(f"incidents/{task['id']}")
    assert "（手表失联、电表看护规则已关闭）" in whole["timeline"][0]["text"]
    assert await idle(world) == [], "it is on the list of the lost, with its reasons"


async def test_what_comes_to_light_late_has_its_whole_time_and_waits_for_the_day(
    world: World,
) -> None:
    """The watch was lost a week ago; until tonight the water meter's rule watched as well."""
    elder = await world.elder()
    await watch_of(world, elder)
    ident = await meter(world, elder, "water_meter")
    for number in range(8):
        await world.reads(ident, 100 + number / 10)
        await pass_time(world, 18)
    local = world.clock.now().astimezone(world.anju.settings.zone)
    evening = local.replace(hour=23, minute=30) + timedelta(days=1)
    world.clock.advance(seconds=(evening - local).total_seconds())
    await world.reads(ident, 101)
    await world.admin.expect(200, "PATCH", f"devices/{ident}", json={"rules": OFF})
    await look(world)
    row = await supervised(world, elder)
    assert row is not None
    assert row.due_at is not None
    due = row.due_at.astimezone(world.anju.settings.zone)
    assert (due.date() - evening.date(), due.hour) == (timedelta(days=2), 8)
    (listed,) = (await world.admin.get("supervision"))["items"]
    assert [one["why"] for one in listed["lost"]] == ["silent", "rule_off"]
    await pass_time(world, 30)
    assert await world.incidents(kind="unsupervised") == []
    await pass_time(world, 4)
    assert len(await world.incidents(kind="unsupervised")) == 1


async def test_a_rule_that_is_switched_on_again_stops_the_clock(world: World) -> None:
    elder = await world.elder()
    await watch_of(world, elder)
    ident = await meter(world, elder, "water_meter", rules=OFF)
    await pass_time(world, 19)
    await world.reads(ident, 100)
    assert await world.count(Supervision) == 1
    await world.admin.expect(200, "PATCH", f"devices/{ident}", json={"rules": {}})
    await look(world)
    assert await world.count(Supervision) == 0


async def test_switching_a_rule_off_does_not_say_that_somebody_watches_again(world: World) -> None:
    """The only meter is lost and people look after it; somebody switches its rule off."""
    elder = await world.elder()
    ident = await meter(world, elder, "water_meter")
    await world.reads(ident, 100)
    for hours in (30, 2):
        await pass_time(world, hours)
    (task,) = await world.incidents(kind="unsupervised")
    await world.admin.expect(200, "PATCH", f"devices/{ident}", json={"rules": OFF})
    await look(world)
    assert (await world.stored(task)).condition == "active"
    assert await world.count(Supervision) == 0
    await world.admin.expect(200, "PATCH", f"devices/{ident}", json={"rules": {}})
    await look(world)
    assert len(await world.incidents(kind="unsupervised")) == 1


async def test_a_meter_that_goes_on_speaking_nonsense_is_lost_since_it_began(world: World) -> None:
    """Its register comes every hour, so its newest reading says nothing of when it was lost."""
    elder = await world.elder()
    ident = await meter(world, elder, "water_meter")
    for hour in range(26):
        now = int(world.clock.now().timestamp())
        state = DeviceState(water=Water(line=Line(now, 1), stuck=1), register=None)
        async with world.services.db.transaction() as session:
            await session.execute(
                update(DeviceStateRow)
                .where(DeviceStateRow.device_id == ident)
                .values(
                    state=dump_state(state),
                    last_heard_at=world.clock.now(),
                    silent_after=world.clock.now() + timedelta(days=1),
                )
            )
        if hour == 0:
            await doubt(world, ident)
        await look(world)
        world.clock.advance(hours=1)
    assert len(await world.incidents(kind="unsupervised")) == 1


async def doubt(world: World, ident: str) -> None:
    """The incident that its detector opened when it found the register stuck."""
    now = world.clock.now()
    found = Finding(
        kind="cannot_assess",
        severity=SEVERITY_OF_KIND["cannot_assess"],
        sign=Sign.ROSE,
        at=now,
        reason="it stands still",
        facts={"reason": "stuck"},
    )
    async with world.services.db.transaction() as session:
        known = (await load_devices(session, [ident]))[ident]
        whose = await whose_is(session, (known.source_id, known.child_id), known, now)
        await apply_finding(session, found, whose, now)


async def test_a_lost_bridge_names_whom_only_a_switched_off_meter_watches(world: World) -> None:
    source = await bridge(world)
    off, on = await world.elder("规则关闭"), await world.elder("规则开启")
    for number, elder in enumerate((off, on)):
        await smoke_detector(world, source, "village", number, elder["home_id"])
    await meter(world, off, "water_meter", rules=OFF)
    await meter(world, on, "water_meter")
    await says(world, "village", False)
    (lost,) = await world.incidents(kind="device_offline")
    assert (await world.stored(lost)).facts["elders"] == [off["id"]]


async def test_the_census_counts_who_is_watched_by_nothing_and_who_slowly(world: World) -> None:
    idle_one, slow, quick = [await world.elder(name) for name in ("一", "二", "三")]
    await meter(world, idle_one, "electricity_meter")
    rules = {"no_water_use": {"preset": "adaptive"}}
    ident = await meter(world, slow, "water_meter", rules=rules)
    for day in range(4):
        await world.reads(ident, 100 + day)
        world.clock.advance(hours=24)
    await world.reads(ident, 105)
    await meter(world, quick, "water_meter")
    async with world.services.db.reading() as session:
        found = await census(session, world.clock.now(), "Asia/Shanghai")
    assert (found.idle, found.slow, found.is_whole) == (1, 1, True)


WATER = [{}, OFF, {"no_water_use": {"preset": "adaptive"}}, {"leak": {"preset": "off"}}]
ENERGY = [{}, {"no_power_use": {"preset": "fixed-24h"}}, {"no_power_use": {"preset": "off"}}]
ODD: list[Any] = [
    {"no_water_use": "off", "no_power_use": "fixed-24h"},
    {"no_water_use": None, "no_power_use": None},
    {"no_water_use": {"preset": None}, "no_power_use": {"preset": None}},
    {"no_water_use": {"preset": ["off"]}, "no_power_use": {"preset": 1}},
]


async def test_columns_and_the_pure_rule_agree_on_what_is_switched_off(world: World) -> None:
    """By set for a county, exactly for a few: an elder must not be lost between the two."""
    elder = await world.elder()
    made: list[str] = []
    for role, choices in (("water_meter", WATER), ("electricity_meter", ENERGY)):
        for number, (own, wider) in enumerate((a, b) for a in choices for b in choices):
            ident = f"{role}-{number}"
            made.append(ident)
            await world.device(ident, role, home_id=elder["home_id"])
            async with world.services.db.transaction() as session:
                values = {"rules": own, "inherited": wider}
                await session.execute(update(Device).where(Device.id == ident).values(values))
    async with world.services.db.reading() as session:
        devices = (await session.scalars(select(Device).where(Device.id.in_(made)))).all()
        query = select(Device.id).where(watched._switched_off())
        assert set(await session.scalars(query)) == {one.id for one in devices if is_off(one)}, (
            "what people can choose"
        )
    assert 0 < sum(map(is_off, devices)) < len(devices)
    for one in devices:  # and what a change of the rules is said to leave unnoticed
        assert notices_stillness(one.role, view_of(one).rules) is not is_off(one)


def is_off(device: Device) -> bool:
    return vigilance(load_state(None), view_of(device)).unable is Unable.RULE_OFF


async def test_strange_rules_break_no_list(world: World) -> None:
    """What somebody wrote into a device's rules by hand keeps nobody else from being noticed."""
    alone = await world.elder("独居户")
    await watch_of(world, alone)
    for number, odd in enumerate(ODD):
        elder = await world.elder(f"怪规则户{number}")
        for role in ("water_meter", "electricity_meter", "bed_sensor"):
            ident = await meter(world, elder, role)
            async with world.services.db.transaction() as session:
                values = {"rules": odd, "inherited": odd}
                await session.execute(update(Device).where(Device.id == ident).values(values))
    await pass_time(world, 25)
    (task,) = await world.incidents(kind="unsupervised")
    assert task["elder_id"] == alone["id"]
    assert await idle(world) == []


async def test_the_check_of_an_installation_counts_them(world: World) -> None:
    await meter(world, await world.elder(), "electricity_meter")
    await meter(world, await world.elder(), "water_meter")
    lines = {line.what: line for line in await doctor.watching(world.anju.settings)}
    assert lines["watched by nothing"].text.startswith("1 位老人家里有设备，却没有一台能发现异常")
    assert lines["watch rules"].text.startswith("1 块水表未选规则")
    assert "watched slowly" not in lines
    assert {line.level for line in lines.values()} == {doctor.Level.WARNING}
