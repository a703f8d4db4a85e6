"""From messages to a commit: urgent first, nothing lost while the database is away, no hostages."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import delete, select

from alerting.tables import EscalationPolicyRow, EventRow, Incident, QuarantineRow, ReadingRow
from care.tables import NATIVE_SOURCE
from core.db import Database
from core.services import Services
from devices import registry
from devices.event import Decoded, Message
from devices.family import SourceView
from gateway.pipeline import Handled, Pipeline, Route
from gateway.routes import NativeRouter
from tests.gateway.conftest import Away

NATIVE = Route(NATIVE_SOURCE, "native", SourceView())


class Town:
    """Messages as a lane would bring them, and what is stored of them."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def message(self, topic: str, payload: Any) -> Message:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return Message(topic=topic, payload=raw, received_at=self.services.clock.now())

    def press(self, device: str) -> Message:
        return self.message(f"anju/v1/{device}/event", {"id": "1", "kind": "sos"})

    def reading(self, device: str) -> Message:
        said = {"register": "water_total", "value": 1.5, "unit": "m3"}
        return self.message(f"anju/v1/{device}/telemetry", {"readings": [said]})

    async def all(self, column: Any) -> list[Any]:
        async with self.services.db.reading() as session:
            return list(await session.scalars(select(column).order_by(column)))


@pytest.fixture
def town(services: Services) -> Town:
    return Town(services)


def pipeline(
    town: Town,
    router: Callable[[Sequence[Message]], Any] | None = None,
    *,
    pause: Callable[[float], Any] | None = None,
    lane: str = "urgent",
) -> Pipeline:
    async def at_once(seconds: float) -> None:
        await asyncio.sleep(0)

    chosen = router or NativeRouter(town.services.settings.zone)
    return Pipeline(town.services, lane, chosen, pause=pause or at_once)


def by_topic(**routes: Route | None) -> Callable[[Sequence[Message]], Any]:
    """Routes by the device that a topic names; the native one for all others."""

    async def route(messages: Sequence[Message]) -> list[Route | None]:
        return [routes.get(message.topic.split("/")[2], NATIVE) for message in messages]

    return route


async def test_what_is_stored_is_answered(town: Town) -> None:
    handled = await pipeline(town).handle([town.press("btn-1"), town.press("btn-2")])
    assert [(one.device_id, one.event_id) for one in handled.receipts] == [
        ("btn-1", "1"),
        ("btn-2", "1"),
    ]
    assert len(handled.incidents) == 2


async def test_a_message_of_nobody_is_set_aside(town: Town) -> None:
    await pipeline(town, by_topic(x=None)).handle([town.message("anju/v1/x/event", {})])
    assert await town.all(QuarantineRow.reason) == ["unknown_topic"]


async def test_a_family_that_breaks_costs_its_message_only(town: Town) -> None:
    odd = dataclasses.replace(registry.family("native"), name="odd", decode=_break)
    registry.use_own([odd])
    router = by_topic(odd=Route(NATIVE_SOURCE, "odd", SourceView()))
    handled = await pipeline(town, router).handle([town.press("odd"), town.press("btn-1")])
    registry.use_own(())
    assert await town.all(QuarantineRow.reason) == ["family_error:KeyError"]
    assert [one.device_id for one in handled.receipts] == ["btn-1"]


def _break(message: Message, source: SourceView) -> Decoded:
    raise KeyError(message.topic)


async def test_what_a_family_said_that_is_gone_is_set_aside(town: Town) -> None:
    router = by_topic(odd=Route(NATIVE_SOURCE, "no-such-family", SourceView()))
    handled = await pipeline(town, router).handle([town.press("odd"), town.press("btn-1")])
    assert await town.all(QuarantineRow.reason) == ["unknown_family"]
    assert [one.device_id for one in handled.receipts] == ["btn-1"]


async def test_one_poisonous_message_does_not_hold_up_the_others(town: Town) -> None:
    """A source that was deleted while its messages were on the way: nothing can refer to it."""
    router = by_topic(poison=Route("src-deleted", "native", SourceView()))
    batch = [town.press("btn-1"), town.press("poison"), town.press("btn-2")]
    handled = await pipeline(town, router).handle(batch)
    assert [one.device_id for one in handled.receipts] == ["btn-1", "btn-2"]
    assert await town.all(QuarantineRow.reason) == ["storing:IntegrityError"]
    assert sorted(await town.all(Incident.kind)) == ["sos", "sos", "unreadable"], (
        "what may have been a call for help is not only set aside"
    )
    assert await town.all(EventRow.child_id) == ["btn-1", "btn-2"]


async def test_a_poisonous_reading_does_not_hold_up_a_press(town: Town) -> None:
    router = by_topic(poison=Route("src-deleted", "native", SourceView()))
    batch = [town.reading("poison"), town.press("btn-1"), town.reading("meter")]
    handled = await pipeline(town, router, lane="foreign").handle(batch)
    assert [one.device_id for one in handled.receipts] == ["btn-1"]
    assert await town.all(QuarantineRow.reason) == ["storing:IntegrityError"]


@pytest.mark.parametrize("topic", ["anju/v1/a\0b/event", "anju/\0", "anju/v1/btn-9/event\0"])
async def test_a_topic_that_no_text_column_takes_is_set_aside(town: Town, topic: str) -> None:
    handled = await pipeline(town).handle([town.message(topic, b"x"), town.press("btn-1")])
    assert [one.device_id for one in handled.receipts] == ["btn-1"]
    (stored,) = await town.all(QuarantineRow.topic)
    assert stored == topic.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def test_what_cannot_even_open_an_incident_is_kept_and_not_answered(town: Town) -> None:
    """An installation without ladders: the device is not told that anybody heard it."""
    async with town.services.db.transaction() as session:
        await session.execute(delete(EscalationPolicyRow))
    batch = [town.press("btn-1"), town.reading("meter"), town.press("btn-2")]
    handled = await pipeline(town).handle(batch)
    assert handled.receipts == ()
    assert await town.all(QuarantineRow.reason) == ["storing:LookupError"] * 2
    payloads = await town.all(QuarantineRow.payload)
    assert [json.loads(payload)["kind"] for payload in payloads] == ["sos", "sos"]


async def test_a_database_that_is_away_delays_and_loses_nothing(
    town: Town, database_away: Away
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 6:
            enough.set()
        await asyncio.sleep(0.01)

    batch = [town.press("btn-1"), town.reading("meter")]
    async with database_away():
        work: asyncio.Task[Handled] = asyncio.create_task(pipeline(town, pause=pause).handle(batch))
        await asyncio.wait_for(enough.wait(), 20)
        assert not work.done(), "it is the database's fault, not the batch's"
    handled = await asyncio.wait_for(work, 20)
    assert [one.device_id for one in handled.receipts] == ["btn-1"]
    assert await town.all(QuarantineRow.reason) == []
    assert len(await town.all(Incident.id)) == 1
    assert pauses == sorted(pauses) and pauses[-1] <= 5, "backs off, within reason"


async def test_a_database_that_goes_away_between_two_batches_comes_back(
    town: Town, db: Database, database_away: Away
) -> None:
    line = pipeline(town)
    await line.handle([town.press("btn-1")])
    async with database_away():
        pass  # every pooled connection is dead now
    handled = await line.handle([town.press("btn-2")])
    assert len(handled.receipts) == 1
    assert await town.all(QuarantineRow.reason) == []


async def test_readings_of_a_batch_are_stored_once_however_often_it_comes(town: Town) -> None:
    from care import equipment
    from care.equipment import Place
    from care.model import SYSTEM

    now = town.services.clock.now()
    async with town.services.db.transaction() as session:
        native = await equipment.ensure_native_source(session, now)
        await equipment.add_device(
            session,
            SYSTEM,
            now,
            device_id="meter",
            source=native,
            child_id="meter",
            role="water_meter",
            place=Place(),
        )
    line = pipeline(town, lane="bulk")
    for _ in range(3):
        await line.handle([town.reading("meter"), town.reading("meter")])
    assert await town.all(ReadingRow.value) == [1.5]
