"""The town on the wire: what Anju's own decoders and detectors make of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import aiomqtt
import pytest

from alerting.detect import DeviceState, DeviceView, judge, tick
from alerting.finding import Finding
from devices.event import Decoded, DeviceEvent, Message, Reading
from devices.families import native, zigbee2mqtt
from devices.family import SourceView
from gateway.demo_limits import foreseen
from simulators.broker import BrokerAddress
from simulators.devices import Fleet
from simulators.homes import BRIDGE_PREFIX, demo_town
from simulators.life import Happening, TownLife
from simulators.messages import Outgoing
from simulators.meters import HISTORY_DAYS, Meters
from simulators.scenario import Scenario, load_scenario
from simulators.town import Town
from tests.support.clock import ManualClock


@pytest.fixture(scope="module")
def town() -> Town:
    return demo_town()


@pytest.fixture(scope="module")
def hour(town: Town) -> Scenario:
    return load_scenario("hour", town)


def readings_of(message: Outgoing, now: datetime) -> list[Reading]:
    said = native.decode(
        Message(topic=message.topic, payload=message.payload, received_at=now), SourceView()
    )
    assert said.quarantined is None
    return list(said.readings)


def test_history_is_one_message_a_home_and_day(
    town: Town, hour: Scenario, clock: ManualClock
) -> None:
    now = clock.now()
    messages = list(Meters(town, hour, now).history(now))
    told = Counter(message.topic.split("/")[2] for message in messages)
    assert told == {home.water_meter: home.meter.known_days + 1 for home in town.homes}
    assert sorted(set(told.values())) == [10, HISTORY_DAYS + 1], "one home is new"
    ids = [(message.topic, json.loads(message.payload)["id"]) for message in messages]
    assert len(set(ids)) == len(ids)
    full_day = [r for r in readings_of(messages[0], now) if r.register == "water_total"]
    assert len(full_day) == 24
    assert all(reading.at is not None and reading.at <= now for reading in full_day)


def test_history_told_again_later_is_the_same_history(
    town: Town, hour: Scenario, clock: ManualClock
) -> None:
    began = clock.now()
    first = {(m.topic, m.payload) for m in Meters(town, hour, began).history(began)}
    tomorrow = began + timedelta(days=1)
    second = {(m.topic, m.payload) for m in Meters(town, hour, began).history(tomorrow)}
    # All but the oldest day and the one that goes on; the new home's oldest day is still told.
    assert len(first & second) == 39 * 34 + 9


@pytest.mark.parametrize("hours_later", [0, 3.3, 9.75, 15.99, 20.5])
def test_only_the_scripted_homes_worry_a_detector(
    town: Town, hour: Scenario, clock: ManualClock, hours_later: float
) -> None:
    """35 days of history and an hour of readings a minute apart, judged by the real detectors."""
    began = clock.advance(hours=hours_later)
    meters = Meters(town, hour, began, last_uses=foreseen(town, hour, began))
    history: dict[str, list[Outgoing]] = {}
    for message in meters.history(began):
        history.setdefault(message.topic.split("/")[2], []).append(message)
    worries: dict[str, list[tuple[str, float]]] = {}
    for home in town.homes:
        rules = {"no_water_use": {"preset": home.meter.rule}} if home.meter.rule else {}
        device = DeviceView(id=home.water_meter, role="water_meter", family="native", rules=rules)
        state = DeviceState()
        found: list[Finding] = []
        for message in history[home.water_meter]:
            judged = judge(state, _said(readings_of(message, began), began), device, began)
            state, found = judged.state, [*found, *judged.findings]
        judged = tick(state, device, began + timedelta(minutes=1))
        state, found = judged.state, [*found, *judged.findings]
        for minute in range(60):
            now = began + timedelta(minutes=minute + 1)
            said = _said(readings_of(meters.live(home, now), now), now)
            judged = judge(state, said, device, now)
            state, found = judged.state, [*found, *judged.findings]
        if found:
            worries[home.water_meter] = [
                (f.kind, (f.at - began).total_seconds() / 60) for f in found
            ]
    scripted = {name for past in hour.before for name in (past.device, *past.or_else)}
    assert {"demo-water-20", "demo-water-12"} <= set(worries) <= scripted
    assert {kind for kind, _ in worries["demo-water-20"]} == {"no_water_use"}
    [(kind, after_min)] = worries["demo-water-12"]
    assert kind == "tap_left_on"
    assert 10 <= after_min <= 11


def _said(
    readings: Sequence[Reading], now: datetime
) -> list[tuple[datetime, DeviceEvent | Reading]]:
    return [(reading.at or now, reading) for reading in readings]


class Desk:
    """Hears everything on the broker."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[aiomqtt.Message] = asyncio.Queue()

    @asynccontextmanager
    async def listening(self, address: BrokerAddress, *filters: str) -> AsyncIterator[Desk]:
        async with address.client() as client:
            for one in filters:
                await client.subscribe(one, qos=1)

            async def hear() -> None:
                async for message in client.messages:
                    self.messages.put_nowait(message)

            hearing = asyncio.create_task(hear())
            try:
                yield self
            finally:
                hearing.cancel()
                await asyncio.wait((hearing,))

    async def next(self, count: int = 1) -> list[aiomqtt.Message]:
        return [await asyncio.wait_for(self.messages.get(), 5) for _ in range(count)]


class Told:
    """What the live view was told."""

    def __init__(self) -> None:
        self.lines: list[Happening] = []
        self._queue: asyncio.Queue[Happening] = asyncio.Queue()

    def __call__(self, line: Happening) -> None:
        self.lines.append(line)
        self._queue.put_nowait(line)

    async def next_of(self, kind: str) -> Happening:
        while (line := await self._queue.get()).kind != kind:
            pass
        return line


@asynccontextmanager
async def living(
    town: Town, hour: Scenario, broker: BrokerAddress, clock: ManualClock
) -> AsyncIterator[tuple[TownLife, Told]]:
    told = Told()
    async with Fleet(broker, clock).connected() as fleet:
        meters = Meters(town, hour, clock.now())
        life = TownLife(town, hour, meters, fleet, clock)
        life.on_happening = told
        yield life, told


async def test_the_first_press_comes_within_20_seconds_and_insists(
    town: Town, hour: Scenario, broker: BrokerAddress, clock: ManualClock
) -> None:
    async with (
        Desk().listening(broker, "anju/v1/+/event") as desk,
        living(town, hour, broker, clock) as (life, told),
    ):
        assert life.upcoming == ()
        life.start_script()
        assert len(life.upcoming) == len(hour.step)
        clock.advance(seconds=20)
        await life.tick()
        [press] = await desk.next()
        event = json.loads(press.payload)
        async with broker.client() as anju:
            receipt = json.dumps({"id": event["id"], "accepted": True})
            await anju.publish("anju/v1/demo-sos-01/ack", receipt, qos=1)
            acked = await asyncio.wait_for(told.next_of("ack"), 5)
    assert str(press.topic) == "anju/v1/demo-sos-01/event"
    assert event["kind"] == "sos"
    assert len(life.upcoming) == len(hour.step) - 1
    assert "李奶奶" in told.lines[0].zh
    assert "stored by Anju" in acked.en


async def test_every_home_reports_its_meter_once_a_minute(
    town: Town, hour: Scenario, broker: BrokerAddress, clock: ManualClock
) -> None:
    async with (
        Desk().listening(broker, "anju/v1/+/telemetry") as desk,
        living(town, hour, broker, clock) as (life, _),
    ):
        clock.advance(hours=8)  # a machine that slept does not catch up on every minute
        await life.tick()
        everything = [
            device
            for home in town.homes
            for device in home.devices
            if not device.child and (device.role != "water_meter" or home.meter.every_h == 1)
        ]
        heard = Counter(str(message.topic) for message in await desk.next(len(everything)))
    assert heard == {f"anju/v1/{device.id}/telemetry": 1 for device in everything}


async def test_devices_say_that_they_are_there_before_anything_else(
    town: Town, hour: Scenario, broker: BrokerAddress, clock: ManualClock
) -> None:
    async with living(town, hour, broker, clock) as (life, _):
        await life.announce()
    natives = sum(device.child is None for home in town.homes for device in home.devices)
    async with Desk().listening(broker, "anju/v1/+/status", f"{BRIDGE_PREFIX}/#") as desk:
        heard = await desk.next(natives + 2 + len(town.zigbee_children()))
    assert all(message.retain for message in heard)
    presences, inventory = 0, 0
    for message in heard:
        decoded = _decoded(str(message.topic), bytes(message.payload), clock.now())
        assert decoded.quarantined is None
        presences += sum(presence.online for presence in decoded.presences)
        inventory += len(decoded.inventory)
    assert presences == natives + 1 + len(town.zigbee_children())
    assert inventory == len(town.zigbee_children())


async def test_the_whole_hour_means_what_it_says(
    town: Town, hour: Scenario, broker: BrokerAddress, clock: ManualClock
) -> None:
    """Every step reaches the broker and is decoded to the kind that it claims."""
    wanted = {"press": "sos", "offline": "offline", "online": "online"}
    async with (
        Desk().listening(broker, "anju/v1/+/event", f"{BRIDGE_PREFIX}/#") as desk,
        living(town, hour, broker, clock) as (life, _),
    ):
        life.start_script()
        for step in hour.step:
            assert life.upcoming[0][1] is step
            clock.advance(seconds=(life.upcoming[0][0] - clock.now()).total_seconds())
            device = town.device(step.device)
            assert device is not None
            name = device.child.name if device.child else device.id
            await life.tick()
            meant: set[str] = set()
            while wanted.get(step.does, step.does) not in meant:
                [message] = await desk.next()
                if name in str(message.topic):
                    meant |= _meaning(str(message.topic), bytes(message.payload), clock.now())
        assert life.upcoming == ()


def _decoded(topic: str, payload: bytes, now: datetime) -> Decoded:
    message = Message(topic=topic, payload=payload, received_at=now)
    if topic.startswith("anju/"):
        return native.decode(message, SourceView())
    return zigbee2mqtt.decode(message, SourceView(prefix=BRIDGE_PREFIX))


def _meaning(topic: str, payload: bytes, now: datetime) -> set[str]:
    decoded = _decoded(topic, payload, now)
    assert decoded.quarantined is None
    presences = {"online" if one.online else "offline" for one in decoded.presences}
    return {event.kind for event in decoded.events} | presences
