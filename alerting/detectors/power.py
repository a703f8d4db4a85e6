"""A home's electricity: which readings count, and a home that no longer uses any."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from alerting.detectors import load as load_
from alerting.detectors import meter as meter_
from alerting.detectors.found import finding
from alerting.detectors.load import LONGEST_S, Block
from alerting.detectors.register import CLOCK_SLACK_S, DOUBTED, Verdict, follow
from alerting.detectors.said import FIRST_AGAIN_S, THEN_AGAIN_S
from alerting.detectors.supply import (
    BRIDGED_S,
    HOLDS_S,
    METER,
    ROLES,
    SAMPLED_EVERY_S,
    Power,
    broken_off,
    cut_short,
    doubt,
    drawn,
    heard_at,
)
from alerting.detectors.view import (
    MAX_SECONDS,
    DeviceView,
    iso,
    parameter,
)
from alerting.finding import Finding, Sign
from devices.event import REGISTER_UNITS, Reading

RULE = "no_power_use"
PRESETS: dict[str, int] = {"off": 0, "fixed-24h": 24 * 3600, "fixed-36h": 36 * 3600}
"""Seconds without activity that are a finding; 0: none are. For homes that have no water meter."""

MOST_W = 30_000
"""Three phases of 40 A. More is not a home."""

MOST_KWH = 1_000_000
TOO_OLD_S = 2 * 3600
"""A reading older than this updates the state and opens nothing."""

COUNTER_GONE_S = 24 * 3600
"""A counter silent for so long is no longer there: samples count again."""

BLIND_S = 12 * 3600
"""Standing still for so long is told, where nothing but this meter watches."""

_KWH, _W = REGISTER_UNITS["energy_total"], REGISTER_UNITS["power"]


def on_energy(
    part: Power | None, reading: Reading, at: int, device: DeviceView, now: int
) -> tuple[Power | None, tuple[Finding, ...]]:
    """Take in one `energy_total` reading (kWh, any finite value).

    Old and repeated readings change nothing; a counter that went back or jumped is waited for, and
    goes on from its next plausible reading. Nothing is concluded from what it was in between.
    """
    if device.role not in ROLES or not 0 <= reading.value < MOST_KWH or reading.unit != _KWH:
        return part, ()
    before, at = part or Power(), min(at, now)
    if heard_at(before) - now > CLOCK_SLACK_S:
        before = _on_a_clock_set_back(before)
    line, verdict = follow(before.line, at, round(reading.value * 10_000), MOST_W * 10)
    if verdict is Verdict.IGNORED:
        return part, ()
    if verdict in DOUBTED:
        return replace(before, line=line), ()
    if verdict is Verdict.FIRST:
        before = broken_off(before) if before.sampled_at else before
        return replace(before, line=line, block=Block(at), quiet_from=at), ()
    from_at, from_value = before.line.at, before.line.value
    if verdict is Verdict.RESTARTED:
        from_at, from_value = before.line.doubt_at, before.line.doubt_value
        begun = cut_short(before)
        before = replace(begun, block=Block(from_at), quiet_from=from_at, still_from=0)
    moved = line.value - from_value
    power = replace(before, line=line, meter=meter_.note(before.meter, at - from_at, moved))
    joules = moved * load_.J_PER_DWH
    power = drawn(power, from_at, at, joules, LONGEST_S, BRIDGED_S, device)
    return _judge(power, before, at, device, now)


def on_power(
    part: Power | None, reading: Reading, at: int, device: DeviceView, now: int
) -> tuple[Power | None, tuple[Finding, ...]]:
    """Take in one sample of `power` (W), where no counter speaks.

    The sample before holds until this one. A hole says nothing: what was drawn in it is not known.
    """
    before, at = part or Power(), min(at, now)
    is_set_back = heard_at(before) - now > CLOCK_SLACK_S
    if before.line.at and not is_set_back and at - before.line.at < COUNTER_GONE_S:
        return part, ()
    if device.role not in ROLES or not 0 <= reading.value <= MOST_W or reading.unit != _W:
        return part, ()
    if is_set_back:
        before = _on_a_clock_set_back(before)
    elif before.line.at:
        before = broken_off(before)
    from_at = before.sampled_at
    if at <= from_at:
        return part, ()
    watts = round(reading.value)
    if not from_at:
        before = replace(before, sampled_at=at, sample_w=watts, block=Block(at))
        return replace(before, quiet_from=at), ()
    span = at - from_at
    holds_s = min(max(3 * before.meter.every_s, SAMPLED_EVERY_S), HOLDS_S)
    joules = before.sample_w * span
    meter = meter_.note(before.meter, span, 0)
    power = replace(before, sampled_at=at, sample_w=watts, meter=meter)
    return _judge(drawn(power, from_at, at, joules, holds_s, 0, device), before, at, device, now)


def rearm(part: Power, kind: str, at: int) -> Power:
    """Closed at `at` without proof of life: found again while the gap still runs."""
    if kind != RULE or not part.level:
        return part
    wait_s = THEN_AGAIN_S if part.rearmed else FIRST_AGAIN_S
    again_at = min(at + wait_s, MAX_SECONDS)
    return replace(part, level=0, rearm_at=again_at, rearmed=min(part.rearmed + 1, 99))


def forget(part: Power, kind: str) -> Power:
    """As if `kind` had never been found: the next reading finds it if it holds."""
    return replace(part, level=0, rearm_at=0, rearmed=0) if kind == RULE else part


def seen(part: Power, kind: str, at: int) -> Power:
    """Somebody saw or spoke with the elder at `at`: the gap counts anew from there."""
    if kind != RULE:
        return part
    quiet_from = max(part.quiet_from, at)
    return replace(part, quiet_from=quiet_from, level=0, rearm_at=0, rearmed=0)


def limit_s(device: DeviceView) -> int:
    """Seconds without activity that are a finding (`no_power_use.preset`); 0: none are."""
    preset = parameter(device, RULE, "preset")
    if device.role != METER or not isinstance(preset, str):
        return 0
    return PRESETS.get(preset, 0)


def _on_a_clock_set_back(power: Power) -> Power:
    """The series reaches into a future that is not going to come: another begins."""
    return replace(broken_off(power), meter=power.meter, active_at=0, rearm_at=0)


def _judge(
    power: Power, before: Power, at: int, device: DeviceView, now: int
) -> tuple[Power, tuple[Finding, ...]]:
    """`no_power_use` risen or cleared by the reading at `at`."""
    limit = limit_s(device)
    power, findings = _is_there(power, at, device, now)
    if power.active_at != before.active_at and (power.level or power.rearmed):
        facts = {"since": iso(before.quiet_from), "used_at": iso(power.active_at)}
        if limit:
            reason = "electricity is used again"
            findings += (finding(RULE, Sign.CLEARED, reason, facts, at, now),)
        return replace(power, level=0, rearm_at=0, rearmed=0), findings
    if power.level and not limit:
        return replace(power, level=0), findings
    idle_s = at - power.quiet_from
    if not limit or power.level or idle_s < limit or at < power.rearm_at:
        return power, findings
    if now - at > TOO_OLD_S or device.resting or doubt(power, device.role):
        return power, findings
    facts = _facts(power, idle_s, limit, at)
    reason = f"no activity above the base load in {limit // 3600} h"
    findings += (finding(RULE, Sign.ROSE, reason, facts, at, now),)
    return replace(power, level=1), findings


def _is_there(
    power: Power, at: int, device: DeviceView, now: int
) -> tuple[Power, tuple[Finding, ...]]:
    """`cannot_assess` when the meter of a home that only it watches stands still for long."""
    still_s = at - power.still_from if power.still_from else 0
    if power.blind and not still_s:
        reason = "the counter moves again"
        found = finding("cannot_assess", Sign.CLEARED, reason, {}, at, now)
        return replace(power, blind=0), (found,)
    if power.blind or still_s < BLIND_S or not limit_s(device) or now - at > TOO_OLD_S:
        return power, ()
    facts = {"reason": "stands_still", "since": iso(power.still_from), "last_reading_at": iso(at)}
    reason = "not even the base load is drawn"
    found = finding("cannot_assess", Sign.ROSE, reason, facts, at, now)
    return replace(power, blind=1), (found,)


def _facts(power: Power, idle_s: int, limit: int, at: int) -> dict[str, Any]:
    facts = {
        "since": iso(power.quiet_from),
        "idle_s": idle_s,
        "limit_s": limit,
        "base_w": load_.watts(power.nights.base),
        "last_reading_at": iso(at),
    }
    if power.active_at:
        facts["active_at"] = iso(power.active_at)
    return facts
