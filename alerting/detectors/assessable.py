"""A meter that still speaks while its register no longer comes: its home cannot be assessed."""

from __future__ import annotations

from typing import Any

import msgspec

from alerting.detectors.liveness import silence_limit_s
from alerting.detectors.view import DeviceView, Seconds, iso, moment
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from devices.event import DeviceEvent, Reading

REGISTERS: dict[str, str] = {"water_meter": "water_total", "electricity_meter": "energy_total"}
"""Role → the register without which such a device says nothing about its home."""

CERTAIN_AFTER_S = 600
"""After an outage of ours a heartbeat may arrive before the readings that came before it: the
register is missing only when the device spoke without it twice, this far apart."""


class Register(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a meter's register last came."""

    at: Seconds = 0  # newest value; at first: since when one is waited for
    missed_at: Seconds = 0  # first word without it after the limit had passed; 0: none
    silent: int = 0  # 1: found


def on_word(
    part: Register | None,
    what: Reading | DeviceEvent | None,
    at: int,
    device: DeviceView,
    now: int,
    *,
    doubted: bool = False,
) -> tuple[Register | None, tuple[Finding, ...]]:
    """`cannot_assess` (register_silent) risen or cleared by one thing that a meter said.

    `what` None: a bare sign of life. The limit is that of the device's own silence. A device that
    says nothing at all is not asked: liveness finds it. `doubted`: the register comes but cannot
    be trusted, so nothing clears.
    """
    register = REGISTERS.get(device.role or "")
    if register is None:
        return part, ()
    if at > now:
        at = now
    if part is None:
        return Register(at), ()
    if isinstance(what, Reading) and what.register == register:
        if at <= part.at:
            return part, ()
        if part.silent and not doubted:
            return Register(at), (_finding(Sign.CLEARED, now, register),)
        return Register(at), ()
    limit_s = silence_limit_s(device)
    if part.silent or limit_s is None or now - part.at < limit_s:
        return part, ()
    if not part.missed_at:
        return Register(part.at, now), ()
    if now - part.missed_at < CERTAIN_AFTER_S:
        return part, ()
    facts = {"reason": "register_silent", "register": register, "last_reading_at": iso(part.at)}
    return Register(part.at, part.missed_at, 1), (_finding(Sign.ROSE, now, register, facts),)


def _finding(sign: Sign, now: int, register: str, facts: dict[str, Any] | None = None) -> Finding:
    word = "it speaks without its register" if sign is Sign.ROSE else "its register arrives again"
    return Finding(
        kind="cannot_assess",
        severity=SEVERITY_OF_KIND["cannot_assess"],
        sign=sign,
        at=moment(now),
        reason=word,
        facts=facts or {"register": register},
    )
