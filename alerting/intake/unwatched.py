"""Elders whom nothing watches any more become a task for people, in time; acted on here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.view import DEFAULT_ZONE
from alerting.handling.opening import apply_finding
from alerting.incident import SEEN_TO, UNATTENDED
from alerting.intake.watched import MassOutage, mass_outage, standings, unwatched_elders
from alerting.intake.whose import SUPERVISION, Whose
from alerting.supervision import (
    Standing,
    Verdict,
    due_at,
    due_of_late_news,
    is_late_news,
    judge,
    lost_as_facts,
    supervised_again,
    unsupervised,
)
from alerting.tables import Incident
from care.model import ElderStatus
from care.policy import SupervisionRules
from care.tables import Area, Elder, Home, Supervision

MOST_AT_ONCE = 200
ASKED_AGAIN_AFTER = timedelta(hours=1)


async def elders_to_judge(session: AsyncSession, now: datetime) -> list[str]:
    """Elders whom nothing seems to watch, and those who are known not to be."""
    known = await session.scalars(select(Supervision.elder_id))
    return sorted({*known, *await unwatched_elders(session, now)})


async def look_for_mass_outage(
    session: AsyncSession, now: datetime, rules: SupervisionRules
) -> MassOutage:
    return await mass_outage(session, now, rules.mass_share, rules.mass_homes)


async def watch_elders(
    session: AsyncSession,
    ids: Sequence[str],
    now: datetime,
    rules: SupervisionRules,
    mass: MassOutage,
    zone: str = DEFAULT_ZONE,
) -> list[str]:
    """Judge these elders, at most `MOST_AT_ONCE`; returns the ids of incidents that came of it.

    To be called only while our own lanes are connected and caught up: silence that is ours must
    not send people to every door. `zone`: of their homes.
    """
    elders = (await session.scalars(select(Elder).where(Elder.id.in_(ids)))).all()
    rows = await session.scalars(select(Supervision).where(Supervision.elder_id.in_(ids)))
    known = {row.elder_id: row for row in rows}
    devices = await standings(session, elders, now, zone)
    touched: list[str] = []
    for elder in sorted(elders, key=lambda one: one.id):
        row, stands = known.get(elder.id), devices[elder.id]
        verdict = judge([device for device, _ in stands])
        if verdict.since is None or elder.status != ElderStatus.HOME:
            touched += await _let_go(session, elder, row, verdict, now)
            continue
        if row is not None and row.since < verdict.since:
            # A meter that cannot be assessed goes on speaking: it is lost since it first was.
            verdict = replace(verdict, since=row.since)
        home = await session.get_one(Home, elder.home_id)
        extreme = await _extreme(session, home, stands, mass, now)
        hours = rules.hours_for(elder.tier, extreme=extreme is not None)
        row = row or _noticed(session, elder, verdict, hours, now)
        if row.incident_id is None:
            row.since = verdict.since or now
            row.due_at = _due_at(row, hours, extreme, ZoneInfo(zone))
        else:
            row.due_at = await _asked_again(session, row, hours, rules, now)
        row.data = row.data | {
            "hours": hours,
            "extreme": extreme,
            "lost": lost_as_facts((*verdict.lost, *verdict.idle)),
        }
        if row.due_at is not None and row.due_at <= now:
            finding = unsupervised(verdict, hours, extreme, now)
            incident = await apply_finding(session, finding, await _whose(session, elder), now)
            row.due_at = None if incident is not None else now + ASKED_AGAIN_AFTER
            if incident is not None:
                row.incident_id = incident.id
                touched.append(incident.id)
    await session.flush()
    return touched


def _noticed(
    session: AsyncSession, elder: Elder, verdict: Verdict, hours: int, now: datetime
) -> Supervision:
    """A new row, for an elder whom nothing watches as of now."""
    data: dict[str, Any] = {"noticed_at": now.isoformat()}
    if is_late_news(verdict, hours, now):
        data["late_news"] = True
    row = Supervision(elder_id=elder.id, since=verdict.since, due_at=now, data=data)
    session.add(row)
    return row


def _due_at(row: Supervision, hours: int, extreme: str | None, zone: ZoneInfo) -> datetime:
    noticed_at = datetime.fromisoformat(row.data["noticed_at"])
    if row.data.get("late_news") and extreme is None:
        return due_of_late_news(hours, noticed_at, zone)
    return due_at(row.since, hours, noticed_at)


async def _let_go(
    session: AsyncSession, elder: Elder, row: Supervision | None, verdict: Verdict, now: datetime
) -> list[str]:
    """Watched again, or nobody to watch: the clock stops; a case that runs is never closed."""
    if row is None:
        return []
    incident = None
    if row.incident_id is not None and verdict.what == "watched":
        whose = await _whose(session, elder)
        incident = await apply_finding(session, supervised_again(now), whose, now)
    await session.delete(row)
    return [incident.id] if incident is not None else []


async def _asked_again(
    session: AsyncSession, row: Supervision, hours: int, rules: SupervisionRules, now: datetime
) -> datetime | None:
    """When to send people anew: the case is over and still nothing watches. None while it runs.

    After somebody saw or spoke with the elder there is more time; after any other end there is not.
    """
    incident = await session.get(Incident, row.incident_id)
    if incident is None:
        return now
    if incident.stage in UNATTENDED:
        return None
    ended_at = incident.outcome_at or incident.closed_at or incident.stage_changed_at
    pause = rules.again_hours if incident.outcome in SEEN_TO else hours
    return ended_at + timedelta(hours=pause)


async def _extreme(
    session: AsyncSession,
    home: Home,
    stands: Sequence[tuple[Standing, str]],
    mass: MassOutage,
    now: datetime,
) -> str | None:
    """Why people go sooner than usual: `extreme_weather`, `mass_outage`, or not at all."""
    area = await session.get(Area, home.area_id) if home.area_id else None
    if area is not None:
        above = [part for part in area.path.split("/") if part]
        alerted = select(Area.id).where(Area.id.in_(above), Area.alert_until > now).limit(1)
        if await session.scalar(alerted) is not None:
            return "extreme_weather"
    sources = {source_id for _, source_id in stands}
    return "mass_outage" if home.area_id in mass.areas or sources & mass.sources else None


async def _whose(session: AsyncSession, elder: Elder) -> Whose:
    """The home, and its elder by name where only one lives there."""
    home = await session.get_one(Home, elder.home_id)
    living = (await session.scalars(select(Elder.id).where(Elder.home_id == home.id))).all()
    return Whose(
        source_id=SUPERVISION,
        child_id=elder.id,
        elder_id=elder.id if len(living) == 1 else None,
        home_id=home.id,
        area_id=home.area_id,
    )
