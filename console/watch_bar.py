"""The bar of one home: how much of the time to its limits has passed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.watchlist.standing import Standing

WIDTH, HEIGHT = 240, 22  # px of the drawing
LAST = 200  # px at which the last limit stands
HEAD = 6  # px of a mark above the bar


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a level's limit is drawn."""

    x: float
    opens: str  # check or incident


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """Everything the template draws; lengths in px."""

    filled: float
    places: tuple[Place, ...]
    width: int = WIDTH
    height: int = HEIGHT
    head: int = HEAD


def bar_of(standing: Standing, now: int) -> Bar | None:
    """The bar at `now` (seconds since 1970); None while no limit runs."""
    if not standing.marks:
        return None
    begun, last = standing.begun, max(mark.at for mark in standing.marks)
    whole = max(last - begun, 1)

    def x(at: int) -> float:
        return min(max((at - begun) / whole, 0.0) * LAST, float(WIDTH))

    places = (Place(x=x(mark.at), opens=mark.opens) for mark in standing.marks)
    return Bar(filled=x(now), places=tuple(places))
