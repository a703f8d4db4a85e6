"""Bodies and answers of watch rules, with their examples."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas import Body, Filters, Ident, Number, Out, Text, When, example

_RULES = {"no_water_use": {"preset": "adaptive"}}
_SIDE = {
    "alarms": 14,
    "checks": 9,
    "incidents": 2,
    "absences": 3,
    "per_100_homes_day": 1.1,
    "checks_a_day": 0.4,
    "incidents_a_day": 0.2,
    "absences_a_day": 0.1,
    "checks_a_shift": 0.13,
    "incidents_a_shift": 0.07,
    "absences_a_shift": 0.03,
}
_FORECAST: dict[str, Any] = {
    "days": 30,
    "homes": 42,
    "sampled": 42,
    "covered": 42,
    "changed": 40,
    "no_meter": 2,
    "silent": 1,
    "unnoticed": 0,
    "unfit": 3,
    "grades": {"fine": 30, "sparse": 6, "coarse": 2, "blind": 1, "dark": 0},
    "delay_s": 54000,
    "present": _SIDE,
    "proposed": _SIDE,
    "shifts_a_day": 3.0,
    "staff_from": "assumed",
    "unanswered_share": 0.3,
    "real_checks": 0,
    "too_much": False,
    "advice": None,
}


_ALARM = {
    "home_id": "home-9s2ka",
    "elder_ids": ["eld-1b7g2"],
    "device_id": "water-1",
    "kind": "no_water_use",
    "at": "2026-02-27T10:00:00Z",
    "since": "2026-02-27T00:00:00Z",
    "until": "2026-02-27T14:00:00Z",
    "gap_s": 50400,
    "sort": "check",
    "side": "both",
    "earlier_s": 7200,
}
_ORIGIN = {
    "rule_id": "rule-4k2q8",
    "area_id": "area-5p2v0",
    "area_name": "城关镇",
    "tier": None,
    "elder_id": None,
    "effective_from": "2026-03-02T00:00:00Z",
}
_PARAMETER = {
    "rule": "no_water_use",
    "parameter": "preset",
    "value": "adaptive",
    "origin": _ORIGIN,
}


_INSTEAD = {
    "rule": "no_water_use",
    "parameter": "preset",
    "value": "fixed-24h-10l",
    "rule_id": "rule-1b9d3",
}


class RuleScope(Body):
    """Without area, tier and elder: everybody, everywhere. An elder's rule has neither of both."""

    model_config = Body.model_config | example(
        area_id=None, tier="key", rules=_RULES, effective_from="2026-03-02T00:00:00Z"
    )
    area_id: Ident | None = None
    tier: Ident | None = Field(None, description="A tier of the region's scheme: key, general.")
    elder_id: Ident | None = None
    rules: dict[str, Any] = Field(
        description="`no_water_use.preset`, `tap_left_on.preset`, `leak.preset` and `leak.day_m3`, "
        "`no_power_use.preset`."
    )
    effective_from: When | None = Field(None, description="Left out: from now on.")
    note: Text | None = None


class WatchRuleIn(RuleScope):
    back_test: Annotated[str, Field(max_length=8000)] | None = Field(
        None, description="`seal` of the back-test that was looked at; kept with the rule."
    )
    unnoticed_at_most: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="Refuse the rule when it would leave more homes than this without anything "
        "that notices that they go quiet.",
    )


class BackTestIn(RuleScope):
    officers: Annotated[Number, Field(gt=0, le=1000)] | None = Field(
        None, description="On duty at once; left out: from the shifts of the last 14 days, else 1."
    )
    shifts_a_day: Annotated[Number, Field(gt=0, le=24)] | None = None


class WatchRuleOut(Out):
    """`applied_at`: when its devices were told; `forecast`: what the back-test said, and
    `unnoticed` as the back-test counts it."""

    model_config = Out.model_config | example(
        id="rule-4k2q8",
        area_id="area-5p2v0",
        tier=None,
        elder_id=None,
        rules=_RULES,
        effective_from="2026-03-02T00:00:00Z",
        ended_at=None,
        applied_at=None,
        note=None,
        forecast=_FORECAST,
        created_by="usr-0r5t1",
        created_at="2026-03-01T00:15:00Z",
    )
    id: str
    area_id: str | None
    tier: str | None
    elder_id: str | None
    rules: dict[str, Any]
    effective_from: datetime
    ended_at: datetime | None
    applied_at: datetime | None
    note: str | None
    forecast: dict[str, Any]
    created_by: str
    created_at: datetime


class AlarmOut(Out):
    """One gap. `sort`: check, incident or absence (nobody home for a day or more). `side`: `new`
    with the proposed rule, `gone` with it, or `both`."""

    model_config = Out.model_config | example(**_ALARM)
    home_id: str
    elder_ids: list[str]
    device_id: str
    kind: str
    at: datetime
    since: datetime | None
    until: datetime | None
    gap_s: int | None
    sort: str
    side: str
    earlier_s: int


class SideOut(Out):
    """`alarms` = checks + incidents + absences, of the homes covered. A day and a shift: expected
    in the whole scope; there incidents hold the checks that nobody answers and the absences, since
    somebody has to find out (`absences_a_shift`: so many of them)."""

    model_config = Out.model_config | example(**_SIDE)
    alarms: int
    checks: int
    incidents: int
    absences: int
    per_100_homes_day: float
    checks_a_day: float
    incidents_a_day: float
    absences_a_day: float
    checks_a_shift: float
    incidents_a_shift: float
    absences_a_shift: float


class BackTestOut(Out):
    """The last 30 days under the present and the proposed rules; `seal` goes into the rule."""

    model_config = Out.model_config | example(
        **_FORECAST, alarms=[_ALARM], more_alarms=0, seal="eJx…"
    )
    days: int
    homes: int = Field(description="In the scope.")
    sampled: int = Field(description="Looked at: all, or the same 200 every time.")
    covered: int = Field(description="Replayed before the time was up.")
    changed: int = Field(description="Of those covered, where the rule changes anything.")
    no_meter: int
    silent: int = Field(description="A meter without a reading in the 30 days.")
    unnoticed: int = Field(
        description="Of all homes in the scope: those that would lose the last device that "
        "notices that they go quiet."
    )
    unfit: int = Field(description="Meters too coarse or too rare for a rule of the home's own.")
    grades: dict[str, int]
    delay_s: int | None = Field(description="Longest delay of the middle home.")
    present: SideOut
    proposed: SideOut
    shifts_a_day: float
    staff_from: Literal["shifts", "typed", "assumed"]
    unanswered_share: float
    real_checks: int
    too_much: bool
    advice: str | None = Field(description="A preset that asks less of the staff.")
    alarms: list[AlarmOut]
    more_alarms: int
    seal: str


class OriginOut(Out):
    """Where a parameter comes from: everywhere, an area, a tier of it, or the elder alone."""

    model_config = Out.model_config | example(**_ORIGIN)
    rule_id: str
    area_id: str | None
    area_name: str | None
    tier: str | None
    elder_id: str | None
    effective_from: datetime


class ParameterOut(Out):
    model_config = Out.model_config | example(**_PARAMETER)
    rule: str
    parameter: str
    value: Any
    origin: OriginOut


class ElderWatchOut(Out):
    """What watches an elder's home. `own` of a device stands before all of it."""

    model_config = Out.model_config | example(
        elder_id="eld-1b7g2",
        home_id="home-9s2ka",
        parameters=[_PARAMETER],
        devices=[{"device_id": "water-1", "role": "water_meter", "rules": _RULES, "own": {}}],
    )
    elder_id: str
    home_id: str
    parameters: list[ParameterOut]
    devices: list[dict[str, Any]] = Field(
        description="`device_id`, `role`, the `rules` in force and the device's `own`."
    )


class InsteadOut(Out):
    """What would hold for a parameter of the rule; `rule_id` null: the default."""

    model_config = Out.model_config | example(**_INSTEAD)
    rule: str
    parameter: str
    value: Any
    rule_id: str | None


class EndOut(Out):
    """What ending a rule would mean, as the back-test counts it."""

    model_config = Out.model_config | example(
        rule_id="rule-4k2q8", homes=300, changed=287, unnoticed=0, instead=[_INSTEAD]
    )
    rule_id: str
    homes: int = Field(description="In the scope.")
    changed: int = Field(description="Whose devices would be told something else.")
    unnoticed: int
    instead: list[InsteadOut]


class RuleFilters(Filters):
    area_id: Ident | None = None
    elder_id: Ident | None = None
    current_only: bool = Field(False, description="Without those that have ended.")
