"""What a meter and its rule can achieve: the longest that a home lies unnoticed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from alerting.detectors import adaptive, meter
from alerting.detectors.habit import YOUNG_DAYS, Habit
from alerting.detectors.meter import Grade, Meter
from alerting.detectors.view import DeviceView
from alerting.detectors.water import levels_of, steps_of
from alerting.vigilance import UNABLE_GRADES


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """`delay_s`: from the last use to the alarm at the latest, by a rule that has learnt; None:
    no rule watches."""

    grade: Grade
    delay_s: int | None
    is_unfit: bool = False


def reach_of(readings: Iterable[tuple[datetime, float]], device: DeviceView) -> Reach:
    """What this device's rule can achieve on readings (m³) like these, by rising time."""
    known = Meter()
    for (before_at, before), (at, value) in pairwise(readings):
        moved = max(round((value - before) * 10_000), 0)
        known = meter.note(known, round((at - before_at).total_seconds()), moved)
    grade = meter.grade(known)
    if steps_of(device) is not None:
        habit = Habit(days=YOUNG_DAYS, meter=known)
        unfit = grade in UNABLE_GRADES
        return Reach(grade=grade, delay_s=adaptive.delay_s(habit), is_unfit=unfit)
    levels = levels_of(device)
    return Reach(grade=grade, delay_s=levels[0].window_s + known.every_s if levels else None)
