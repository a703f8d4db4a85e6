"""`python -m benchmarks`: bulk ingest beside a subscriber that does nothing; alarms under load."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from benchmarks import crash, push, report
from benchmarks.broker import find_mosquitto
from benchmarks.databases import KINDS
from benchmarks.latency import Measured, Numbers, alarms, measure
from benchmarks.receiver import receiving
from benchmarks.report import Ingest, Latency, Report, Span, summed_up
from benchmarks.throughput import (
    AnjuSubject,
    anju,
    baseline,
    interleaved,
    run_round,
    stored_readings,
)
from core.clock import SystemClock
from core.logging import configure_logging

PARTS = ("ingest", "latency", "push", "crash")
LOAD_SHARE = 0.7
"""Alarms are measured while the server stores this share of the most it can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How long everything is measured."""

    rounds: int
    warm_s: float
    round_s: float
    stretches: int  # idle and loaded in turn
    alarms: int  # of each kind, a stretch


FULL = Size(rounds=5, warm_s=3, round_s=10, stretches=4, alarms=50)
QUICK = Size(rounds=2, warm_s=2, round_s=4, stretches=1, alarms=15)


def main() -> int:
    """Exit status 1 when something that was published is missing, never for being slow."""
    options = _options()
    configure_logging("error")  # a town without an operator is what we want here
    if find_mosquitto() is None:
        print("mosquitto is not installed", file=sys.stderr)
        return 2
    if options.only == "crash":
        return _crash(options)
    kinds = (options.database,) if options.database else KINDS
    if options.only == "push":
        return push.run_and_print(kinds, push.QUICK if options.quick else push.Plan())
    size = QUICK if options.quick else FULL
    done = Report(at=SystemClock().now(), machine=report.machine(), quick=options.quick)
    with tempfile.TemporaryDirectory(prefix="anju-bench-", ignore_cleanup_errors=True) as folder:
        asyncio.run(_run(done, options.only, kinds, size, Path(folder)))
    print(*report.lines(done), sep="\n")
    if options.json is not None:
        raw = msgspec.json.format(msgspec.json.encode(done), indent=2)
        options.json.write_bytes(raw + b"\n")
    return 0 if done.is_complete else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute or two, to see it work")
    parser.add_argument("--only", choices=PARTS, help="default: ingest and latency")
    parser.add_argument("--database", choices=KINDS, help="default: both")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure")
    return parser.parse_args()


async def _run(
    done: Report, only: str | None, kinds: Sequence[str], size: Size, folder: Path
) -> None:
    if only in (None, "ingest"):
        _say("bulk ingest")
        done.ingest = await _ingest(kinds, size, _new(folder, "ingest"))
    if only in (None, "latency"):
        for kind in kinds:
            _say(f"alarms, {kind}")
            done.latency.append(await _latency(kind, size, _new(folder, f"latency-{kind}")))


async def _ingest(kinds: Sequence[str], size: Size, folder: Path) -> list[Ingest]:
    """Every subject is up all the time and works in its turn."""
    async with contextlib.AsyncExitStack() as stack:
        idle = await stack.enter_async_context(baseline(folder))
        all_anju = [await stack.enter_async_context(anju(kind, folder)) for kind in kinds]
        subjects = [idle, *(one.subject for one in all_anju)]
        await interleaved(subjects, rounds=size.rounds, warm_s=size.warm_s, seconds=size.round_s)
        found = [summed_up(idle.name, None, idle.rounds, idle.rounds)]
        for kind, one in zip(kinds, all_anju, strict=True):
            found.append(
                summed_up(
                    one.subject.name,
                    kind,
                    one.subject.rounds,
                    idle.rounds,
                    stored=await stored_readings(one.server.settings.database_url),
                    published=one.subject.publisher.numbers[0],
                )
            )
        return found


async def _latency(kind: str, size: Size, folder: Path) -> Latency:
    """First the most that this server stores, then idle and loaded stretches in turn."""
    each = 2 * size.stretches * size.alarms
    async with contextlib.AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        one: AnjuSubject = await stack.enter_async_context(
            anju(kind, folder, buttons=each, smoke_detectors=each, webhook=receiver.url)
        )
        connection = await stack.enter_async_context(alarms(one.broker.port))
        numbers = Numbers(each, each)
        top = await run_round(one.subject, warm_s=size.warm_s, seconds=size.round_s)
        idle: list[Measured] = []
        loaded: list[Measured] = []
        for stretch in range(size.stretches):
            for into, rate in ((idle, 0.0), (loaded, LOAD_SHARE * top.rate)):
                measured = await measure(
                    one.subject,
                    connection,
                    receiver,
                    numbers,
                    each=size.alarms,
                    bulk_rate=rate,
                    seed=stretch,
                )
                into.append(measured)
    return _summed_up(kind, top.rate, idle, loaded)


def _summed_up(
    kind: str, most: float, idle: Sequence[Measured], loaded: Sequence[Measured]
) -> Latency:
    ways: tuple[tuple[str, Callable[[Measured], list[float]]], ...] = (
        ("native to `ack`", lambda m: m.native.committed),
        ("native to channel", lambda m: m.native.handed),
        ("Zigbee2MQTT to channel", lambda m: m.zigbee2mqtt.handed),
    )
    return Latency(
        spans=[
            Span(
                database=kind,
                what=what,
                idle=[span for one in idle for span in of(one)],
                loaded=[span for one in loaded for span in of(one)],
            )
            for what, of in ways
        ],
        bulk_rate=sum(one.bulk_rate for one in loaded) / len(loaded),
        most=most,
        missing=sum(one.missing for one in (*idle, *loaded)),
    )


def _crash(options: argparse.Namespace) -> int:
    plan = crash.SHORT if options.quick else crash.Plan()
    seed = random.randrange(10**6)
    return crash.run_and_print(replace(plan, seed=seed, database=options.database or KINDS[0]))


def _new(folder: Path, name: str) -> Path:
    """A folder of its own; others (a database's own user) may pass through it."""
    path = folder / name
    path.mkdir(mode=0o755)
    return path


def _say(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
