"""Watch rules: how homes are watched, by area, tier and elder, and what a change would mean."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from alerting.trial.forecast import Forecast, forecast
from alerting.trial.seal import seal, unseal
from alerting.trial.workload import Compared, Staff, compared
from api.dependencies import Now, Reading, ServicesDep, SightDep, Writing, allowed
from api.problems import refusal
from api.schemas import PageOut, page_of
from api.watch_rule_schemas import (
    BackTestIn,
    BackTestOut,
    ElderWatchOut,
    EndOut,
    RuleFilters,
    RuleScope,
    WatchRuleIn,
    WatchRuleOut,
)
from care import queries, watch_rules
from care.handing_down import residents_of, rule_of
from care.model import Actor
from care.rule_effect import Instead, agree, effect_of, effect_of_withdrawing, instead_of
from care.tables import WatchRule
from core.db import after_commit
from core.services import Services

router = APIRouter(prefix="/watch-rules", tags=["watch rules"])
elder_router = APIRouter(prefix="/elders", tags=["watch rules"])

MOST_ALARMS = 200


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
    now: Now,
    body: WatchRuleIn,
) -> WatchRule:
    """Takes the place of the rule of the same scope when it comes into force. Devices are told
    within a minute, in pieces; `applied_at` says when all were. `forecast.unnoticed`: homes that
    this leaves without anything that would notice that they go quiet."""
    async with services.db.reading() as session:  # may take seconds in a county
        rule = await _new_rule(session, actor, now, body)
        effect = await effect_of(session, rule_of(rule), now)
    agree(effect, body.unnoticed_at_most)
    said: dict[str, Any] = {}
    if body.back_test is not None:
        key = services.settings.secret_key
        said = unseal(key, rule_of(rule).scope, rule.rules, body.back_test)
    async with services.db.transaction() as session:
        rule = await _new_rule(session, actor, now, body)
        after_commit(session, services.signals.rules.set)
        return await watch_rules.save_rule(session, rule, said | {"unnoticed": effect.unnoticed})


@router.post(
    "/back-test",
    summary="What a watch rule would mean",
    response_model=BackTestOut,
    responses={503: refusal("Another back-test is running; come again after `Retry-After`.")},
)
async def back_test_watch_rule(
    actor: Annotated[Actor, allowed("watch_rules.write")],
    services: ServicesDep,
    now: Now,
    body: BackTestIn,
) -> dict[str, Any]:
    """Nothing is saved. One at a time; takes up to ten seconds; `covered` says how far it came."""
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


@router.get(
    "/{rule_id}/withdrawal", summary="What ending a watch rule would mean", response_model=EndOut
)
async def look_at_withdrawal(
    _actor: Annotated[Actor, allowed("watch_rules.read")],
    sight: SightDep,
    session: Reading,
    now: Now,
    rule_id: str,
) -> dict[str, Any]:
    """Nothing is changed: how many homes would follow another rule, and which one."""
    rule = rule_of(await watch_rules.find_rule(session, sight, rule_id))
    effect = await effect_of_withdrawing(session, rule, now)
    instead = [_instead(one) for one in await instead_of(session, rule, now)]
    return {"rule_id": rule.id, **effect._asdict(), "instead": instead}


@router.post(
    "/{rule_id}/withdraw",
    summary="End a watch rule",
    response_model=WatchRuleOut,
    responses={409: refusal("It has ended already.")},
)
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


def _instead(one: Instead) -> dict[str, Any]:
    return {
        "rule": one.name,
        "parameter": one.parameter,
        "value": one.value,
        "rule_id": one.rule.id if one.rule is not None else None,
    }
