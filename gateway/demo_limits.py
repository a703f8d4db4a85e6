"""When the demo's homes must last have used water, so that their own limit comes when it should.

A home's limit is its own, and follows the hour of the day: the very rule that will judge the demo
is asked beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from alerting.detect import DeviceState, DeviceView, judge
from alerting.detectors.view import seconds
from alerting.watchlist.standing import stand
from devices.event import Reading
from simulators.messages import DEVICE_ZONE
from simulators.meters import HISTORY_DAYS, Meters
from simulators.scenario import Before, Scenario
from simulators.town import DemoHome, Town

LATEST, EARLIEST = timedelta(hours=1), timedelta(hours=15)
"""Before the demo begins; no limit of an adaptive rule is longer, whatever a home's habits are."""

STEP = timedelta(minutes=4)
CLOSE_S = 240
APART_S = 600
"""Between the limit and the next one: room to see that somebody is asked first."""
NARROW, EARLY = 10, 4
LONG = timedelta(seconds=20)
"""So much longer a stillness is worth a second of being past its limit for longer."""

"""Rather hours late than past both limits when the demo begins."""

SURELY_S, FAR_S = 20, 10**6

Readings = Sequence[tuple[datetime, int]]


class _Choice(NamedTuple):
    """A last use, and how far from what is wanted it leads; the smallest is the best."""

    off_s: int
    last: datetime


def foreseen(town: Town, scenario: Scenario, began: datetime) -> dict[str, datetime]:
    """Meter → its home's last use, for every `nears_limit` and `passed_limit` of the scenario.

    At some hours no last use leads a certain home to its limit, because its limit is just rising
    faster than time passes. Then another one of the scenario takes its part.
    """
    meters = Meters(town, scenario, began)
    found: dict[str, datetime] = {}
    for past in scenario.before:
        if past.does not in ("nears_limit", "passed_limit"):
            continue
        choices: dict[str, _Choice] = {}
        for name in (past.device, *past.or_else):
            home = town.home_of(name)
            if home is not None and name not in found:
                choices[name] = _last_use(meters, home, past, began)
                if choices[name].off_s <= CLOSE_S:
                    break
        if choices:
            best = min(choices, key=lambda name: choices[name].off_s)
            found[best] = choices[best].last
    return found


def _last_use(meters: Meters, home: DemoHome, past: Before, began: datetime) -> _Choice:
    """The last use after which the home's limit is nearest to what is wanted."""
    view = view_of_home(home)
    readings = readings_of(meters, home, began)
    first = began - EARLIEST
    state = heard(DeviceState(), view, [one for one in readings if one[0] <= first], began)
    rest = [one for one in readings if one[0] > first]
    began_s = seconds(began)
    choices = []
    last = first
    while last <= began - LATEST:
        until = [one for one in rest if one[0] < last]
        washed = [*until, (last, meters.register_l(home, last) + 6)]
        marks = stand(heard(state, view, washed, began), view, began_s).marks
        if marks:
            off_s = _off_s(past, marks[0].at - began_s, marks[-1].at - began_s)
            if past.does == "passed_limit":  # of equally good ones the longest stillness
                off_s += int((last - began) / LONG)
                is_past = began_s - seconds(last) > marks[-1].limit_s + SURELY_S
                off_s += 0 if is_past else FAR_S
            choices.append(_Choice(off_s, last))
        last += STEP
    return min(choices, default=_Choice(FAR_S, began - LATEST))


def _off_s(past: Before, first_s: int, last_s: int) -> int:
    """How far off it is when the first and the last limit are passed so long after the demo began.

    Counted more than simply: past what shall only be near, and still before what shall be past.
    """
    if past.left is None:
        off_s = -int((past.ago or timedelta()).total_seconds()) - last_s
        return off_s if off_s >= 0 else EARLY * -off_s
    off_s = first_s - int(past.left.total_seconds())
    narrow_s = max(APART_S - min(last_s - first_s, last_s - first_s + off_s), 0)
    return (off_s if off_s >= 0 else EARLY * -off_s) + NARROW * narrow_s


def readings_of(meters: Meters, home: DemoHome, began: datetime) -> Readings:
    today = began.astimezone(DEVICE_ZONE).date()
    days = (today - timedelta(days=back) for back in range(HISTORY_DAYS, -1, -1))
    return [
        (at.astimezone(UTC), litres)
        for day in days
        for at, litres in meters.readings(home, day, began)
    ]


def heard(state: DeviceState, view: DeviceView, readings: Readings, now: datetime) -> DeviceState:
    said = [
        (at, Reading(child_id=view.id, register="water_total", value=litres / 1000, unit="m3"))
        for at, litres in readings
    ]
    return judge(state, said, view, now).state


def view_of_home(home: DemoHome) -> DeviceView:
    return DeviceView(
        id=home.water_meter,
        role="water_meter",
        family="native",
        rules={"no_water_use": {"preset": home.meter.rule}} if home.meter.rule else {},
        zone=DEVICE_ZONE.key,
    )
