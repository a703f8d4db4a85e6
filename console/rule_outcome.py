"""What became of a watch rule: the checks and incidents since then beside what was foreseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.queries import visible_incidents
from alerting.tables import Check, Incident
from care import watch_rules
from care.handing_down import rule_of
from care.listing import within
from care.permissions import may, require
from care.queries import Sight
from care.tables import Area, Elder, User, WatchRule
from care.watch_choices import PRESETS
from care.watch_rules import homes_of
from console.context import AtDesk
from console.errors import PageRoute
from console.rulebook import tier_names

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KINDS = tuple(PRESETS)
"""Rules are called as what they find; a back-test counts what all of them find."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """How many there were, in how many days; by result of a check, by outcome of an incident."""

    days: float
    checks: int
    results: Mapping[str, int]
    incidents: int
    outcomes: Mapping[str, int]  # "": none yet

    def a_day(self, number: int) -> float:
        return number / self.days


@router.get("/rules/{rule_id}")
async def rule(page: AtDesk, rule_id: str) -> Response:
    """One rule, what it was expected to mean, and what it has meant so far."""
    require(page.who, "watch_rules.read")
    async with page.services.db.reading() as session:
        row = await watch_rules.find_rule(session, page.sight, rule_id)
        happened = await happened_under(session, page.sight, row, page.now)
        area = await session.get(Area, row.area_id) if row.area_id is not None else None
        elder = await session.get(Elder, row.elder_id) if row.elder_id is not None else None
        author = await session.get(User, row.created_by)
    values: dict[str, Any] = {"names": {area.id: area.name} if area is not None else {}}
    return page.render(
        "rule.html",
        rule=row,
        happened=happened,
        foreseen=row.forecast.get("proposed"),
        elder=elder,
        author=author.name if author is not None else "",
        tiers=tier_names(page),
        may_change=may(page.who, "watch_rules.write"),
        **values,
    )


async def happened_under(
    session: AsyncSession, sight: Sight, row: WatchRule, now: datetime
) -> Happened | None:
    """What happened in the rule's scope while it held; None in its first hour."""
    until = min(row.ended_at or now, now)
    days = (until - row.effective_from).total_seconds() / 86_400
    if days < 1 / 24:
        return None
    checks = await _counted(
        session,
        Check.result,
        Check.purpose == "wellbeing",
        Check.opened_at.between(row.effective_from, until),
        _in_scope(Check, row),
    )
    incidents = await _counted(
        session,
        Incident.outcome,
        Incident.kind.in_(KINDS),
        Incident.mode == "actual",
        Incident.opened_at.between(row.effective_from, until),
        _in_scope(Incident, row),
        visible_incidents(sight),
    )
    return Happened(
        days=days,
        checks=sum(checks.values()),
        results=checks,
        incidents=sum(incidents.values()),
        outcomes=incidents,
    )


async def _counted(session: AsyncSession, by: Any, *wanted: ColumnElement[bool]) -> dict[str, int]:
    rows = await session.execute(select(by, func.count()).where(*wanted).group_by(by).order_by(by))
    return {value or "": count for value, count in rows}


def _in_scope(table: type[Check] | type[Incident], row: WatchRule) -> ColumnElement[bool]:
    if row.tier is not None or row.elder_id is not None:
        return table.home_id.in_(homes_of(rule_of(row)))
    return within(table.area_id, row.area_id) if row.area_id is not None else true()
