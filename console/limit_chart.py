"""A home's own limit through its day, as a small picture: what was seen, and when it asks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerting.detectors.adaptive import Step, limit_of
from alerting.detectors.fixed import Level
from alerting.detectors.habit import HOUR_S, HOURS, UNIT_S, Habit
from alerting.detectors.limit import around
from alerting.detectors.zone import local_s

LEFT, TOP, WIDTH, HEIGHT, FOOT = 40, 12, 480, 150, 26  # px of the drawing
LINES_H = (6, 12, 18, 24, 36)
"""Hours at which a line is drawn, as far as the picture reaches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """The longest stillness that was seen at an hour of the day."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A limit from midnight to midnight, as a path, and what happens there."""

    opens: str  # check or incident
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitChart:
    """Everything the template draws; lengths in px."""

    columns: tuple[Column, ...]
    curves: tuple[Curve, ...]
    lines: tuple[Text, ...]  # y of a line, and the hours it stands for
    hours: tuple[Text, ...]
    now_x: float  # where in the day it is now
    then_s: int = 0  # the longest stillness that began at the hour of the last use; 0: unknown
    width: int = LEFT + WIDTH + 8
    height: int = TOP + HEIGHT + FOOT
    left: int = LEFT
    top: int = TOP
    bottom: int = TOP + HEIGHT


def draw_habit(habit: Habit, steps: tuple[Step, ...], now: int, zone: str) -> LimitChart:
    """Of a home with a rule of its own: limits as they are for the gap that runs now."""
    midnight = now - local_s(zone, now) % (24 * HOUR_S)
    limits = [
        [
            limit_of(habit, steps, number, midnight + hour * HOUR_S, zone).limit_s
            for hour in range(HOURS)
        ]
        for number in range(1, len(steps) + 1)
    ]
    seen = [value * UNIT_S for value in habit.cells[:HOURS]]
    drawn = _draw(seen, limits, [step.opens for step in steps], now - midnight)
    then = local_s(zone, habit.used_at) // HOUR_S % HOURS
    return replace(drawn, then_s=around(habit.cells, HOURS, then) * UNIT_S)


def draw_fixed(levels: tuple[Level, ...], now: int, zone: str) -> LimitChart:
    """Of a city's rule: the same at every hour."""
    limits = [[level.window_s] * HOURS for level in levels]
    seconds = local_s(zone, now) % (24 * HOUR_S)
    return _draw([], limits, ["incident"] * len(levels), seconds)


def _draw(
    seen: Sequence[int], limits: Sequence[Sequence[int]], opens: Sequence[str], second: int
) -> LimitChart:
    most = max([*seen, *(limit for curve in limits for limit in curve), 12 * HOUR_S])
    whole_s = most + HOUR_S
    step = WIDTH / HOURS

    def y(seconds: float) -> float:
        return TOP + HEIGHT * (1 - seconds / whole_s)

    return LimitChart(
        columns=tuple(
            Column(
                x=LEFT + hour * step + 1,
                y=y(value),
                width=step - 2,
                height=TOP + HEIGHT - y(value),
            )
            for hour, value in enumerate(seen)
            if value
        ),
        curves=tuple(
            Curve(opens=what, path=_path([y(limit) for limit in curve], step))
            for what, curve in zip(opens, limits, strict=True)
        ),
        lines=tuple(
            Text(x=LEFT - 6, y=y(hours * HOUR_S), text=str(hours))
            for hours in LINES_H
            if hours * HOUR_S < whole_s
        ),
        hours=tuple(
            Text(x=LEFT + hour * step, y=TOP + HEIGHT + 20, text=f"{hour:02d}")
            for hour in (0, 6, 12, 18, 24)
        ),
        now_x=LEFT + WIDTH * second / (24 * HOUR_S),
    )


def _path(heights: Sequence[float], step: float) -> str:
    """A line in steps, an hour each."""
    parts = [f"M{LEFT} {heights[0]:.1f}"]
    for hour, height in enumerate(heights):
        parts.append(f"V{height:.1f}H{LEFT + (hour + 1) * step:.1f}")
    return "".join(parts)
