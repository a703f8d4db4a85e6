"""A home's supply as its meter shows it: the last sign of somebody, or why there is none to see."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from alerting.detectors import load as load_
from alerting.detectors import meter as meter_
from alerting.detectors import nights as nights_
from alerting.detectors.load import LONGEST_S, Block, Closed
from alerting.detectors.meter import Meter
from alerting.detectors.nights import Nights
from alerting.detectors.register import Line
from alerting.detectors.view import DeviceView, Seconds

METER, PLUG = "electricity_meter", "plug"
ROLES = frozenset({METER, PLUG})
"""A plug sees one appliance: its use is a sign of life, its rest says nothing about anybody."""

SAMPLED_EVERY_S = 900
"""Samples of the power further apart than this miss a kettle: what was not seen may have been."""

HOLDS_S = 4500
"""A sample holds until the next, for three of their intervals, for at most this long: plugs that
report on change repeat themselves every hour."""

BRIDGED_S = 6 * 3600
"""A counter shows that a hole up to this long held no use; in a longer one a kettle drowns."""

STILL_S = 4 * 3600
"""A counter that shows a base load and stands still for so long has no mains, or its home has none
switched on. Refrigerators rest for two hours at most."""

COARSE_STEP_DWH = 500
"""A counter of more than 50 Wh a step hides a kettle."""


class Power(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of one meter or plug; energy in tenths of a watt-hour."""

    line: Line = Line()  # of the counter; at 0: there is none
    sampled_at: Seconds = 0  # of the last sample of the power, where there is no counter
    sample_w: int = 0
    meter: Meter = Meter()  # its pulse in tenths of a watt-hour
    block: Block = Block()
    nights: Nights = Nights()
    active_at: Seconds = 0  # somebody did something then or shortly after; 0: never seen
    quiet_from: Seconds = 0  # from here on nobody did, as far as it was seen without a break
    still_from: Seconds = 0  # nothing at all was drawn from here on; 0: something is
    level: int = 0  # 1: no_power_use was found in this gap
    rearm_at: Seconds = 0  # closed without proof of life: found again then; 0: not waited for
    rearmed: int = 0  # times in this gap
    blind: int = 0  # 1: cannot_assess was found, the counter has stood still for long


def doubt(part: Power, role: str | None) -> str:
    """Why its silence would mean nothing; empty for a home's meter that is fine enough and shows a
    base load."""
    step = step_of(part.meter)
    if role != METER:
        return "one_appliance"
    if step > COARSE_STEP_DWH:
        return "coarse_steps"
    if part.meter.every_s > (LONGEST_S if part.line.at else SAMPLED_EVERY_S):
        return "too_rare"
    if part.nights.base == load_.UNKNOWN:
        return "learning"
    if not nights_.is_visible(part.nights.base, step):
        return "no_base_load"
    return "stands_still" if _is_cut(part, heard_at(part)) else ""


def last_activity(part: Power) -> int:
    """When somebody last did something, in seconds since 1970: then or shortly after. 0: never
    seen. The present half hour counts as soon as it shows it."""
    present = load_.so_far(part.block, heard_at(part))
    if load_.is_activity(present, part.nights.base, step_of(part.meter)):
        return present.from_at
    return part.active_at


def heard_at(part: Power) -> int:
    """When the last trusted reading was taken, in seconds since 1970."""
    return part.line.at or part.sampled_at


def step_of(meter: Meter) -> int:
    """The finest that the counter shows, in tenths of a watt-hour; 0: not known, or samples."""
    return meter.pulse_dl or meter.fresh_dl


def cut_short(power: Power) -> Power:
    """The present half hour ends here, unfinished: what it has shown already counts."""
    active_at = last_activity(power)
    if active_at == power.active_at:
        return power
    quiet_from = max(power.quiet_from, heard_at(power))
    return replace(power, active_at=active_at, quiet_from=quiet_from)


def broken_off(power: Power) -> Power:
    """Another series begins; what is known of the home stays."""
    return Power(
        nights=power.nights,
        active_at=last_activity(power),
        quiet_from=power.quiet_from,
        level=power.level,
        rearm_at=power.rearm_at,
        rearmed=power.rearmed,
        blind=power.blind,
    )


def another_counter(power: Power) -> Power:
    """The meter was swapped: the home's base load is known, and nothing of the new counter."""
    return Power(nights=power.nights)


def _is_cut(power: Power, at: int) -> bool:
    return bool(power.still_from) and at - power.still_from >= STILL_S


def drawn(
    power: Power,
    from_at: int,
    at: int,
    joules: int,
    longest_s: int,
    bridged_s: int,
    device: DeviceView,
) -> Power:
    """What `joules` drawn between two trusted readings say. `longest_s`: more is a hole;
    `bridged_s`: up to here what was drawn in a hole is known."""
    base, step = power.nights.base, step_of(power.meter)
    was_cut, still_from = _is_cut(power, from_at), 0
    if not joules and nights_.is_visible(base, step):
        still_from = power.still_from or from_at
    power = replace(power, still_from=still_from)
    if _is_cut(power, at) or (was_cut and joules):  # the mains are off; or back, by nobody here
        return replace(cut_short(power), block=Block(at), quiet_from=at)
    if at - from_at > longest_s:
        power = cut_short(power)
        is_quiet = at - from_at <= bridged_s and load_.is_calm(joules, at - from_at, base)
        quiet_from = power.quiet_from if is_quiet else at
        return replace(power, block=Block(at), quiet_from=quiet_from)
    block, closed = load_.pour(power.block, from_at, at, joules)
    power = replace(power, block=block)
    return power if closed is None else _passed(power, closed, device)


def _passed(power: Power, closed: Closed, device: DeviceView) -> Power:
    """A half hour has passed: what it says of the night, and of somebody."""
    nights, meter, step = power.nights, power.meter, step_of(power.meter)
    base = nights.base
    nights = nights_.note(nights, closed, device.zone, step, resting=device.resting)
    if nights.past_day != power.nights.past_day and nights.past_day % 7 == 0:
        meter = meter_.next_week(meter)
    active_at, quiet_from = power.active_at, power.quiet_from
    if load_.is_activity(closed, base, step):
        active_at, quiet_from = closed.from_at, closed.at
    elif base == load_.UNKNOWN or step > COARSE_STEP_DWH:
        quiet_from = closed.at
    elif closed.before == load_.UNKNOWN and load_.is_above(closed.level, base, step):
        quiet_from = closed.at  # is it new, or has it run all the time? nobody saw
    return replace(power, meter=meter, nights=nights, active_at=active_at, quiet_from=quiet_from)
