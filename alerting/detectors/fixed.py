"""The cities' rules: less than so many litres within so many hours."""

from __future__ import annotations

from typing import Any, NamedTuple

from alerting.detectors import stairs as stairs_
from alerting.detectors.stairs import Stairs
from alerting.detectors.view import iso


class Level(NamedTuple):
    """Less than `threshold_dl` (tenths of a litre) within `window_s`."""

    window_s: int
    threshold_dl: int


PRESETS: dict[str, tuple[Level, ...]] = {
    "fixed-12h-10l": (Level(12 * 3600, 100),),  # Shanghai
    "fixed-24h-10l": (Level(24 * 3600, 100),),  # Taicang
    "fixed-12h-24h-10l": (Level(12 * 3600, 100), Level(24 * 3600, 100)),
    "off": (),
}
"""Fixed rules as data, levels by rising window; none beyond `stairs.KEEP_S` and `KEEP_MOVED`."""

DEFAULT_PRESET = "fixed-12h-24h-10l"


def reached_level(
    levels: tuple[Level, ...], stairs: Stairs, at: int, level: int, may_open: bool
) -> tuple[int, int]:
    """The level of the gap now, and the movement (tenths of a litre) in the window that says so.

    A level, once found, stays until the shortest window holds its threshold again: use that small
    does not end the gap, and every level is found once a gap.
    """
    resumed = not levels  # switched off: forgotten, and nothing to say about it
    reached = reached_moved = 0
    for number, (window_s, threshold_dl) in enumerate(levels, 1):
        moved = stairs_.moved_within(stairs, at, window_s)
        if moved is None:
            break  # nor is any reading old enough for a longer window
        if moved >= threshold_dl:
            if number == 1:
                resumed, reached_moved = True, moved
            break  # a longer window holds as much, and no preset asks more of it
        reached, reached_moved = number, moved
    if reached > level and may_open:
        return reached, reached_moved
    if resumed and not reached:
        return 0, reached_moved
    return level, reached_moved


def no_use_facts(
    levels: tuple[Level, ...], level: int, stairs: Stairs, moved: int, at: int
) -> tuple[str, dict[str, Any]]:
    """Reason and figures of the level that was reached at `at`."""
    window_s, threshold_dl = levels[level - 1]
    idle_s = at - stairs.rose_at
    return f"less than {threshold_dl / 10:g} L in {window_s // 3600} h", {
        "level": level,
        "since": iso(stairs.rose_at),  # last use, or the first reading
        "since_known": bool(stairs.moved),  # False: no use was ever seen on this register
        "idle_s": idle_s,
        "hours": round(idle_s / 3600, 4),
        "window_h": window_s // 3600,
        "used_l": moved / 10,
        "threshold_l": threshold_dl / 10,
    }
