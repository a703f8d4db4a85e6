"""Up at night and not back in bed."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alerting.detectors.hours import is_night
from alerting.detectors.view import (
    MAX_SECONDS,
    DeviceView,
    Seconds,
    iso,
    late_s,
    moment,
    parameter,
    seconds,
)
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import DeviceEvent

KINDS = ("out_of_bed", "in_bed")
RULE = "out_of_bed"
DEFAULT_MINUTES = 30
TOO_OLD_S = 2 * 3600
MISSED_RETURN_S = 12 * 3600
"""Told again that nobody lies there after so long: somebody did in between, and it was missed."""


class Bed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Whether somebody lies there, and since when."""

    at: Seconds = 0  # when it last changed
    out: int = 0  # 1: out of bed
    told: int = 0  # 1: out for too long, and found
    judge_at: Seconds = 0  # when `tick` is wanted; 0: not wanted


def on_event(
    part: Bed | None, event: DeviceEvent, at: datetime, device: DeviceView, now: datetime
) -> tuple[Bed | None, tuple[Finding, ...]]:
    """Somebody got up, or lay down again. Getting up by day is nobody's business.

    A sensor that re-states its level keeps its first time; what is older than the last change
    changes nothing.
    """
    if device.role != "bed_sensor" or event.retained:
        return part, ()
    bed, at_s, now_s = part or Bed(), min(seconds(at), seconds(now)), seconds(now)
    if at_s < bed.at:
        return part, ()
    if event.kind == "in_bed":
        lies = Bed(at_s) if bed.out or not bed.at else bed
        if not bed.told:
            return lies, ()
        facts = {"since": iso(bed.at), "minutes": (at_s - bed.at) // 60}
        return lies, (_finding(Sign.CLEARED, "back in bed", facts, at_s, now_s),)
    if bed.out and at_s - bed.at < MISSED_RETURN_S:
        return part, ()
    is_watched = parameter(device, RULE, "enabled") is not False and is_night(at_s, device, RULE)
    due = min(at_s + minutes_of(device) * 60, MAX_SECONDS) if is_watched else 0
    return Bed(at_s, 1, 0, due), ()


def tick(part: Bed, device: DeviceView, now: int) -> tuple[Bed, tuple[Finding, ...]]:
    """Out for too long, if the time came while it was still night. Heard of at most 2 h late:
    after that it is morning, and everybody is up."""
    due = part.judge_at
    if not due or now < due:
        return part, ()
    waits = msgspec.structs.replace(part, judge_at=0)
    if now - due > TOO_OLD_S or not is_night(due, device, RULE):
        return waits, ()
    facts = {"since": iso(part.at), "minutes": (due - part.at) // 60}
    found = _finding(Sign.ROSE, "out of bed for long at night", facts, due, now)
    return msgspec.structs.replace(waits, told=1), (found,)


def due(part: Bed | None) -> datetime | None:
    """When `tick` is wanted."""
    return moment(part.judge_at) if part is not None and part.judge_at else None


def rearm(part: Bed) -> Bed:
    """Forget that it was told: the next night's first rising counts anew."""
    return msgspec.structs.replace(part, told=0)


def minutes_of(device: DeviceView) -> int:
    """Minutes out of bed that are too many (`out_of_bed.minutes`)."""
    chosen = parameter(device, RULE, "minutes")
    return chosen if type(chosen) is int and 0 < chosen <= 24 * 60 else DEFAULT_MINUTES


def _finding(sign: Sign, reason: str, facts: dict[str, object], at: int, now: int) -> Finding:
    return Finding(
        kind="out_of_bed",
        severity=SEVERITY_OF_KIND["out_of_bed"],
        sign=sign,
        at=moment(at),
        reason=reason,
        facts=facts,
        late_s=late_s(at, now),
    )
