"""Short words for the detector tests: a device, what it says, and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.detect import DeviceState, DeviceView, dump_state, judge, load_state, tick
from alerting.finding import Finding
from devices.event import DeviceEvent, Reading

T0 = datetime(2026, 3, 1, tzinfo=UTC)
Said = tuple[datetime, DeviceEvent | Reading]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def device(role: str | None = "smoke_detector", **fields: Any) -> DeviceView:
    return DeviceView(id="d-1", role=role, family="native", **fields)


def event(kind: str, **fields: Any) -> DeviceEvent:
    return DeviceEvent(child_id="d-1", kind=kind, **fields)


def reading(register: str, value: float, unit: str = "") -> Reading:
    return Reading(child_id="d-1", register=register, value=value, unit=unit)


def water(litres: float) -> Reading:
    return reading("water_total", litres / 1000, "m3")


def outline(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.kind, finding.sign.value) for finding in findings]


class Watch:
    """One device's judge over time; the state goes through its stored text at every step."""

    def __init__(self, view: DeviceView) -> None:
        self.device = view
        self.text = ""
        self.judge_at: datetime | None = None

    @property
    def state(self) -> DeviceState:
        return load_state(self.text)

    def hears(self, said: Sequence[Said], now: datetime) -> tuple[Finding, ...]:
        judged = judge(self.state, said, self.device, now)
        self.text, self.judge_at = dump_state(judged.state), judged.judge_at
        return judged.findings

    def hear(
        self, at: datetime, *what: DeviceEvent | Reading, late: timedelta = hours(0)
    ) -> list[tuple[str, str]]:
        """What is found when the device says `what` at `at`, heard `late` after."""
        return outline(self.hears([(at, one) for one in what], at + late))

    def tick(self, now: datetime) -> tuple[Finding, ...]:
        judged = tick(self.state, self.device, now)
        self.text, self.judge_at = dump_state(judged.state), judged.judge_at
        return judged.findings
