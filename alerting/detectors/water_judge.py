"""What a trusted reading of a water meter shows: every rule in turn."""

from __future__ import annotations

from typing import Any

import msgspec

from alerting.detectors import adaptive
from alerting.detectors import leak as leak_
from alerting.detectors import machine as machine_
from alerting.detectors import tap as tap_
from alerting.detectors.adaptive import Step
from alerting.detectors.fixed import DEFAULT_PRESET, PRESETS, Level
from alerting.detectors.found import finding
from alerting.detectors.habit import FLOOR_S, SAID
from alerting.detectors.machine import Machine
from alerting.detectors.stillness import Judged, little_use, stillness
from alerting.detectors.view import MAX_SECONDS, DeviceView, iso
from alerting.detectors.water_memory import USES_MOST, Water, is_doubtful
from alerting.finding import Finding, Sign

TOO_OLD_S = 2 * 3600
"""A reading older than this updates the state and opens nothing."""

CATCH_UP_S = 60
"""After such a reading, `tick` is asked for this much later: it judges the present, once."""

ASSESSABLE_AGAIN_S = 48 * 3600
"""So long without a doubtful reading clears `cannot_assess`: longer than a day, so that a register
which is reset every midnight is one finding and not one a day."""

STUCK_S = 24 * 3600
"""A register that has stood still for so long since somebody saw the elder well, and through
every word of that kind since, does not count: longer for steps of 10 L and of 100 L."""

_STEPS = adaptive.PRESETS
_DEFAULT_LEVELS = PRESETS[DEFAULT_PRESET]


def levels_of(device: DeviceView) -> tuple[Level, ...]:
    """The fixed rule set for this device (`no_water_use.preset`); the default for unknown names."""
    try:
        return PRESETS.get(device.rules["no_water_use"]["preset"], _DEFAULT_LEVELS)
    except (KeyError, TypeError):
        return _DEFAULT_LEVELS


def steps_of(device: DeviceView) -> tuple[Step, ...] | None:
    """The adaptive rule set for this device; None while a fixed rule is."""
    try:
        return _STEPS.get(device.rules["no_water_use"]["preset"])
    except (KeyError, TypeError):  # none is set, or what is set is no rule
        return None


def judge(
    before: Water,
    water: Water,
    steps: tuple[Step, ...] | None,
    device: DeviceView,
    now: int,
    *,
    ticking: bool = False,
) -> tuple[Water, tuple[Finding, ...]]:
    """The state after a trusted reading, and what it shows. `before`: as it was without it."""
    at = water.line.at
    may_open = ticking or now - at <= TOO_OLD_S
    can_find = may_open and not device.resting
    findings: list[Finding] = []
    was, habit = before.habit, water.habit
    lately = habit is not None and at - habit.used_at <= FLOOR_S and not water.level
    if not lately or was is None or was.flags & SAID or before.seen_at:
        water = _gap(before, water, steps, device, now, can_find, findings)
    if water.tap.run_s or before.tap.on:
        water = _tap(before, water, device, now, can_find, findings)
    leak, last = water.leak, before.leak
    if ticking or leak is not last:
        is_cut = leak.blocks is not last.blocks and leak_.is_much(leak)
        if is_cut or leak.on or last.on or leak.run_s >= leak_.LONG_ENOUGH_S:
            water = _leak(before, water, device, now, can_find, findings)
    machine = water.machine
    if machine.on or (machine.count >= machine_.USES and machine is not before.machine):
        water = _machine(water, now, may_open, findings)
    if water.seen_at or before.stuck or water.doubted_at:
        water = _doubts(before, water, now, can_find, findings)
    judge_at = 0 if may_open else water.judge_at or min(now + CATCH_UP_S, MAX_SECONDS)
    if judge_at != water.judge_at:
        water = msgspec.structs.replace(water, judge_at=judge_at)
    return water, tuple(findings) if findings else ()


def _gap(
    before: Water,
    water: Water,
    steps: tuple[Step, ...] | None,
    device: DeviceView,
    now: int,
    can_find: bool,
    findings: list[Finding],
) -> Water:
    """No water use, by whichever rule is set. A meter that cannot tell ends gaps and finds none."""
    at, level, habit, rearm_at = water.line.at, water.level, water.habit, water.rearm_at
    can_find = can_find and not (water.machine.on or water.stuck)
    again = water.rearmed + 1 if can_find and level and 0 < rearm_at <= at else 0
    said = before.seen_at or (before.habit is not None and before.habit.flags & SAID)
    what = Judged(at, now, level, can_find, again, bool(said))
    found: Finding | None = None
    if habit is not None and steps is not None:
        used_before = before.habit.used_at if before.habit is not None else at
        level, habit, found = stillness(what, steps, habit, device.zone, used_before=used_before)
    elif level or can_find or what.said:
        levels = levels_of(device)
        has_moved = water.line.value != before.line.value
        level, found = little_use(what, levels, water.stairs, moved=has_moved)
    if found is None:
        if level == water.level:
            return water
        return msgspec.structs.replace(water, level=level, rearm_at=0, rearmed=0)
    findings.append(found)
    rearmed = min(again or water.rearmed, USES_MOST) if level else 0
    return msgspec.structs.replace(water, level=level, habit=habit, rearm_at=0, rearmed=rearmed)


def _tap(
    before: Water,
    water: Water,
    device: DeviceView,
    now: int,
    can_find: bool,
    findings: list[Finding],
) -> Water:
    at, tap = water.line.at, water.tap
    if before.tap.on and not tap.on:
        findings.append(finding("tap_left_on", Sign.CLEARED, "the flow dropped", {}, at, now))
    elif can_find and not tap.on and tap_.left_on(tap) and tap_.is_wanted(device):
        reason = "120 L an hour or more for 3 h"
        facts = tap_.facts(tap) | {"last_reading_at": iso(at)}
        findings.append(finding("tap_left_on", Sign.ROSE, reason, facts, at, now))
        return msgspec.structs.replace(water, tap=msgspec.structs.replace(tap, on=1))
    return water


def _leak(
    before: Water,
    water: Water,
    device: DeviceView,
    now: int,
    can_find: bool,
    findings: list[Finding],
) -> Water:
    """Hours that are never calm, and too much in a day: one kind, so it ends when both have."""
    at, leak, on = water.line.at, water.leak, water.leak.on
    told: list[tuple[str, dict[str, Any]]] = []
    if leak.blocks is not before.leak.blocks:
        limit_dl = leak_.most_dl(device)
        if not leak_.is_flood(leak, limit_dl):
            on &= ~leak_.FLOODS
        elif can_find and not on & leak_.FLOODS and leak_.is_wanted(device):
            on |= leak_.FLOODS
            told.append(("more than a home uses in a day", leak_.flood_facts(leak, limit_dl)))
    is_due = not on & leak_.FLOWS or on & leak_.AGAIN
    is_due = can_find and is_due and leak_.never_calm(leak, water.machine.step_dl)
    if is_due and leak_.is_wanted(device):
        facts = leak_.facts(leak, water.tap.mark_at)
        if on & leak_.AGAIN:
            facts["again"] = 1
        told.append(("every hour of a day at least a litre", facts))
        on = (on | leak_.FLOWS) & ~leak_.AGAIN
    for number, (reason, facts) in enumerate(told):
        sign = Sign.WORSE if (before.leak.on or number) and "again" not in facts else Sign.ROSE
        facts["last_reading_at"] = iso(at)
        findings.append(finding("leak", sign, reason, facts, at, now))
    if before.leak.on and not on:
        findings.append(finding("leak", Sign.CLEARED, "an hour was calm", {}, at, now))
    if on == leak.on:
        return water
    return msgspec.structs.replace(water, leak=msgspec.structs.replace(leak, on=on))


def _machine(water: Water, now: int, may_open: bool, findings: list[Finding]) -> Water:
    """Use that no person makes: while it goes on, it is no sign of life and its end no alarm."""
    at, machine = water.line.at, water.machine
    if machine.on:
        if not machine_.is_over(machine, at):
            return water
        rest = msgspec.structs.replace(water, machine=Machine(step_dl=machine.step_dl))
        if not is_doubtful(rest):
            reason = "people use water again"
            findings.append(finding("cannot_assess", Sign.CLEARED, reason, {}, at, now))
        return rest
    if not may_open or not machine_.is_row(machine):
        return water
    reason, facts = "equal uses at equal intervals", machine_.facts(machine)
    facts["last_reading_at"] = iso(at)
    findings.append(finding("cannot_assess", Sign.ROSE, reason, facts, at, now))
    return msgspec.structs.replace(water, machine=machine_.found(machine))


def _doubts(
    before: Water, water: Water, now: int, can_find: bool, findings: list[Finding]
) -> Water:
    """A register that does not count, and the end of every doubt about it."""
    at, doubted_at, stuck = water.line.at, water.doubted_at, water.stuck
    if doubted_at and at - doubted_at >= ASSESSABLE_AGAIN_S:
        doubted_at = 0
    due = water.seen_at and not stuck and not water.level
    if can_find and due and at - water.seen_at >= _stuck_s(water.machine.step_dl):
        stuck, reason = 1, "stood still though the elder was seen"
        facts = {
            "reason": "register_stuck",
            "since": iso(water.seen_at),
            "register_m3": water.line.value / 10_000,
            "last_reading_at": iso(at),
        }
        findings.append(finding("cannot_assess", Sign.ROSE, reason, facts, at, now))
    if (doubted_at, stuck) != (water.doubted_at, water.stuck):
        water = msgspec.structs.replace(water, doubted_at=doubted_at, stuck=stuck)
    if (before.doubted_at or before.stuck) and not is_doubtful(water):
        reason = "readings are plausible again"
        findings.append(finding("cannot_assess", Sign.CLEARED, reason, {}, at, now))
    return water


def _stuck_s(step_dl: int) -> int:
    if step_dl >= 1000:
        return 4 * STUCK_S
    return 2 * STUCK_S if step_dl >= leak_.COARSE_STEP_DL else STUCK_S
