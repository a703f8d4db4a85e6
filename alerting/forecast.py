"""What a watch rule would have found in the last 30 days, before anybody is told to trust it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.backtest import Readings, backtest, load_readings
from alerting.course import course_of
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.meter import Grade
from alerting.detectors.view import DeviceView, moment, seconds
from alerting.fleet.meanwhile import absences
from alerting.intake.store import view_of
from alerting.reach import Reach, reach_of
from alerting.replay import Act, Happened
from alerting.tables import Check
from alerting.workload import (
    Alarm,
    Answers,
    Load,
    Side,
    Staff,
    alarms_of,
    answers_of,
    load_of,
    quieter_than,
    staff_of,
)
from care.handing_down import as_watched, load_book, rule_of
from care.listing import within
from care.policy import tier_ranks
from care.tables import Area, Binding, Device, Shift, WatchRule
from care.watch import Book, Watched, merged, watch_of
from care.watch_choices import for_role
from care.watch_rules import homes_of
from core.services import Services

COUNTED = timedelta(days=30)
WARM_UP = timedelta(days=60)
SAMPLE = 200
"""Homes that are replayed; above, the same ones of a scope every time."""

BUDGET_S = 10.0
WATER = "water_meter"
STAFF_DAYS = timedelta(days=14)
ANSWERS_DAYS = timedelta(days=90)


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """The present rules and the proposed one, side by side, over the last 30 days."""

    homes: int  # in the scope
    sampled: int  # of them looked at: all, or the sample
    covered: int  # replayed before time was up, or known to have nothing to replay
    changed: int  # of those covered: homes for which the rule changes anything
    no_meter: int
    silent: int  # a meter, and no reading in the 30 days
    unfit: int  # homes whose meter is too coarse or too rare for a rule of its own
    grades: Mapping[str, int]  # of meters: fine sparse coarse blind dark
    delays_s: tuple[int, ...]  # longest delay of every home under the proposed rule, rising
    present: Side
    proposed: Side
    staff: Staff
    answers: Answers
    load_present: Load
    load_proposed: Load
    advice: str | None  # the quieter preset, where this one asks too much of the staff

    @property
    def delay_s(self) -> int | None:
        """The longest delay of the middle home; None where no home is watched."""
        return self.delays_s[len(self.delays_s) // 2] if self.delays_s else None

    @property
    def metered(self) -> int:
        """Homes of the whole scope that are expected to have a meter which speaks."""
        heard = self.covered - self.no_meter - self.silent
        return round(self.homes * heard / self.covered) if self.covered else 0

    def summary(self) -> dict[str, Any]:
        """Figures without the single alarms: what is kept with a saved rule."""
        return {
            "days": COUNTED.days,
            "homes": self.homes,
            "sampled": self.sampled,
            "covered": self.covered,
            "changed": self.changed,
            "no_meter": self.no_meter,
            "silent": self.silent,
            "unfit": self.unfit,
            "grades": dict(self.grades),
            "delay_s": self.delay_s,
            "present": self.present.summary() | self.load_present.summary(),
            "proposed": self.proposed.summary() | self.load_proposed.summary(),
            "shifts_a_day": round(self.staff.shifts_a_day, 3),
            "staff_from": self.staff.source,
            "unanswered_share": round(self.answers.share, 3),
            "real_checks": self.answers.of,
            "too_much": self.load_proposed.is_too_much,
            "advice": self.advice,
        }


class Meter(NamedTuple):
    """A meter of a home, under both sets of rules."""

    home_id: str
    device_id: str
    since: datetime | None  # readings before belong to another home
    present: DeviceView
    proposed: DeviceView


class Replayed(NamedTuple):
    """One meter's 30 days."""

    present: list[Alarm]
    proposed: list[Alarm]
    days: float
    reach: Reach | None  # of a water meter


@dataclass(kw_only=True, slots=True)
class _Plan:
    """What there is to replay, read in one go."""

    homes: int
    sampled: list[str]
    meters: dict[str, list[Meter]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    staff: Staff | None = None
    answers: Answers = field(default_factory=Answers)


async def forecast(
    services: Services,
    rule: WatchRule,
    now: datetime,
    *,
    staff: Staff | None = None,
    budget_s: float = BUDGET_S,
) -> Forecast:
    """Replay the homes that `rule` (not saved) concerns. `staff` stands before the shifts' own.

    Replays run in a thread, one meter at a time, and one forecast at a time: nothing that is
    urgent waits for it. After `budget_s` seconds it says how many homes were covered.
    """
    async with services.back_testing:
        async with services.db.reading() as session:
            plan = await _plan(session, rule, now, services.settings.timezone)
        began, covered = services.clock.monotonic(), 0
        replayed: list[Replayed] = []
        silent = 0
        for home_id in plan.sampled:
            if services.clock.monotonic() - began >= budget_s:
                break
            heard = False
            for meter in plan.meters.get(home_id, ()):
                done = await _replayed(services, meter, now)
                if done is not None:
                    replayed.append(done)
                    heard = True
            silent += bool(plan.meters.get(home_id)) and not heard
            covered += 1
    return _forecast(plan, rule, replayed, covered, silent, staff)


def _forecast(
    plan: _Plan,
    rule: WatchRule,
    replayed: Sequence[Replayed],
    covered: int,
    silent: int,
    staff: Staff | None,
) -> Forecast:
    seen = plan.sampled[:covered]
    no_meter = sum(1 for one in seen if not plan.meters.get(one))
    days = sum(one.days for one in replayed)
    present = Side(alarms=_by_time([one.present for one in replayed]), home_days=days)
    proposed = Side(alarms=_by_time([one.proposed for one in replayed]), home_days=days)
    metered = covered - no_meter - silent
    expected = plan.homes * metered / covered if covered else 0
    reaches = [one.reach for one in replayed if one.reach is not None]
    on_duty = staff or plan.staff or Staff()
    loads = [load_of(side, expected, on_duty, plan.answers) for side in (present, proposed)]
    return Forecast(
        homes=plan.homes,
        sampled=len(plan.sampled),
        covered=covered,
        changed=sum(1 for one in seen if one in plan.changed),
        no_meter=no_meter,
        silent=silent,
        unfit=sum(1 for one in reaches if one.is_unfit),
        grades=_counted([one.grade for one in reaches]),
        delays_s=tuple(sorted(one.delay_s for one in reaches if one.delay_s)),
        present=present,
        proposed=proposed,
        staff=on_duty,
        answers=plan.answers,
        load_present=loads[0],
        load_proposed=loads[1],
        advice=quieter_than(rule.rules) if loads[1].is_too_much else None,
    )


async def _replayed(services: Services, meter: Meter, now: datetime) -> Replayed | None:
    """None: no reading in the 30 days."""
    register = REGISTERS[meter.present.role or ""]
    began = now - COUNTED - WARM_UP
    began = max(began, meter.since) if meter.since is not None else began
    async with services.db.reading() as session:
        readings = await load_readings(session, meter.device_id, register, began, now)
        away = _spans(await absences(session, meter.device_id, began))
    if not readings or readings[-1][0] < now - COUNTED:
        return None
    return await asyncio.to_thread(replay, meter, readings, away, now)


Away = Sequence[tuple[datetime, datetime | None]]
"""From when until when nobody was at home, as people told us."""


def replay(meter: Meter, readings: Readings, away: Away, now: datetime) -> Replayed:
    """Both sets of rules on one meter's readings; once where they are the same. Pure."""
    since = now - COUNTED
    course = course_of((seconds(at), round(value * 10_000)) for at, value in readings)

    def gap(at: datetime) -> tuple[datetime, datetime | None]:
        began, ended = course.gap(seconds(at))
        return moment(began), None if ended is None else moment(ended)

    before = backtest(readings, meter.present, since, now, absences=away)
    after = before
    if meter.present.rules != meter.proposed.rules:
        after = backtest(readings, meter.proposed, since, now, absences=away)
    return Replayed(
        present=alarms_of(before.found, meter.home_id, meter.device_id, gap),
        proposed=alarms_of(after.found, meter.home_id, meter.device_id, gap),
        days=before.days,
        reach=reach_of(readings, meter.proposed) if meter.present.role == WATER else None,
    )


def _spans(happened: Sequence[Happened]) -> Away:
    """Going away and coming home, in turns, as spans; the last may still last."""
    spans: list[tuple[datetime, datetime | None]] = []
    for one in happened:
        if one.act is Act.AWAY:
            spans.append((moment(one.at), None))
        elif spans:
            spans[-1] = (spans[-1][0], moment(one.at))
    return spans


async def _plan(session: AsyncSession, rule: WatchRule, now: datetime, zone: str) -> _Plan:
    wanted = homes_of(rule_of(rule))
    ids = (await session.scalars(wanted)).all()
    plan = _Plan(homes=len(ids), sampled=sampled(ids))
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


def _by_time(parts: Sequence[Sequence[Alarm]]) -> tuple[Alarm, ...]:
    alarms = [alarm for part in parts for alarm in part]
    return tuple(sorted(alarms, key=lambda one: (one.at, one.device_id, one.kind)))


def _counted(grades: Sequence[Grade]) -> dict[str, int]:
    counts = {grade.value: 0 for grade in Grade}
    for grade in grades:
        counts[grade.value] += 1
    return counts
