"""What people found out about a device's findings, told to its detectors. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from alerting.detectors import bed, fence, power, said, supply, vitals
from alerting.detectors.view import seconds
from alerting.device_state import (
    BED,
    FENCE,
    POWER,
    VITALS,
    WATER,
    DeviceState,
    judged_of,
    parts_of,
)

_FORGOTTEN: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    (VITALS, "vitals", vitals.rearm),
    (BED, "out_of_bed", bed.rearm),
    (FENCE, "left_home", fence.rearm),
)


def rearm(state: DeviceState, kind: str, at: datetime) -> DeviceState:
    """A welfare case of `kind` was closed at `at` without proof of life.

    No use is found again 6 h later, after each further closure of the same gap 12 h later, as
    long as the gap still runs; what else a person may be in need by is found again if it holds.
    """
    parts = parts_of(state)
    if state.water is not None:
        parts[WATER] = said.rearm(state.water, kind, seconds(at))
    if state.power is not None:
        parts[POWER] = power.rearm(state.power, kind, seconds(at))
    return _forgotten(state, parts, kind)


def forget(state: DeviceState, kind: str) -> DeviceState:
    """As if `kind` had never been found: what still holds is found at the next word.

    For trying rules out; a case that people closed calls `rearm` or `seen`.
    """
    parts = parts_of(state)
    if state.water is not None:
        parts[WATER] = said.forget(state.water, kind)
    if state.power is not None:
        parts[POWER] = power.forget(state.power, kind)
    return _forgotten(state, parts, kind)


def seen(state: DeviceState, kind: str, at: datetime) -> DeviceState:
    """Proof of life at `at`: a gap that `kind` was found in counts anew, and teaches nothing."""
    parts = parts_of(state)
    if state.water is not None:
        parts[WATER] = said.seen(state.water, kind, seconds(at))
    if state.power is not None:
        parts[POWER] = power.seen(state.power, kind, seconds(at))
    return judged_of(state, parts, ()).state


def answered(state: DeviceState, kind: str, *, was_false: bool) -> DeviceState:
    """Tell the detector what came of its findings of `kind`, once people know.

    `was_false`: the elder was there and well. A true alarm and a home where nobody was both pass
    False: neither must teach the rule to wait longer. Each finding counts once.
    """
    if state.water is None:
        return state
    part = said.answered(state.water, kind, was_false=was_false)
    return state if part is state.water else replace(state, water=part)


def another_register(state: DeviceState) -> DeviceState:
    """The meter was swapped or replaced: what was learnt of the home stays, and lasting alarms."""
    water = said.another_register(state.water) if state.water is not None else None
    power = supply.another_counter(state.power) if state.power is not None else None
    return DeviceState(
        levels=state.levels,
        person=state.person,
        water=water,
        power=power,
        rebuilt=state.rebuilt,  # what could not be read is still to be made anew
    )


def _forgotten(state: DeviceState, parts: dict[str, Any], kind: str) -> DeviceState:
    for name, of_kind, forget_it in _FORGOTTEN:
        if kind == of_kind and parts.get(name) is not None:
            parts[name] = forget_it(parts[name])
    return judged_of(state, parts, ()).state
