"""What was measured, as a small table for people and as plain values for JSON."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.throughput import Round

RATIO_AIM = {"sqlite": 0.4, "postgresql": 0.3}
"""Of the messages a second of a subscriber that does nothing."""
LOAD_AIM = 3.0
"""The slowest 1 % under load, as a multiple of the slowest 1 % of an idle server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingest:
    """Messages a second of one subject, round by round."""

    name: str
    database: str | None  # None: the subscriber that does nothing
    rates: list[float]
    ratios: list[float]  # to the subscriber that does nothing, of the same round
    cpu_share: dict[str, float]  # of one core, the median round
    stored: int = 0  # rows found afterwards
    published: int = 0  # must equal `stored`

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One way of one alarm, in milliseconds, idle and under load."""

    database: str
    what: str
    idle: list[float]
    loaded: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """All spans on one database; `missing` alarms never reached their channel (must be 0)."""

    spans: list[Span]
    bulk_rate: float  # messages a second that were stored meanwhile
    most: float  # what the same server stored when it did nothing else
    missing: int


@dataclass(slots=True)
class Report:
    """One run of `python -m benchmarks`."""

    at: datetime
    machine: dict[str, str]
    quick: bool
    ingest: list[Ingest] = field(default_factory=list)
    latency: list[Latency] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Nothing that was published is missing; how fast it was is for the reader to judge."""
        whole = all(one.stored == one.published for one in self.ingest)
        return whole and not any(one.missing for one in self.latency)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def summed_up(
    name: str,
    database: str | None,
    rounds: Sequence[Round],
    yardstick: Sequence[Round],
    *,
    stored: int = 0,
    published: int = 0,
) -> Ingest:
    """One subject's rounds, each beside the yardstick's round of the same turn."""
    groups = rounds[0].cpu_share
    return Ingest(
        name=name,
        database=database,
        rates=[one.rate for one in rounds],
        ratios=[one.rate / other.rate for one, other in zip(rounds, yardstick, strict=True)],
        cpu_share={
            group: statistics.median(one.cpu_share[group] for one in rounds) for group in groups
        },
        stored=stored,
        published=published,
    )


def machine() -> dict[str, str]:
    """What the figures depend on; `load` is that of the last minute, before anything ran."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "paho-mqtt": version("paho-mqtt"),
        "sqlalchemy": version("sqlalchemy"),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def lines(report: Report) -> Iterator[str]:
    """The whole report as Markdown tables that can also be read as they are."""
    words = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    yield f"{report.at:%Y-%m-%d %H:%M} UTC, {words}" + (", quick" if report.quick else "")
    if report.ingest:
        yield ""
        yield from _ingest_lines(report.ingest)
    if report.latency:
        yield ""
        yield from _latency_lines(report.latency)


def _ingest_lines(measured: Sequence[Ingest]) -> Iterator[str]:
    rows = [("bulk ingest, messages/s", "median", "lowest–highest", "ratio", "aim", "CPU, cores")]
    for one in measured:
        aim = f"≥ {RATIO_AIM[one.database]}" if one.database else ""
        shares = ", ".join(f"{name} {share:.2f}" for name, share in one.cpu_share.items())
        spread = f"{min(one.rates):,.0f}–{max(one.rates):,.0f}"
        rows.append((one.name, f"{one.rate:,.0f}", spread, f"{one.ratio:.2f}", aim, shares))
    yield from table(rows)
    for one in measured:
        if one.stored != one.published:
            yield f"MISSING: {one.name}: {one.published} published, {one.stored} stored"


def _latency_lines(measured: Sequence[Latency]) -> Iterator[str]:
    rows = [("alarm, ms from publish", "idle p50", "p99", "loaded p50", "p99", "ratio p99", "aim")]
    for one in measured:
        for span in one.spans:
            idle, loaded = percentile(span.idle, 0.99), percentile(span.loaded, 0.99)
            rows.append(
                (
                    f"{span.what}, {span.database}",
                    f"{percentile(span.idle, 0.5):.1f}",
                    f"{idle:.1f}",
                    f"{percentile(span.loaded, 0.5):.1f}",
                    f"{loaded:.1f}",
                    f"{loaded / idle:.1f}",
                    f"≤ {LOAD_AIM:g}",
                )
            )
    yield from table(rows)
    for one in measured:
        name, alarms = one.spans[0].database, len(one.spans[-1].idle)
        share = one.bulk_rate / one.most
        yield (
            f"{name}: {alarms} alarms of each kind idle and under load; "
            f"load {one.bulk_rate:,.0f} messages/s, {share:.0%} of {one.most:,.0f}"
        )
        if one.missing:
            yield f"MISSING: {one.missing} alarms never reached their channel"


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
            yield f"| {' | '.join(rules)} |"


def _processor() -> str:
    try:
        found = [
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ]
    except OSError:
        found = []
    return found[0] if found else platform.machine()
