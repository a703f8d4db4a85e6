"""Watch rules: how homes are watched, by area, tier and elder, and what a change would mean."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.forecast import Forecast, forecast
from alerting.forecast_seal import seal, unseal
from alerting.workload import Compared, Staff, compared
from api.dependencies import Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.schemas import Body, Filters, Ident, Number, Out, PageOut, Text, When, example, page_of
from care import queries, watch_rules
from care.handing_down import residents_of, rule_of
from care.model import Actor
from care.tables import WatchRule
from core.db import after_commit
from core.services import Services

router = APIRouter(prefix="/watch-rules", tags=["watch rules"])
elder_router = APIRouter(prefix="/elders", tags=["watch rules"])

MOST_ALARMS = 200
_RULES = {"no_water_use": {"preset": "adaptive"}}
_SIDE = {
    "alarms": 14,
    "checks": 9,
    "incidents": 2,
    "absences": 3,
    "per_100_homes_day": 1.1,
    "checks_a_day": 0.4,
    "incidents_a_day": 0.2,
    "checks_a_shift": 0.13,
    "incidents_a_shift": 0.07,
}
_FORECAST: dict[str, Any] = {
    "days": 30,
    "homes": 42,
    "sampled": 42,
    "covered": 42,
    "changed": 40,
    "no_meter": 2,
    "silent": 1,
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


class BackTestIn(RuleScope):
    officers: Annotated[Number, Field(gt=0, le=1000)] | None = Field(
        None, description="On duty at once; left out: from the shifts of the last 14 days, else 1."
    )
    shifts_a_day: Annotated[Number, Field(gt=0, le=24)] | None = None


class WatchRuleOut(Out):
    """`applied_at`: when its devices were told; `forecast`: what the back-test said."""

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
    """`alarms` = checks + incidents + absences, of the homes covered; a day and a shift: expected
    in the whole scope. A check that nobody answers counts as an incident there, too."""

    model_config = Out.model_config | example(**_SIDE)
    alarms: int
    checks: int
    incidents: int
    absences: int
    per_100_homes_day: float
    checks_a_day: float
    incidents_a_day: float
    checks_a_shift: float
    incidents_a_shift: float


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


class RuleFilters(Filters):
    area_id: Ident | None = None
    elder_id: Ident | None = None
    current_only: bool = Field(False, description="Without those that have ended.")


@router.get("", summary="List watch rules", response_model=PageOut[WatchRuleOut])
async def list_watch_rules(
    _actor: Annotated[Actor, allowed("watch_rules.read")],
    sight: SightDep,
    session: Reading,
    now: Now,
    query: Annotated[RuleFilters, Query()],
) -> dict[str, Any]:
    """The latest to begin first: those of your area, and those above it that hold there."""
    page = await watch_rules.list_rules(
        session, sight, query.page, now=now, **query.model_dump(exclude={"limit", "cursor"})
    )
    return page_of(page, page.items)


@router.post("", summary="Add a watch rule", status_code=201, response_model=WatchRuleOut)
async def create_watch_rule(
    actor: Annotated[Actor, allowed("watch_rules.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    body: WatchRuleIn,
) -> WatchRule:
    """Takes the place of the rule of the same scope when it comes into force. Devices are told
    within a minute, in pieces; `applied_at` says when all were."""
    rule = await _new_rule(session, actor, now, body)
    said = None
    if body.back_test is not None:
        key = services.settings.secret_key
        said = unseal(key, rule_of(rule).scope, rule.rules, body.back_test)
    after_commit(session, services.signals.rules.set)
    return await watch_rules.save_rule(session, rule, said)


@router.post("/back-test", summary="What a watch rule would mean", response_model=BackTestOut)
async def back_test_watch_rule(
    actor: Annotated[Actor, allowed("watch_rules.write")],
    services: ServicesDep,
    now: Now,
    body: BackTestIn,
) -> dict[str, Any]:
    """Nothing is saved. Takes up to ten seconds; `covered` says how far it came."""
    async with services.db.reading() as session:
        rule = await _new_rule(session, actor, now, body)
    said = await forecast(services, rule, now, staff=_typed(body))
    return await _shown(services, rule, said, now)


@router.get("/{rule_id}", summary="Read a watch rule", response_model=WatchRuleOut)
async def read_watch_rule(
    _actor: Annotated[Actor, allowed("watch_rules.read")],
    sight: SightDep,
    session: Reading,
    rule_id: str,
) -> WatchRule:
    return await watch_rules.find_rule(session, sight, rule_id)


@router.post("/{rule_id}/withdraw", summary="End a watch rule", response_model=WatchRuleOut)
async def withdraw_watch_rule(
    actor: Annotated[Actor, allowed("watch_rules.write")],
    services: ServicesDep,
    session: Writing,
    now: Now,
    rule_id: str,
) -> WatchRule:
    """Its scope follows the wider rules again; the one before it does not come back."""
    after_commit(session, services.signals.rules.set)
    return await watch_rules.withdraw_rule(session, actor, now, rule_id)


@elder_router.get(
    "/{elder_id}/watch-rules", summary="What watches an elder", response_model=ElderWatchOut
)
async def read_elder_watch_rules(
    _actor: Annotated[Actor, allowed("elders.read")],
    sight: SightDep,
    session: Reading,
    now: Now,
    elder_id: str,
) -> dict[str, Any]:
    """The rules in force for the elder's home, and of each parameter where it comes from."""
    elder = await queries.elder(session, sight, elder_id)
    file = await watch_rules.home_watch(session, elder.home_id, now)
    return {
        "elder_id": elder.id,
        "home_id": elder.home_id,
        "parameters": [_parameter(line) for line in file.lines],
        "devices": [
            {"device_id": one.id, "role": one.role, "rules": rules, "own": one.rules}
            for one, rules in file.devices
        ],
    }


async def _new_rule(session: Any, actor: Actor, now: datetime, body: RuleScope) -> WatchRule:
    fields = {name: getattr(body, name) for name in RuleScope.model_fields}
    return await watch_rules.new_rule(session, actor, now, **fields)


def _typed(body: BackTestIn) -> Staff | None:
    if body.officers is None and body.shifts_a_day is None:
        return None
    shifts = (body.officers or 1.0) * (body.shifts_a_day or 3.0)
    return Staff(shifts_a_day=shifts, source="typed")


async def _shown(
    services: Services, rule: WatchRule, said: Forecast, now: datetime
) -> dict[str, Any]:
    lines = compared(said.present, said.proposed)
    shown = lines[-MOST_ALARMS:]
    async with services.db.reading() as session:
        homes = await residents_of(session, {line.alarm.home_id for line in shown})
    figures = said.summary() | {"at": now.isoformat()}
    key = services.settings.secret_key
    return figures | {
        "alarms": [
            _alarm(line, [one.id for one in homes.get(line.alarm.home_id, ())]) for line in shown
        ],
        "more_alarms": len(lines) - len(shown),
        "seal": seal(key, rule_of(rule).scope, rule.rules, figures),
    }


def _alarm(line: Compared, elder_ids: list[str]) -> dict[str, Any]:
    alarm = line.alarm
    return {
        "home_id": alarm.home_id,
        "elder_ids": elder_ids,
        "device_id": alarm.device_id,
        "kind": alarm.kind,
        "at": alarm.at,
        "since": alarm.since,
        "until": alarm.until,
        "gap_s": alarm.gap_s,
        "sort": alarm.sort,
        "side": line.side,
        "earlier_s": line.earlier_s,
    }


def _parameter(line: watch_rules.Line) -> dict[str, Any]:
    rule = line.rule
    origin = {
        "rule_id": rule.id,
        "area_id": rule.area_id,
        "area_name": line.area_name,
        "tier": rule.tier,
        "elder_id": rule.elder_id,
        "effective_from": rule.effective_from,
    }
    return {"rule": line.name, "parameter": line.parameter, "value": line.value, "origin": origin}
