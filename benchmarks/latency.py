"""From an alarm's publish to its receipt and to the contact's webhook, idle and under bulk load."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks import wire
from benchmarks.receiver import Receiver
from benchmarks.throughput import AHEAD, Subject, drain
from benchmarks.town import bridge_prefix, button_id, smoke_child
from core.clock import SystemClock

ALARMS_A_SECOND = 4.0
"""Half native presses, half Zigbee2MQTT smoke: far more than a county has, and still apart."""
_LAST_ONE_WITHIN_S = 20.0


@dataclass(slots=True)
class Spans:
    """Milliseconds from publish, one figure an alarm."""

    committed: list[float] = field(default_factory=list)  # `ack` received; native only
    handed: list[float] = field(default_factory=list)  # the contact's webhook was called


@dataclass(slots=True)
class Measured:
    """One stretch; `missing` alarms had no webhook call in time (must be 0)."""

    native: Spans
    zigbee2mqtt: Spans
    missing: int
    bulk_rate: float  # messages a second that were stored meanwhile


class Alarms:
    """One MQTT connection that raises alarms and hears receipts, with the moment of each."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._clock = SystemClock()
        self._packet_id = 0
        self.acked_at: dict[str, float] = {}  # device id → monotonic

    async def listen(self) -> None:
        buffer = b""
        while raw := await self._reader.read(65_536):
            at = self._clock.monotonic()
            buffer += raw
            while (packet := wire.first_packet(buffer)) is not None:
                first, body, buffer = packet
                if first & 0xF0 == 0x30:
                    topic, payload = wire.published(body)
                    if b'"accepted"' in payload:
                        self.acked_at.setdefault(topic.split("/")[2], at)

    def press(self, device_id: str, event_id: str) -> float:
        """A native SOS. Returns the moment of its publish."""
        payload = b'{"id":"%b","kind":"sos"}' % event_id.encode()
        return self._publish(f"anju/v1/{device_id}/event", payload)

    def smoke(self, number: int) -> float:
        """What Zigbee2MQTT publishes when detector `number` smells smoke."""
        payload = b'{"battery":96,"linkquality":120,"smoke":true,"tamper":false}'
        return self._publish(f"{bridge_prefix(number)}/{smoke_child(number)}", payload)

    def _publish(self, topic: str, payload: bytes) -> float:
        self._packet_id = self._packet_id % 65_535 + 1
        packet = wire.publish(wire.publish_head(topic), self._packet_id, payload)
        at = self._clock.monotonic()
        self._writer.write(packet)
        return at


@asynccontextmanager
async def alarms(port: int) -> AsyncIterator[Alarms]:
    """Connected, and subscribed to every native device's `ack`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(wire.connect("benchmark-alarms"))
    await reader.readexactly(wire.CONNACK_LENGTH)
    writer.write(wire.subscribe("anju/v1/+/ack"))
    await reader.readexactly(5)  # SUBACK
    connection = Alarms(reader, writer)
    listener = asyncio.create_task(connection.listen())
    try:
        yield connection
    finally:
        listener.cancel()
        writer.close()


class Numbers:
    """Buttons and detectors that have not raised an alarm yet: every alarm is a new incident."""

    def __init__(self, buttons: int, smoke_detectors: int) -> None:
        self.buttons = iter(range(buttons))
        self.smoke_detectors = iter(range(smoke_detectors))


async def measure(
    subject: Subject,
    connection: Alarms,
    receiver: Receiver,
    numbers: Numbers,
    *,
    each: int,
    bulk_rate: float = 0.0,
    seed: int = 1,
) -> Measured:
    """Raise `each` native and `each` Zigbee2MQTT alarms at random moments, one after another.

    `bulk_rate`: messages a second of bulk traffic meanwhile; 0: none.
    """
    clock, chance = SystemClock(), random.Random(seed)
    async with _bulk(subject, bulk_rate):
        stored, began = await subject.handled(), clock.monotonic()
        presses: dict[str, float] = {}
        smokes: dict[str, float] = {}
        for number in range(2 * each):
            await asyncio.sleep(chance.uniform(0.5, 1.5) / ALARMS_A_SECOND)
            if number % 2:
                index = next(numbers.smoke_detectors)
                smokes[f"/home-smoke-{index:05d}"] = connection.smoke(index)
            else:
                ident = button_id(next(numbers.buttons))
                presses[f"/home-{ident}"] = connection.press(ident, f"e-{ident}")
        first_calls = await _first_calls(receiver, {*presses, *smokes})
        rate = (await subject.handled() - stored) / (clock.monotonic() - began)
    return Measured(
        native=Spans(
            committed=[
                (connection.acked_at[path.removeprefix("/home-")] - at) * 1e3
                for path, at in presses.items()
                if path.removeprefix("/home-") in connection.acked_at
            ],
            handed=_spans(presses, first_calls),
        ),
        zigbee2mqtt=Spans(handed=_spans(smokes, first_calls)),
        missing=len({*presses, *smokes} - first_calls.keys()),
        bulk_rate=rate,
    )


def _spans(published: dict[str, float], called: dict[str, float]) -> list[float]:
    return [(called[path] - at) * 1e3 for path, at in published.items() if path in called]


async def _first_calls(receiver: Receiver, paths: set[str]) -> dict[str, float]:
    """When each path was called first; waits for the last ones for a while."""
    clock = SystemClock()
    give_up = clock.monotonic() + _LAST_ONE_WITHIN_S
    while True:
        first: dict[str, float] = {}
        for call in receiver.calls:
            if call.path in paths:
                first.setdefault(call.path, call.at)
        if len(first) == len(paths) or clock.monotonic() > give_up:
            return first
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _bulk(subject: Subject, rate: float) -> AsyncIterator[None]:
    """Bulk traffic at that rate for the length of the block."""
    if not rate:
        yield
        return
    subject.publisher.say(f"rate {rate:g}")
    feeding = asyncio.create_task(_feed(subject))
    try:
        await asyncio.sleep(2.0)
        yield
    finally:
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        await drain(subject)


async def _feed(subject: Subject) -> None:
    while True:
        subject.publisher.say(f"credit {await subject.handled() + AHEAD}")
        await asyncio.sleep(0.5)
