"""Which press an installation test waits for, and whether this one is it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from devices.event import LEVEL_KINDS

WINDOW = timedelta(minutes=15)
"""No window is longer (architecture: mode): who leaves the ladder and forgets it hides nothing."""

LEVEL_ENDS_WITHIN = timedelta(minutes=2)
"""How long a level that was the test's press may stay on and still be the test.

A test button, smoke from a can or a wet cloth let a detector alarm for a minute or so after the
hand is gone; some bridges tell of the end only with the detector's next message. A fire doubles
in about two minutes, so whoever waits longer waits too long: what is still on then is an alarm.
"""

READING = "reading"
"""What a meter is tested by: it has no button, but its next reading proves the way."""

TESTED_BY: dict[str, tuple[str, ...]] = {
    "sos_button": ("sos",),
    "fall_detector": ("fall",),
    "smoke_detector": ("smoke", "heat"),
    "gas_detector": ("gas",),
    "leak_sensor": ("leak",),
    "door_contact": ("door_open",),
    "motion_sensor": ("motion",),
    "bed_sensor": ("out_of_bed",),
    "watch": ("sos", "fall"),
    "call_terminal": ("sos",),
    "locator": ("location", "sos"),
    "water_meter": (READING,),
    "electricity_meter": (READING,),
    "plug": (READING,),
    "health_monitor": (READING,),
}
"""Role → what it can be tested by, the usual one first. A role that is missing cannot be pressed;
somebody puts it in service by hand."""

_ALSO = {"smoke": ("test",), "heat": ("test",), "gas": ("test",), READING: ("vitals",)}
"""A test button says `test` on some devices and the alarm itself on others; a health monitor may
tell what it measured as an event."""

_REGISTERS: dict[str, frozenset[str]] = {
    "water_meter": frozenset({"water_total", "water_flow"}),
    "electricity_meter": frozenset({"energy_total", "power"}),
    "plug": frozenset({"energy_total", "power"}),
    "health_monitor": frozenset({"heart_rate", "spo2", "systolic", "diastolic", "temperature"}),
}


class Result(StrEnum):
    """What became of a window; only `passed` puts a device in service."""

    WAITING = "waiting"
    PASSED = "passed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Verdict(StrEnum):
    """Whether a press is the one that is waited for, and if not, why it is an actual alarm."""

    PASSED = "passed"
    OTHER_KIND = "other_kind"
    RETAINED = "retained"  # the broker had kept it: nobody pressed now
    BEFORE = "before"  # dated, or received, before the window opened
    AFTER = "after"  # the window had closed
    ALREADY_ON = "already_on"  # the level was on before: no press, only said again


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """One person waits for one kind from one device."""

    kind: str
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """Something the window's own device said."""

    kind: str  # of the event, or READING
    received_at: datetime
    at: datetime | None = None  # by the device's own clock, right or wrong; None: it did not say
    retained: bool = False  # or kept for us while we were away
    was_on: bool = False  # a level that the detector had reported before


def kinds_for(role: str) -> tuple[str, ...]:
    """What a device of this role can be tested by, the usual one first; () for none."""
    return TESTED_BY.get(role, ())


def accepted(kind: str) -> frozenset[str]:
    """The events that a window of this kind takes for the press."""
    return frozenset({kind, *_ALSO.get(kind, ())})


def proves_reading(role: str, register: str) -> bool:
    """Whether a register is what a device of this role is there for; its battery is not."""
    return register in _REGISTERS.get(role, frozenset())


def judge_press(window: Window, press: Press) -> Verdict:
    """Is it the press? Whatever is doubtful is not: then it is handled as an actual alarm.

    A device whose clock lags dates its press before the window and so does not pass: what was
    pressed before the tester was ready may have been the elder, and must ring. Many devices date
    to the whole second, so the second in which the window opened counts as within it.
    """
    if press.kind not in accepted(window.kind):
        return Verdict.OTHER_KIND
    if press.retained:
        return Verdict.RETAINED
    dated_before = press.at is not None and press.at < window.opened_at.replace(microsecond=0)
    if dated_before or press.received_at < window.opened_at:
        return Verdict.BEFORE
    if press.received_at >= window.expires_at:
        return Verdict.AFTER
    return Verdict.ALREADY_ON if press.was_on else Verdict.PASSED


def level_of(kind: str, *, told_as_level: bool) -> str | None:
    """The lasting state that a press has begun, which must end again; None for a mere press."""
    return kind if kind in LEVEL_KINDS or told_as_level else None


def result_now(result: str, expires_at: datetime, now: datetime) -> str:
    """A window that has run out is over, also before the sweep has written so."""
    expired = result == Result.WAITING and now >= expires_at
    return Result.EXPIRED if expired else result
