"""What there is to replay for a watch rule, and who would answer its alarms: read in one go."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.assessable import REGISTERS
from alerting.detectors.view import DeviceView
from alerting.intake.store import view_of
from alerting.tables import Check
from alerting.trial.workload import Answers, Staff, answers_of, staff_of
from care.handing_down import as_watched, load_book, rule_of
from care.listing import within
from care.policy import tier_ranks
from care.tables import Area, Binding, Device, Shift, WatchRule
from care.watch import Book, Watched, merged, watch_of
from care.watch_choices import for_role
from care.watch_rules import homes_of

SAMPLE = 200
"""Homes that are replayed; above, the same ones of a scope every time."""

STAFF_DAYS = timedelta(days=14)
ANSWERS_DAYS = timedelta(days=90)


class Meter(NamedTuple):
    """A meter of a home, under both sets of rules."""

    home_id: str
    device_id: str
    since: datetime | None  # readings before belong to another home
    present: DeviceView
    proposed: DeviceView


@dataclass(kw_only=True, slots=True)
class Plan:
    """What there is to replay, read in one go."""

    homes: int
    sampled: list[str]
    meters: dict[str, list[Meter]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    staff: Staff | None = None
    answers: Answers = field(default_factory=Answers)


async def plan_of(session: AsyncSession, rule: WatchRule, now: datetime, zone: str) -> Plan:
    wanted = homes_of(rule_of(rule))
    ids = (await session.scalars(wanted)).all()
    plan = Plan(homes=len(ids), sampled=sampled(ids))
    present = await load_book(session, now)
    proposed = {**present, rule_of(rule).scope: rule_of(rule)}
    watched = await as_watched(session, plan.sampled)
    rows = await session.execute(
        select(Binding.home_id, Device)
        .join(Device, Device.id == Binding.device_id)
        .where(
            Binding.home_id.in_(plan.sampled),
            Binding.valid_to.is_(None),
            Device.active,
            Device.role.in_(_roles(rule)),
        )
        .order_by(Device.id)
    )
    bound = rows.all()
    left = await _left_others([device.id for _, device in bound], session)
    for home_id, device in bound:
        home = watched.get(home_id, Watched())
        views = _views(device, home, present, proposed, zone)
        meter = Meter(home_id, device.id, left.get(device.id), *views)
        plan.meters.setdefault(home_id, []).append(meter)
        if meter.present.rules != meter.proposed.rules:
            plan.changed.add(home_id)
    plan.staff = await _staff(session, rule, now)
    plan.answers = await _answers(session, rule, now)
    return plan


def sampled(ids: Sequence[str], most: int = SAMPLE) -> list[str]:
    """At most so many of the homes, always the same ones, whatever their ids begin with."""
    if len(ids) <= most:
        return sorted(ids)
    return sorted(ids, key=lambda ident: hashlib.sha256(ident.encode()).digest())[:most]


async def _left_others(ids: Sequence[str], session: AsyncSession) -> dict[str, datetime]:
    """Device → when it was taken from the home that it hung in before, if there was one."""
    rows = await session.execute(
        select(Binding.device_id, func.max(Binding.valid_to))
        .where(Binding.device_id.in_(ids), Binding.valid_to.is_not(None))
        .group_by(Binding.device_id)
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


def _views(
    device: Device, home: Watched, present: Book, proposed: Book, zone: str
) -> tuple[DeviceView, DeviceView]:
    """The device under the present rules and under the proposed ones."""
    view = replace(view_of(device), zone=zone, resting=False)
    tiers = tier_ranks()
    sides = [
        merged(for_role(watch_of(home, book, tiers).rules, device.role), device.rules)
        for book in (present, proposed)
    ]
    return replace(view, rules=sides[0]), replace(view, rules=sides[1])


def _roles(rule: WatchRule) -> list[str]:
    """Meters that the rule speaks of."""
    return [role for role in REGISTERS if for_role(rule.rules, role)]


async def _staff(session: AsyncSession, rule: WatchRule, now: datetime) -> Staff | None:
    """From the shifts of the last 14 days, of this area and of those above and below it."""
    since = now - STAFF_DAYS
    query = select(Shift.starts_at, Shift.ends_at).where(
        Shift.starts_at < now, or_(Shift.ends_at.is_(None), Shift.ends_at > since)
    )
    if rule.area_id is not None:
        area = await session.get_one(Area, rule.area_id)
        above = [part for part in area.path.split("/") if part]
        query = query.where(
            or_(
                Shift.area_id.is_(None),
                Shift.area_id.in_(above),
                within(Shift.area_id, rule.area_id),
            )
        )
    spans = [(begin, end or now) for begin, end in await session.execute(query)]
    return staff_of(spans, since, now)


async def _answers(session: AsyncSession, rule: WatchRule, now: datetime) -> Answers:
    """From the real checks of the last 90 days in this area."""
    query = (
        select(Check.result, func.count())
        .where(
            Check.purpose == "wellbeing",
            Check.state == "ended",
            Check.opened_at > now - ANSWERS_DAYS,
        )
        .group_by(Check.result)
    )
    if rule.area_id is not None:
        query = query.where(within(Check.area_id, rule.area_id))
    rows = await session.execute(query)
    return answers_of({result: number for result, number in rows if result is not None})
