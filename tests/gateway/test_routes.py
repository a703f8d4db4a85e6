"""Which lane and which source a topic belongs to, and what only grows stays within bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from alerting.intake.strangers import MOST_PER_SOURCE
from alerting.tables import EventRow, QuarantineRow, ReadingRow
from care.tables import NATIVE_SOURCE, Device, Source, SourceChild
from core.services import Services
from devices.event import Confidence, Message
from gateway import housekeeping, known
from gateway.pipeline import Pipeline, decode
from gateway.routes import (
    CANARY,
    FOREIGN_CANARY_TOPIC,
    ForeignRouter,
    NativeRouter,
    belongs_to_bulk,
    bulk_filters,
    foreign_filters,
    is_canary,
    urgent_filters,
)
from gateway.watcher import Watcher
from tests.support.clock import ManualClock


@pytest.mark.parametrize(
    ("topic", "bulk"),
    [
        ("anju/v1/btn-1/event", False),  # the urgent lane's
        ("anju/v1/btn-1/ack", False),  # our own words
        ("anju/v1/btn-1/command", False),
        ("anju/v1/btn-1/telemetry", True),
        ("anju/v1/btn-1/status", True),
        ("anju/v1/btn-1/poetry", True),  # to be set aside, visibly
        ("anju/v1/btn-1/event/more", True),
        ("anju/v1/btn/1/event", True),
        ("anju/v1/event", True),
        ("anju/v2/btn-1/event", True),
        ("anju", True),
        (FOREIGN_CANARY_TOPIC, False),
        ("anju/canary/somebody-else", True),
    ],
)
def test_what_the_bulk_lane_handles_of_all_that_it_hears(topic: str, bulk: bool) -> None:
    assert belongs_to_bulk(topic) is bulk


def test_the_canary_speaks_for_itself_only() -> None:
    for topic in (FOREIGN_CANARY_TOPIC, f"anju/v1/{CANARY}/event", f"anju/v1/{CANARY}/telemetry"):
        assert is_canary(topic)
    for topic in (f"anju/v1/{CANARY}-2/event", f"anju/v1/x{CANARY}/event", "anju/canary/x"):
        assert not is_canary(topic)


def test_every_native_topic_is_subscribed_by_some_lane() -> None:
    assert urgent_filters() == ["anju/v1/+/event"]
    assert bulk_filters() == ["anju/#"]


async def add(services: Services, *rows: Any) -> None:
    async with services.db.transaction() as session:
        session.add_all(rows)


def source(services: Services, ident: str, prefix: str, family: str = "zigbee2mqtt") -> Source:
    now = services.clock.now()
    return Source(id=ident, name=ident, family=family, prefix=prefix, created_at=now)


def child(services: Services, ident: str, name: str, **more: Any) -> SourceChild:
    now = services.clock.now()
    values = {"source_id": "east", "first_seen_at": now, "last_seen_at": now} | more
    return SourceChild(child_id=ident, name=name, **values)


def device(services: Services, child_id: str, role: str, of: str = "east") -> Device:
    return Device(
        id=f"dev-{child_id}",
        family="zigbee2mqtt",
        source_id=of,
        child_id=child_id,
        role=role,
        enrolled_at=services.clock.now(),
        rules={},
        active=True,
    )


def heard(services: Services, topic: str, payload: bytes = b"{}") -> Message:
    return Message(topic=topic, payload=payload, received_at=services.clock.now())


async def test_every_bridges_topics_are_subscribed_and_an_unknown_familys_to_be_set_aside(
    services: Services,
) -> None:
    await add(
        services,
        source(services, "east", "east/z2m"),
        source(services, "west", "west"),
        source(services, "odd", "odd", family="of-a-newer-version"),
        source(services, "none", "", family="of-a-newer-version"),
    )
    filters = await foreign_filters(services)
    assert filters[0] == FOREIGN_CANARY_TOPIC
    assert {one.split("/")[0] for one in filters[1:]} == {"east", "west", "odd"}
    assert "odd/#" in filters


async def test_a_topic_leads_to_its_bridge_with_roles_and_names(services: Services) -> None:
    await add(services, source(services, "east", "east/z2m"), source(services, "west", "west"))
    await add(
        services,
        child(services, "0x01", "厨房 烟感", capabilities=["smoke"]),
        child(services, "0x02", "hall"),
        device(services, "0x01", "smoke_detector"),
        device(services, "hall", "sos_button"),
    )
    router = ForeignRouter(services)
    east, west, nobody = await router(
        [
            heard(services, "east/z2m/厨房 烟感"),
            heard(services, "west/lamp"),
            heard(services, "east/z2mqtt/lamp"),
        ]
    )
    assert nobody is None, "whole levels count"
    assert west is not None and (west.source_id, west.view.prefix) == ("west", "west")
    assert east is not None and east.source_id == "east"
    assert east.view.roles == {"0x01": "smoke_detector", "hall": "sos_button"}
    assert east.view.capabilities["0x01"] == ("smoke",)
    assert east.view.aliases == {"厨房 烟感": "0x01"}, "a registered name is its own identity"


@pytest.mark.parametrize("few", [known.FEW, 0], ids=["few children", "too many to load"])
@pytest.mark.parametrize("most_named", [known.MOST_NAMED, 0], ids=["some named", "all named"])
async def test_a_bridge_with_thousands_of_children_is_read_as_one_with_a_few(
    services: Services, monkeypatch: pytest.MonkeyPatch, few: int, most_named: int
) -> None:
    monkeypatch.setattr(known, "FEW", few)
    monkeypatch.setattr(known, "MOST_NAMED", most_named)
    limited = source(services, "west", "west")
    limited.only_listed = True
    retired = device(services, "0x0b", "leak_sensor", of="west")
    retired.active = False
    await add(services, source(services, "east", "east"), limited)
    await add(
        services,
        child(services, "0x01", "kitchen/tap", capabilities=["water_consumed:L"]),
        child(services, "0x02", "hall"),
        child(services, "0x03", "hall", source_id="west"),
        device(services, "0x01", "water_meter"),
        device(services, "hall", "sos_button"),
        device(services, "0x0a", "sos_button", of="west"),
        retired,
    )
    said = {
        "east/kitchen/tap": b'{"water_consumed": 2000}',  # by its address, in its own unit
        "east/hall": b'{"action": "press"}',  # registered by its name
        "east/stranger": b'{"action": "press"}',
        "west/0x0a": b'{"action": "press"}',
        "west/0x0b": b'{"water_leak": true}',  # retired: not listed
        "west/hall": b'{"smoke": true}',
        "east/bridge/event": b'{"type": "device_leave", "data": {"friendly_name": "kitchen/tap"}}',
        "north/lamp": b"{}",
        "east/a\0b": b"{}",
    }
    messages = [heard(services, topic, payload) for topic, payload in said.items()]
    routes = await ForeignRouter(services)(messages)
    tap, hall, stranger, button, leak, alarm, left, nobody, bad = map(decode, messages, routes)
    (reading,) = tap.readings
    assert (reading.child_id, reading.value, reading.unit) == ("0x01", 2.0, "m3")
    assert [(e.child_id, e.kind) for e in hall.events] == [("hall", "sos")]
    assert [(e.child_id, e.kind) for e in stranger.events] == [("stranger", "button")]
    assert [(e.child_id, e.kind) for e in button.events] == [("0x0a", "sos")]
    assert (leak.events, leak.quarantined, leak.heard) == ((), "not_listed", ("0x0b",))
    (smoke,) = alarm.events
    assert (smoke.child_id, smoke.confidence) == ("0x03", Confidence.UNCONFIRMED)
    assert [(e.child_id, e.kind) for e in left.events] == [("0x01", "fault")]
    assert (nobody.quarantined, bad.quarantined) == ("unknown_topic", "bad_name")


async def count(services: Services, column: Any) -> int:
    async with services.db.reading() as session:
        return int(await session.scalar(select(func.count(column))) or 0)


async def test_a_flood_of_unknown_devices_fills_no_table(services: Services) -> None:
    pipeline = Pipeline(services, "bulk", NativeRouter(services.settings.zone))
    body = b'{"readings": [{"register": "water_total", "value": 1, "unit": "m3"}]}'
    for start in range(0, MOST_PER_SOURCE + 1000, 1000):
        batch = [
            heard(services, f"anju/v1/ghost-{number}/telemetry", body)
            for number in range(start, start + 1000)
        ]
        await pipeline.handle(batch)
    assert await count(services, SourceChild.child_id) == MOST_PER_SOURCE
    assert await count(services, ReadingRow.device_id) == 0


async def test_the_quarantine_keeps_the_newest_and_no_more(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "QUARANTINE_ROWS", 5)
    monkeypatch.setattr(housekeeping, "_MOST_AT_ONCE", 3)
    pipeline = Pipeline(services, "bulk", NativeRouter(services.settings.zone))
    for number in range(12):
        await pipeline.handle([heard(services, f"anju/v2/{number}")])
    await Watcher(services, {}).keep_house()
    async with services.db.reading() as session:
        kept = await session.scalars(select(QuarantineRow.topic).order_by(QuarantineRow.id))
        assert list(kept) == [f"anju/v2/{number}" for number in range(7, 12)]


async def test_old_events_are_forgotten_and_young_ones_are_not(
    services: Services, clock: ManualClock
) -> None:
    now = clock.now()

    def event(days: float) -> EventRow:
        at = now - timedelta(days=days)
        return EventRow(
            source_id=NATIVE_SOURCE,
            child_id=f"{days}",
            digest="d",
            kind="sos",
            at=at,
            received_at=at,
            retained=False,
        )

    await add(services, *(event(days) for days in (0, 1, 399, 401, 800)))
    async with services.db.transaction() as session:
        await housekeeping.prune(session, now)
    async with services.db.reading() as session:
        left = set(await session.scalars(select(EventRow.child_id)))
    assert left == {"0", "1", "399"}


async def test_the_old_readings_of_every_device_are_forgotten_in_turn(
    services: Services, clock: ManualClock
) -> None:
    now, names = clock.now(), [f"m-{number:03}" for number in range(45)]
    await add(services, source(services, "east", "east"))
    await add(services, *(device(services, name, "water_meter") for name in names))
    for days in (10, 500):
        at = now - timedelta(days=days)
        readings = [
            ReadingRow(device_id=f"dev-{name}", register="water_total", at=at, value=1.0)
            for name in names
        ]
        await add(services, *readings)
    for _ in range(3):
        async with services.db.transaction() as session:
            await housekeeping.prune(session, clock.now())
        clock.advance(minutes=1)
    async with services.db.reading() as session:
        left = (await session.scalars(select(ReadingRow.at))).all()
    assert left == [now - timedelta(days=10)] * len(names)
