"""A home with only an electricity meter, and a home in which two meters look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from alerting.finding import Finding, Severity, Sign
from alerting.handling.opening import apply_finding
from alerting.intake.store import load_devices
from alerting.intake.whose import whose_is
from alerting.tables import Check, DeviceStateRow
from tests.detection.electricity import Counter, Draw, kettle_at, meter, refrigerator
from tests.support.checks import ELDER_PHONE
from tests.support.world import World

DAY = kettle_at((22, 40), (3, 10), (6, 50), (11, 20))
"""In UTC: tea at twenty to seven in the morning in Shanghai, and three times more."""


async def home_with_meter(world: World, preset: str | None) -> tuple[dict[str, Any], Counter]:
    """A home whose electricity meter has been read every hour for ten days; it is eight."""
    grandma = await world.elder()
    rules = {"no_power_use": {"preset": preset}} if preset else {}
    await world.device("power-1", "electricity_meter", home_id=grandma["home_id"], rules=rules)
    past = Counter(meter(preset, zone="Asia/Shanghai"), every_min=60)
    past.lives(DAY, days=10)
    world.clock.advance(seconds=(past.now - world.clock.now()).total_seconds())
    async with world.services.db.transaction() as session:
        session.add(
            DeviceStateRow(
                device_id="power-1", state=past.watch.text, last_heard_at=world.clock.now()
            )
        )
    return grandma, past


async def passes(world: World, past: Counter, draw: Draw, for_h: int) -> None:
    for _ in range(for_h):
        past.draws(draw)
        world.clock.advance(hours=1)
        await world.reads("power-1", past.kwh, "energy_total", "kWh")


async def test_a_day_without_activity_is_found_and_explained(world: World) -> None:
    _, past = await home_with_meter(world, "fixed-24h")
    await passes(world, past, refrigerator, 24)
    incident = await world.incident()
    assert incident["kind"] == "no_power_use"
    assert incident["severity"] == "welfare"
    opened = next(entry for entry in incident["timeline"] if entry["kind"] == "opened")
    assert "24 小时用电没有超出基础负荷（约 " in opened["text"]
    assert "上次活动 03-12 06:00" in opened["text"]
    assert "最近读数" in opened["text"]
    await passes(world, past, lambda at: refrigerator(at) + 1000, 1)
    assert (await world.incident())["condition"] == "cleared"


async def test_closed_with_nobody_home_it_is_found_again_after_six_hours(world: World) -> None:
    _, past = await home_with_meter(world, "fixed-24h")
    await passes(world, past, refrigerator, 24)
    first = await world.incident()
    await world.act("acknowledge", first)
    await world.act("outcome", first, {"outcome": "nobody_home", "reason": "敲门无人应"})
    await world.act("close", first, {"waiver": "家属去找"})
    await passes(world, past, refrigerator, 4)
    assert len(await world.incidents(kind="no_power_use")) == 1
    await passes(world, past, refrigerator, 3)
    assert len(await world.incidents(kind="no_power_use")) == 2


async def test_by_default_a_silent_meter_is_information_only(world: World) -> None:
    _, past = await home_with_meter(world, None)
    await passes(world, past, refrigerator, 60)
    assert await world.incidents() == []


async def water_stands_still(world: World, **more: Any) -> None:
    """The water meter is found to stand still for nine hours; the quiet limit is at twelve."""
    now = world.clock.now()
    facts = {
        "opens": "check",
        "profile": "tight",
        "level": 1,
        "since": (now - timedelta(hours=9)).isoformat(),
        "idle_s": 9 * 3600,
        "limit_s": 8 * 3600,
        "quiet_limit_s": 12 * 3600,
        **more,
    }
    finding = Finding(
        kind="no_water_use",
        severity=Severity.WELFARE,
        sign=Sign.ROSE,
        at=now,
        reason="no use for longer than usual",
        facts=facts,
    )
    async with world.services.db.transaction() as session:
        device = (await load_devices(session, ["water-1"], "Asia/Shanghai"))["water-1"]
        whose = await whose_is(session, (device.source_id, device.child_id), device, now)
        await apply_finding(session, finding, whose, now)
    await world.settle()


async def its_check(world: World) -> Check:
    async with world.services.db.reading() as session:
        return (await session.scalars(select(Check))).one()


async def home_with_both(world: World) -> Counter:
    await world.phone_channels()
    grandma, past = await home_with_meter(world, None)
    await world.device("water-1", "water_meter", home_id=grandma["home_id"])
    return past


async def test_tea_delays_the_incident_and_not_the_question(world: World) -> None:
    past = await home_with_both(world)
    await passes(world, past, kettle_at((3, 20)), 4)
    await water_stands_still(world)
    check = await its_check(world)
    assert check.finding["facts"]["power_says"] == "active"
    assert check.until == check.opened_at + timedelta(hours=2)
    await world.advance(minutes=119)
    assert world.phone.messages(to=ELDER_PHONE, kind="call"), "she is asked all the same"
    assert await world.incidents() == []
    await world.advance(minutes=2)
    incident = await world.incident()
    assert "；用电也没有活动（上次 03-12 11:00）" in incident["title"], "as it is by now"


async def test_where_both_are_silent_nothing_waits_and_the_sentence_says_so(world: World) -> None:
    past = await home_with_both(world)
    await passes(world, past, refrigerator, 4)
    await water_stands_still(world)
    check = await its_check(world)
    assert check.finding["facts"]["power_says"] == "silent"
    await world.advance(minutes=30)
    assert "；用电也没有活动（上次 03-12 06:00）" in (await world.incident())["title"]


async def test_what_opens_at_once_says_what_electricity_says_and_waits_for_nothing(
    world: World,
) -> None:
    past = await home_with_both(world)
    await passes(world, past, kettle_at((3, 20)), 4)
    await water_stands_still(world, opens="incident", profile="quiet", level=2)
    assert "；但 1 小时前（03-12 11:00）用过电" in (await world.incident())["title"]
