"""What people said about what a water meter's detectors had found."""

from __future__ import annotations

from msgspec.structs import replace

from alerting.detectors import habit as habit_
from alerting.detectors import leak as leak_
from alerting.detectors.stairs import Stairs
from alerting.detectors.view import MAX_SECONDS
from alerting.detectors.water_memory import Water

FIRST_AGAIN_S = 6 * 3600
THEN_AGAIN_S = 12 * 3600
"""A gap that was closed without proof of life is found again so long after, first and later."""


def rearm(part: Water, kind: str, at: int) -> Water:
    """A case of `kind` was closed at `at`, and nobody saw or spoke with the elder.

    No use is found again once its time has come, while its gap still runs; a leak after another
    day without a calm hour; an open tap, which may be a collapse, at once.
    """
    if kind == "no_water_use" and part.level:
        wait_s = THEN_AGAIN_S if part.rearmed else FIRST_AGAIN_S
        return replace(part, rearm_at=min(at + wait_s, MAX_SECONDS))
    if kind == "leak":
        leak = leak_.again(part.leak)
        return part if leak is part.leak else replace(part, leak=leak)
    return forget(part, kind) if kind == "tap_left_on" else part


def another_register(part: Water) -> Water:
    """The meter was swapped: how the home lives is known, and nothing of the new register."""
    return Water(habit=habit_.kept(part.habit) if part.habit is not None else None)


def forget(part: Water, kind: str) -> Water:
    """As if `kind` had never been found: the next reading finds it if it holds."""
    if kind == "no_water_use":
        return replace(part, level=0, rearm_at=0, rearmed=0)
    if kind == "tap_left_on":
        return replace(part, tap=replace(part.tap, on=0))
    if kind == "leak":
        return replace(part, leak=replace(part.leak, on=0))
    return part


def seen(part: Water, kind: str, at: int) -> Water:
    """Somebody saw or spoke with the elder at `at`: the gap counts anew from there.

    Nothing is learnt from a gap that began with a word, and days and margins stay as they are.
    """
    if kind != "no_water_use" or not part.line.at:
        return part
    stairs, habit, is_news = part.stairs, part.habit, False
    if habit is not None:
        habit = habit_.said(habit, at)
        is_news = habit is not part.habit
    elif at > stairs.rose_at:
        stairs, is_news = Stairs(at), True
    seen_at = part.seen_at or (at if is_news else 0)
    return replace(
        part,
        stairs=stairs,
        habit=habit,
        level=0,
        rearm_at=0,
        rearmed=0,
        seen_at=seen_at,
        was_at=0 if is_news else part.was_at,
    )


def answered(part: Water, kind: str, *, was_false: bool) -> Water:
    """What people found out about a finding of `kind`: only the adaptive rule learns from it."""
    if kind != "no_water_use" or part.habit is None:
        return part
    habit = habit_.answered(part.habit, was_false=was_false)
    return part if habit is part.habit else replace(part, habit=habit)
