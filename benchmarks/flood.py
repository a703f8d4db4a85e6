"""`python -m benchmarks.flood`: other people's alarms while one device has gone mad."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import wire
from benchmarks.broker import find_mosquitto
from benchmarks.databases import KINDS
from benchmarks.latency import Measured, Numbers, alarms, measure
from benchmarks.receiver import receiving
from benchmarks.throughput import anju
from benchmarks.town import button_id
from core.clock import SystemClock
from core.logging import configure_logging
from gateway.lanes import CATCH_UP_AT_LEAST

MOST_A_SECOND = 3000
_BURSTS_A_SECOND = 50


def main() -> int:
    """Exit status 1 when an alarm of the others did not reach its channel."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flood", description=__doc__)
    parser.add_argument("--database", choices=KINDS, default=KINDS[0])
    parser.add_argument("--rate", type=int, default=MOST_A_SECOND, help="presses a second")
    parser.add_argument("--alarms", type=int, default=16, help="of each kind, a stretch")
    parser.add_argument("--stretches", type=int, default=3, help="calm and mad in turn")
    options = parser.parse_args()
    configure_logging("error")
    if find_mosquitto() is None:
        print("mosquitto is not installed", file=sys.stderr)
        return 2
    rate = min(options.rate, MOST_A_SECOND)
    with tempfile.TemporaryDirectory(prefix="anju-flood-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # a database's own user passes through it
        return asyncio.run(
            _run(options.database, Path(folder), rate, options.alarms, options.stretches)
        )


async def _run(kind: str, folder: Path, rate: int, each: int, stretches: int) -> int:
    count, clock = 2 * stretches * each, SystemClock()
    calm, mad = Side(), Side()
    async with contextlib.AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        one = await stack.enter_async_context(
            anju(kind, folder, buttons=count + 1, smoke_detectors=count, webhook=receiver.url)
        )
        connection = await stack.enter_async_context(alarms(one.broker.port))
        await asyncio.sleep(CATCH_UP_AT_LEAST.total_seconds() + 1)
        numbers = Numbers(count, count)
        for stretch in range(stretches):
            for side, presses in ((calm, 0), (mad, rate)):
                async with _mad_button(one.broker.port, button_id(count), presses, stretch):
                    began, busy = clock.monotonic(), one.subject.cpu.seconds()["subscriber"]
                    part = await measure(
                        one.subject, connection, receiver, numbers, each=each, seed=stretch
                    )
                    busy = one.subject.cpu.seconds()["subscriber"] - busy
                    side.parts.append(part)
                    side.shares.append(busy / (clock.monotonic() - began))
    _print(kind, rate, calm, mad)
    return 1 if calm.missing + mad.missing else 0


@dataclass(slots=True)
class Side:
    """The calm, or the mad, stretches."""

    parts: list[Measured] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)  # of one core that the server used

    @property
    def missing(self) -> int:
        return sum(part.missing for part in self.parts)


@asynccontextmanager
async def _mad_button(port: int, ident: str, rate: int, stretch: int) -> AsyncIterator[None]:
    """One button that presses `rate` times a second, each press a new one; 0: none at all."""
    if not rate:
        yield
        return
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(wire.connect(f"benchmark-mad-{stretch}"))
    await reader.readexactly(wire.CONNACK_LENGTH)
    head = wire.publish_head(f"anju/v1/{ident}/event")

    async def press() -> None:
        clock, done = SystemClock(), 0
        began = clock.monotonic()
        while True:
            due = int((clock.monotonic() - began) * rate)
            packets = []
            for number in range(done, due):
                payload = b'{"id":"m-%d-%d","kind":"sos"}' % (stretch, number)
                packets.append(wire.publish(head, number % 65_535 + 1, payload))
            done = due
            writer.write(b"".join(packets))
            await asyncio.sleep(1 / _BURSTS_A_SECOND)

    async def listen() -> None:
        while await reader.read(65_536):
            pass

    tasks = [asyncio.create_task(press()), asyncio.create_task(listen())]
    try:
        await asyncio.sleep(3.0)  # past its first presses, which ring like any other
        yield
    finally:
        for task in tasks:
            task.cancel()
        writer.close()
        await asyncio.sleep(2.0)  # what it said is handled before the calm


def _print(kind: str, rate: int, calm: Side, mad: Side) -> None:
    print(f"{kind}: alarms of others, one button pressing {rate:,} times a second beside them")
    print("| milliseconds | calm p50 | mad p50 | ratio | calm max | mad max | alarms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    ways: tuple[tuple[str, Callable[[Measured], list[float]]], ...] = (
        ("native to `ack`", lambda part: part.native.committed),
        ("native to channel", lambda part: part.native.handed),
        ("Zigbee2MQTT to channel", lambda part: part.zigbee2mqtt.handed),
    )
    for what, of in ways:
        quiet = [span for part in calm.parts for span in of(part)]
        loud = [span for part in mad.parts for span in of(part)]
        p50, p50_mad = statistics.median(quiet), statistics.median(loud)
        print(
            f"| {what} | {p50:.1f} | {p50_mad:.1f} | {p50_mad / p50:.2f} "
            f"| {max(quiet):.1f} | {max(loud):.1f} | {len(quiet)} + {len(loud)} |"
        )
    shares = [statistics.median(side.shares) for side in (calm, mad)]
    print(
        f"the server used {shares[0]:.2f} of a core when calm, {shares[1]:.2f} beside the mad one"
    )
    print(f"missing: {calm.missing + mad.missing}")


if __name__ == "__main__":
    sys.exit(main())
