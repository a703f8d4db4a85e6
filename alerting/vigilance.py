"""Can a device notice that something is wrong with somebody, and how late at most? Pure.

That a device speaks is not enough: a meter whose rule is switched off tells nobody of a home gone
quiet, however well it works. This is the one place that says so, with the reason to be shown.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from alerting.detect import DeviceState, can_assess
from alerting.detectors import adaptive, power, supply
from alerting.detectors.meter import Grade, grade
from alerting.detectors.view import DeviceView, parameter
from alerting.detectors.water import levels_of, steps_of

UNABLE_GRADES = frozenset({Grade.COARSE, Grade.BLIND, Grade.DARK})
"""Meters for which the adaptive rule is little more than a fixed one of a day."""

BED_RULE = "out_of_bed"


class Unable(StrEnum):
    """Why a device notices nothing, although it speaks."""

    RULE_OFF = "rule_off"  # of a home gone quiet; the default of electricity
    CANNOT_ASSESS = "cannot_assess"  # its register stopped, errs, or moves like a machine's
    COARSE_STEPS = "coarse_steps"  # electricity: hides a kettle
    TOO_RARE = "too_rare"  # electricity: reported too rarely to show one
    LEARNING = "learning"  # electricity: its base load is not known yet
    NO_BASE_LOAD = "no_base_load"  # electricity: a rest looks like a cut


class Vigilance(msgspec.Struct, frozen=True):
    """What a device is good for. `unable` None: it notices; `at_most_s` then is how long a home
    may lie quiet before it tells (0: nobody can say, or it tells at once)."""

    unable: Unable | None = None
    since: int = 0  # of CANNOT_ASSESS: seconds since 1970 of what could last be trusted; 0: unknown
    at_most_s: int = 0
    grade: Grade | None = None  # of a water meter under a rule of the home's own

    @property
    def is_slow(self) -> bool:
        """A blind meter watches, only slowly: a day or later."""
        return self.grade in UNABLE_GRADES


NOTICES = Vigilance()


def vigilance(state: DeviceState, device: DeviceView) -> Vigilance:
    """What `device` notices under the rules in force for it, inherited ones among them.

    Whether it is heard at all is not asked here, nor whether anybody is at home.
    """
    match device.role:
        case "water_meter":
            return _of_water(state, device)
        case "electricity_meter":
            return _of_electricity(state, device)
        case "bed_sensor" if parameter(device, BED_RULE, "enabled") is False:
            return Vigilance(Unable.RULE_OFF)
    return NOTICES


def is_switched_off(device: DeviceView) -> bool:
    """Whether no rule watches for a water meter's home gone quiet."""
    return steps_of(device) is None and not levels_of(device)


def _of_water(state: DeviceState, device: DeviceView) -> Vigilance:
    if is_switched_off(device):
        return Vigilance(Unable.RULE_OFF)
    if not can_assess(state):
        return Vigilance(Unable.CANNOT_ASSESS, _register_at(state))
    steps, habit = steps_of(device), state.water.habit if state.water is not None else None
    if steps is None:
        return Vigilance(at_most_s=max(level.window_s for level in levels_of(device)))
    if habit is None:
        return NOTICES
    return Vigilance(at_most_s=adaptive.delay_s(habit, steps), grade=grade(habit.meter))


def _of_electricity(state: DeviceState, device: DeviceView) -> Vigilance:
    limit_s, part = power.limit_s(device), state.power
    if not limit_s:
        return Vigilance(Unable.RULE_OFF)
    if not can_assess(state):
        return Vigilance(Unable.CANNOT_ASSESS, _register_at(state))
    if part is None:
        return Vigilance(Unable.LEARNING)
    if part.blind:  # found: it has stood still for long
        return Vigilance(Unable.CANNOT_ASSESS, part.still_from)
    doubt = supply.doubt(part, device.role)
    if doubt in _DOUBTS:
        return Vigilance(_DOUBTS[doubt])
    return Vigilance(at_most_s=limit_s + part.meter.every_s)


_DOUBTS = {
    one.value: one
    for one in (Unable.COARSE_STEPS, Unable.TOO_RARE, Unable.LEARNING, Unable.NO_BASE_LOAD)
}


def _register_at(state: DeviceState) -> int:
    return state.register.at if state.register is not None else 0
