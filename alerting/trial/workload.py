"""What a rule means for the people who answer it: alarms counted by gap, and load a shift. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from alerting.trial.backtest import Ending, Found

MOST_A_SHIFT = 6.0
"""Checks, or incidents, that one officer can answer in a shift beside everything else."""

ENOUGH_CHECKS = 20
"""Fewer real checks than this say nothing about how many are answered."""

ASSUMED_UNANSWERED = 0.3
SHIFT_HOURS = 8.0
KNOWN_FROM = timedelta(days=2)

QUIETER: Mapping[str, str] = {
    "fixed-12h-10l": "adaptive",
    "fixed-12h-24h-10l": "adaptive",
    "adaptive-tight": "adaptive",
    "adaptive": "adaptive-quiet",
    "adaptive-quiet": "fixed-24h-10l",
}
"""Preset of `no_water_use` → the next one that asks less of the staff (docs/detection.md)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """One gap, or one other fault, of which somebody would have heard."""

    home_id: str
    device_id: str
    kind: str
    at: datetime  # of the first word about it
    since: datetime | None = None  # the gap began
    until: datetime | None = None  # used again; None: it still runs, or is no gap
    checked: bool = False  # somebody would have been asked first
    opened: bool = False  # an incident whatever the answer
    ending: Ending | None = None

    @property
    def sort(self) -> str:
        """`absence` (nobody home for a day or more), `incident` or `check`."""
        if self.ending is Ending.ABSENCE:
            return "absence"
        return "incident" if self.opened else "check"

    @property
    def gap_s(self) -> int | None:
        """How long it was (so far: until the alarm)."""
        if self.since is None:
            return None
        return round(((self.until or self.at) - self.since).total_seconds())

    def same_gap(self, other: Alarm) -> bool:
        """Whether two rules speak of the same thing."""
        if (self.device_id, self.kind) != (other.device_id, other.kind):
            return False
        return (self.since or self.at) <= other.at and (other.since or other.at) <= self.at


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """All alarms of one set of rules. `home_days`: what readings cover."""

    alarms: tuple[Alarm, ...] = ()
    home_days: float = 0.0

    def count(self, sort: str) -> int:
        return sum(1 for one in self.alarms if one.sort == sort)

    @property
    def asked(self) -> int:
        return sum(1 for one in self.alarms if one.checked)

    @property
    def per_100_homes_day(self) -> float:
        return 100 * len(self.alarms) / self.home_days if self.home_days else 0.0

    def summary(self) -> dict[str, Any]:
        return {
            "alarms": len(self.alarms),
            "checks": self.count("check"),
            "incidents": self.count("incident"),
            "absences": self.count("absence"),
            "per_100_homes_day": round(self.per_100_homes_day, 3),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Staff:
    """Who answers: officer-shifts a day, and where that figure is from (shifts, typed, assumed)."""

    shifts_a_day: float = 3.0
    source: str = "assumed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """How many checks become incidents because nobody said that all is well."""

    share: float = ASSUMED_UNANSWERED
    of: int = 0  # real checks of the last 90 days; too few: the share is assumed

    @property
    def is_assumed(self) -> bool:
        return self.of < ENOUGH_CHECKS


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Expected a day in all homes of the scope, and for one officer in one shift."""

    checks_a_day: float = 0.0
    incidents_a_day: float = 0.0  # absences among them
    absences_a_day: float = 0.0
    checks_a_shift: float = 0.0
    incidents_a_shift: float = 0.0
    absences_a_shift: float = 0.0

    @property
    def is_too_much(self) -> bool:
        return max(self.checks_a_shift, self.incidents_a_shift) > MOST_A_SHIFT

    def summary(self) -> dict[str, float]:
        return {name: round(value, 3) for name, value in asdict(self).items()}


def alarms_of(
    found: Iterable[Found],
    home_id: str,
    device_id: str,
    gap: Callable[[datetime], tuple[datetime, datetime | None]],
) -> list[Alarm]:
    """Findings of one device as alarms, one a gap.

    `gap`: the stretch without use around a moment, as it is known afterwards.
    """
    alarms: dict[tuple[str, datetime], Alarm] = {}
    for one in found:
        since, until = gap(one.at) if one.ending is not None else (one.since, None)
        key = (one.kind, since or one.at)
        first = alarms.get(key)
        checked = one.opens == "check" or (first is not None and first.checked)
        opened = one.opens == "incident" or (first is not None and first.opened)
        alarms[key] = Alarm(
            home_id=home_id,
            device_id=device_id,
            kind=one.kind,
            at=first.at if first is not None else one.at,
            since=since,
            until=until,
            checked=checked,
            opened=opened,
            ending=one.ending,
        )
    return list(alarms.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """An alarm of either side: `new` with the proposed rule, `gone` with it, or `both`."""

    alarm: Alarm
    side: str
    earlier_s: int = 0  # of both: so much sooner than at present; negative: later


def compared(present: Side, proposed: Side) -> list[Compared]:
    """Every alarm of both sides once, by time."""
    left = list(present.alarms)
    lines: list[Compared] = []
    for alarm in proposed.alarms:
        same = next((one for one in left if one.same_gap(alarm)), None)
        if same is None:
            lines.append(Compared(alarm=alarm, side="new"))
            continue
        left.remove(same)
        earlier = round((same.at - alarm.at).total_seconds())
        lines.append(Compared(alarm=alarm, side="both", earlier_s=earlier))
    lines += [Compared(alarm=one, side="gone") for one in left]
    return sorted(lines, key=lambda line: (line.alarm.at, line.alarm.device_id, line.side))


def load_of(side: Side, homes: float, staff: Staff, answers: Answers) -> Load:
    """What `homes` homes like these ask of the staff.

    Incidents are gaps that open one whatever anybody answers, and the share of the other checks
    that nobody answers. Absences count among them: somebody has to find out.
    """
    if not side.home_days or not staff.shifts_a_day:
        return Load()
    scale = homes / side.home_days
    absences = [one for one in side.alarms if one.sort == "absence"]
    checks = side.asked * scale
    incidents = _opened(side.alarms, answers) * scale
    away = _opened(absences, answers) * scale
    return Load(
        checks_a_day=checks,
        incidents_a_day=incidents,
        absences_a_day=away,
        checks_a_shift=checks / staff.shifts_a_day,
        incidents_a_shift=incidents / staff.shifts_a_day,
        absences_a_shift=away / staff.shifts_a_day,
    )


def _opened(alarms: Sequence[Alarm], answers: Answers) -> float:
    """How many of these become incidents, as far as can be expected."""
    opened = sum(1 for one in alarms if one.opened)
    only_asked = sum(1 for one in alarms if one.checked and not one.opened)
    return opened + answers.share * only_asked


def staff_of(
    spans: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime
) -> Staff | None:
    """Officer-shifts a day from hours that people were on call.

    None when nobody was, and while shifts are kept for less than two days: that says nothing yet.
    """
    spans = list(spans)
    if until - min((begin for begin, _ in spans), default=until) < KNOWN_FROM:
        return None
    hours = sum(
        max((min(end, until) - max(begin, since)).total_seconds(), 0.0) / 3600
        for begin, end in spans
    )
    if not hours:
        return None
    days = (until - since).total_seconds() / 86_400
    return Staff(shifts_a_day=hours / SHIFT_HOURS / days, source="shifts")


def answers_of(results: Mapping[str, int]) -> Answers:
    """From results of real checks, by how many there were of each."""
    said = {name: n for name, n in results.items() if name not in ("overtaken", "withdrawn")}
    total = sum(said.values())
    if total < ENOUGH_CHECKS:
        return Answers(of=total)
    escalated = sum(said.get(name, 0) for name in ("unanswered", "help", "nobody_to_ask"))
    return Answers(share=escalated / total, of=total)


def quieter_than(rules: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The preset to try where these rules ask too much of the staff."""
    return QUIETER.get(rules.get("no_water_use", {}).get("preset", ""))
