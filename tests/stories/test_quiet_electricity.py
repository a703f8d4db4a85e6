"""A home with only an electricity meter, and a home in which two meters look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from alerting.tables import Check, DeviceStateRow
from tests.detection.test_power import Counter, Draw, kettle_at, meter, refrigerator
from tests.stories.test_quiet_home import known_home
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


class TwoMeters:
    """A home known for weeks, whose water stands still from eight o'clock (UTC) on."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def begin(self) -> TwoMeters:
        await self.world.phone_channels()
        grandma, self.water = await known_home(self.world)
        await self.world.device("power-1", "electricity_meter", home_id=grandma["home_id"])
        self.power = Counter(meter(zone="Asia/Shanghai"), every_min=60)
        self.power.now = self.world.clock.now() - timedelta(days=10)
        self.power.lives(DAY, days=10)
        async with self.world.services.db.transaction() as session:
            session.add(
                DeviceStateRow(
                    device_id="power-1",
                    state=self.power.watch.text,
                    last_heard_at=self.world.clock.now(),
                )
            )
        return self

    async def hour(self, draw: Draw) -> None:
        self.power.draws(draw)
        await self.world.advance(hours=1)
        await self.world.reads("power-1", self.power.kwh, "energy_total", "kWh")
        await self.world.reads("water-1", self.water.litres / 1000)
        await self.world.settle()

    async def until_asked(self, draw: Draw) -> Check:
        """Hours pass until the elder is asked."""
        for _ in range(14):
            await self.hour(draw)
            async with self.world.services.db.reading() as session:
                check = await session.scalar(select(Check))
            if check is not None:
                return check
        raise AssertionError("nobody was asked")


TEA = kettle_at(*((hour, 20) for hour in range(0, 24, 2)))


async def test_tea_delays_the_incident_and_not_the_question(world: World) -> None:
    home = await TwoMeters(world).begin()
    check = await home.until_asked(TEA)
    facts = check.finding["facts"]
    assert (facts["power_says"], facts["power_waited"]) == ("active", True)
    quiet_at = datetime.fromisoformat(facts["since"]) + timedelta(seconds=facts["quiet_limit_s"])
    assert check.until == min(check.opened_at + timedelta(hours=2), quiet_at)
    wait = check.until - world.clock.now()
    assert wait > timedelta(minutes=15), "longer than an answer is waited for"
    await world.advance(seconds=wait.total_seconds() - 60)
    assert await world.incidents() == []
    await world.advance(minutes=2)
    incident = await world.incident()
    assert "前（" in incident["title"]
    assert "用过电" in incident["title"]


async def test_where_both_are_silent_nothing_waits_and_the_sentence_says_so(world: World) -> None:
    home = await TwoMeters(world).begin()
    check = await home.until_asked(refrigerator)
    assert check.finding["facts"]["power_says"] == "silent"
    assert check.until is not None
    assert check.until - check.opened_at < timedelta(minutes=30)
    await world.advance(minutes=30)
    assert "；用电也没有活动（上次 05-10 " in (await world.incident())["title"]
