"""HTTP push in: so many pushes a second, for so long, and every one answered 200 once stored."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks import town
from benchmarks.broker import mosquitto
from benchmarks.databases import KINDS, database
from benchmarks.processes import CpuWatch, postgres_pids, serving, settings_for
from benchmarks.pusher import ADAPTERS, child_id
from benchmarks.report import percentile, table
from benchmarks.throughput import stored_readings
from care.push import push_token
from care.tables import Binding, Device, Home, Source
from core.settings import Settings
from gateway.install import build_services


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much is pushed."""

    rate: float = 1000  # pushes a second
    seconds: float = 60
    warm_s: float = 5
    devices: int = 2000  # of each platform


QUICK = Plan(seconds=10, warm_s=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """What was measured on one database."""

    database: str
    plan: Plan
    sent: int
    refused: int  # answered, and not with 200
    unanswered: int
    missing: int  # readings that were answered 200 and are not stored
    alarms: int
    took_ms: list[float]  # from when a push was due to its answer
    cpu_ms: dict[str, float]  # of one core, a push: holds on a machine that others use too

    @property
    def is_complete(self) -> bool:
        return not (self.refused or self.unanswered or self.missing)


async def run(kind: str, plan: Plan, folder: Path) -> Pushed:
    """The whole of Anju, three platforms, `plan.devices` devices of each."""
    async with contextlib.AsyncExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder))
        url = stack.enter_context(database(kind, folder))
        settings = settings_for(url, broker.url)
        await town.build(settings)
        tokens = await _platforms(settings, plan.devices)
        server = await stack.enter_async_context(serving(settings, folder))
        cpu = CpuWatch(groups={"anju": lambda: [server.pid]})
        if kind == "postgresql":
            cpu.groups["database"] = lambda: postgres_pids(folder)
        warm = await _push(settings, tokens, plan, plan.warm_s, seed=1)
        before = cpu.seconds()
        told = await _push(settings, tokens, plan, plan.seconds, seed=2)
        after = cpu.seconds()
        wanted = warm["readings"] + told["readings"]
        return Pushed(
            database=kind,
            plan=plan,
            sent=told["sent"],
            refused=sum(n for status, n in told["answered"].items() if status != "200"),
            unanswered=told["late"],
            missing=max(wanted - await stored_readings(url), 0),
            alarms=told["alarms"],
            took_ms=told["took_ms"],
            cpu_ms={name: (after[name] - before[name]) * 1000 / told["sent"] for name in after},
        )


async def _push(
    settings: Settings, tokens: Sequence[str], plan: Plan, seconds: float, *, seed: int
) -> dict[str, Any]:
    """Runs `benchmarks.pusher` in a process of its own and returns what it tells."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.pusher",
        f"--port={settings.http_port}",
        f"--tokens={','.join(tokens)}",
        f"--rate={plan.rate:g}",
        f"--seconds={seconds:g}",
        f"--devices={plan.devices}",
        f"--seed={seed}",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    told: dict[str, Any] = json.loads(out)
    return told


async def _platforms(settings: Settings, devices: int) -> list[str]:
    """A source for each adapter and its devices, each in a home; returns the sources' tokens."""
    services = build_services(settings)
    now = services.clock.now() - timedelta(days=1)
    try:
        async with services.db.transaction() as session:
            sources = [_source(adapter, now) for adapter in ADAPTERS]
            session.add_all(sources)
            await session.flush()
            for source in sources:
                for table, rows in _devices(source, devices, now):
                    await session.execute(insert(table), rows)
            return [push_token(settings.secret_key, source) for source in sources]
    finally:
        await services.db.close()


def _source(adapter: str, now: datetime) -> Source:
    return Source(
        id=f"src-{adapter}",
        name=adapter,
        family=adapter,
        prefix="",
        area_id=town.AREA_ID,
        active=True,
        push_generation=1,
        created_at=now,
    )


def _devices(source: Source, count: int, now: datetime) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Homes, devices, bindings: in this order."""
    ids = [f"{source.family}-{number:06d}" for number in range(count)]
    area = {"area_id": town.AREA_ID}
    homes = [area | {"id": f"home-{i}", "address": i, "created_at": now} for i in ids]
    common = area | {"family": source.family, "source_id": source.id, "enrolled_at": now}
    common |= {"role": "smoke_detector", "rules": {}, "active": True}
    devices = [
        common | {"id": ident, "child_id": child_id(source.family, number)}
        for number, ident in enumerate(ids)
    ]
    bindings = [
        {"id": f"bind-{i}", "device_id": i, "home_id": f"home-{i}", "valid_from": now} for i in ids
    ]
    return [(Home, homes), (Device, devices), (Binding, bindings)]


def lines(measured: Sequence[Pushed]) -> Iterator[str]:
    """A Markdown table that can also be read as it is."""
    rows = [
        ("pushes", "a second", "for", "not 200", "p50 ms", "p99 ms", "slowest", "CPU, ms a push")
    ]
    for one in measured:
        shares = ", ".join(f"{name} {share:.2f}" for name, share in one.cpu_ms.items())
        took = one.took_ms or [0.0]
        rows.append(
            (
                f"{one.sent:,}, {one.database}",
                f"{one.plan.rate:,.0f}",
                f"{one.plan.seconds:.0f} s",
                f"{one.refused + one.unanswered}",
                f"{percentile(took, 0.5):.1f}",
                f"{percentile(took, 0.99):.1f}",
                f"{max(took):.0f}",
                shares,
            )
        )
    yield from table(rows)
    for one in measured:
        yield f"{one.database}: {one.alarms} alarms among them, each an incident or part of one"
        if one.missing:
            yield f"MISSING: {one.database}: {one.missing} readings were answered and not stored"


def main() -> int:
    """Exit status 1 when a push was not answered 200, or was and is not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.push", description=__doc__)
    parser.add_argument("--database", choices=KINDS, help="default: both")
    parser.add_argument("--rate", type=float, default=1000, help="pushes a second")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    plan = Plan(rate=options.rate, seconds=options.seconds)
    return run_and_print((options.database,) if options.database else KINDS, plan)


def run_and_print(kinds: Sequence[str], plan: Plan) -> int:
    measured = []
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="anju-push-", ignore_cleanup_errors=True) as name:
            folder = Path(name) / "run"
            folder.mkdir(mode=0o755)  # a database's own user may pass through it
            measured.append(asyncio.run(run(kind, plan, folder)))
    print(*lines(measured), sep="\n")
    return 0 if all(one.is_complete for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
