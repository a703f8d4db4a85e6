"""Sustained bulk ingest: messages a second, beside a subscriber that does nothing with them."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from alerting.tables import ReadingRow
from benchmarks.broker import Mosquitto, mosquitto
from benchmarks.databases import database
from benchmarks.processes import (
    AnjuServer,
    CpuWatch,
    Helper,
    helper,
    postgres_pids,
    serving,
    settings_for,
)
from benchmarks.town import build
from core.clock import SystemClock
from core.db import Database

METERS = 5_000
AHEAD = 10_000
"""So many messages may wait in the broker: never a queue that grows, never one that runs dry."""
_LOOK_EVERY_S = 0.25
_DRAINS_WITHIN_S = 60.0

Count = Callable[[], Awaitable[int]]


@dataclass(slots=True)
class Subject:
    """Something that takes messages: how many it has handled, and who works for it."""

    name: str
    publisher: Helper
    handled: Count
    cpu: CpuWatch
    rounds: list[Round] = field(default_factory=list)
    first: int = 0  # what it had handled when its first round began

    @property
    def rate(self) -> float:
        """Messages a second, the median of its rounds."""
        return statistics.median(one.rate for one in self.rounds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One measured stretch."""

    seconds: float
    messages: int
    cpu_share: dict[str, float]  # of one core, by group of processes

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


async def run_round(subject: Subject, *, warm_s: float, seconds: float, rate: float = 0) -> Round:
    """Feed `subject` for `warm_s + seconds` and measure the latter; then let it catch up.

    `rate` in messages a second; 0: as fast as it can.
    """
    clock = SystemClock()
    subject.publisher.say(f"rate {rate:g}")
    started = clock.monotonic()
    await _feed(subject, started + warm_s)
    before, cpu_before, began = await subject.handled(), subject.cpu.seconds(), clock.monotonic()
    await _feed(subject, began + seconds)
    after, cpu_after, ended = await subject.handled(), subject.cpu.seconds(), clock.monotonic()
    await drain(subject)
    span = ended - began
    done = Round(
        seconds=span,
        messages=after - before,
        cpu_share={name: (cpu_after[name] - cpu_before[name]) / span for name in cpu_after},
    )
    subject.rounds.append(done)
    return done


async def _feed(subject: Subject, until: float) -> None:
    clock = SystemClock()
    while clock.monotonic() < until:
        subject.publisher.say(f"credit {await subject.handled() + AHEAD}")
        await asyncio.sleep(_LOOK_EVERY_S)


async def drain(subject: Subject) -> None:
    """Stop feeding; wait until everything that was sent is handled. Nothing may be missing."""
    clock = SystemClock()
    subject.publisher.say("credit 0")
    give_up = clock.monotonic() + _DRAINS_WITHIN_S
    await asyncio.sleep(2 * _LOOK_EVERY_S)
    while await subject.handled() < subject.publisher.numbers[0]:
        if clock.monotonic() > give_up:
            sent, handled = subject.publisher.numbers[0], await subject.handled()
            raise RuntimeError(f"{subject.name}: {sent} sent, {handled} handled")
        await asyncio.sleep(_LOOK_EVERY_S)


@asynccontextmanager
async def baseline(folder: Path) -> AsyncIterator[Subject]:
    """The subscriber that does nothing, with a broker and a publisher of its own."""
    async with contextlib.AsyncExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder))
        idle = await stack.enter_async_context(helper("baseline", port=broker.port))
        publisher = await _publisher(stack, broker)

        async def handled() -> int:
            return idle.numbers[0]

        yield Subject(
            name="paho, does nothing",
            publisher=publisher,
            handled=handled,
            cpu=_watch(publisher, broker, subscriber=idle.pid),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AnjuSubject:
    """Anju on one kind of database."""

    subject: Subject
    server: AnjuServer
    broker: Mosquitto
    folder: Path


@asynccontextmanager
async def anju(
    kind: str,
    folder: Path,
    *,
    meters: int = METERS,
    buttons: int = 0,
    smoke_detectors: int = 0,
    webhook: str = "",
) -> AsyncIterator[AnjuSubject]:
    """The whole of Anju on an empty town, with a broker and a publisher of its own."""
    own = folder / kind
    own.mkdir(mode=0o755)
    async with contextlib.AsyncExitStack() as stack:
        broker = stack.enter_context(mosquitto(own))
        url = stack.enter_context(database(kind, own))
        settings = settings_for(url, broker.url, webhook_host=webhook)
        await build(
            settings,
            meters=meters,
            buttons=buttons,
            smoke_detectors=smoke_detectors,
            webhook=webhook,
        )
        server = await stack.enter_async_context(serving(settings, own))
        publisher = await _publisher(stack, broker, meters)
        cpu = _watch(publisher, broker, subscriber=server.pid)
        if kind == "postgresql":
            cpu.groups["database"] = lambda: postgres_pids(own)
        already = await server.stored()

        async def handled() -> int:
            return await server.stored() - already

        subject = Subject(name=f"Anju, {kind}", publisher=publisher, handled=handled, cpu=cpu)
        yield AnjuSubject(subject=subject, server=server, broker=broker, folder=own)


async def _publisher(
    stack: contextlib.AsyncExitStack, broker: Mosquitto, meters: int = METERS
) -> Helper:
    return await stack.enter_async_context(helper("publisher", port=broker.port, meters=meters))


def _watch(publisher: Helper, broker: Mosquitto, *, subscriber: int) -> CpuWatch:
    return CpuWatch(
        groups={
            "publisher": lambda: [publisher.pid],
            "broker": lambda: [broker.pid],
            "subscriber": lambda: [subscriber],
        }
    )


async def publisher_alone(folder: Path, *, seconds: float) -> Round:
    """How fast the publisher and Mosquitto are when nobody listens: above every other figure?"""
    async with contextlib.AsyncExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder))
        publisher = await _publisher(stack, broker)

        async def handled() -> int:
            return publisher.numbers[1]

        subject = Subject(
            name="nobody listens",
            publisher=publisher,
            handled=handled,
            cpu=_watch(publisher, broker, subscriber=0),
        )
        publisher.say("credit 1000000000")
        await asyncio.sleep(1)
        before, cpu = publisher.numbers[1], subject.cpu.seconds()
        await asyncio.sleep(seconds)
        after, cpu_after = publisher.numbers[1], subject.cpu.seconds()
        return Round(
            seconds=seconds,
            messages=after - before,
            cpu_share={name: (cpu_after[name] - cpu[name]) / seconds for name in cpu},
        )


async def interleaved(
    subjects: Sequence[Subject], *, rounds: int, warm_s: float, seconds: float
) -> None:
    """Turn and turn about, so that a machine that gets slower does so for everybody."""
    for _ in range(rounds):
        for subject in subjects:
            await run_round(subject, warm_s=warm_s, seconds=seconds)


async def stored_readings(url: str) -> int:
    """Rows, to be compared with what was published: the rate counts only what is really there."""
    db = Database(url)
    try:
        async with db.reading() as session:
            return await session.scalar(select(func.count()).select_from(ReadingRow)) or 0
    finally:
        await db.close()
