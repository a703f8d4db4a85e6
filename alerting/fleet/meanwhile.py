"""What people said and did while a meter was watched, as a replay of its readings takes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import MEANING, Result, heard_otherwise
from alerting.detectors.view import seconds
from alerting.finding import Severity
from alerting.incident import SEEN_TO, Outcome, Stage
from alerting.tables import Check, Incident
from alerting.trial.replay import Act, Happened
from care.model import ElderStatus
from care.supply import ROLES, is_short
from care.tables import Area, Binding, Device, Elder, ElderStatusEntry, Home, Interruption

_NOTHING = frozenset(result for result, meaning in MEANING.items() if meaning.was_false)
"""Results of a check by which the finding was nothing."""


async def what_people_did(session: AsyncSession, device_id: str, since: datetime) -> list[Happened]:
    """Outcomes of the device's incidents and results of its checks, as its detector was told."""
    happened: list[Happened] = []
    outcomes = await session.execute(
        select(Incident.kind, Incident.outcome, Incident.outcome_at).where(
            Incident.device_id == device_id,
            Incident.outcome.is_not(None),
            Incident.outcome_at >= since,
        )
    )
    for kind, outcome, when in outcomes:
        at = seconds(when or since)
        was_false = outcome == Outcome.FALSE_ALARM
        happened.append(Happened(at, Act.WAS_FALSE if was_false else Act.WAS_NOT, kind))
        happened.append(Happened(at, Act.SEEN if outcome in SEEN_TO else Act.REARM, kind))
    happened += await _cancelled(session, device_id, since)
    results = await session.execute(
        select(Check.kind, Check.result, Check.ended_at, Check.finding).where(
            Check.device_id == device_id, Check.result.in_(_NOTHING), Check.ended_at >= since
        )
    )
    for kind, result, when, finding in results:
        at = seconds(when or since)
        happened.append(Happened(at, Act.WAS_FALSE, kind))
        if heard_otherwise(Result(result), finding["facts"]):
            happened.append(Happened(at, Act.SEEN, kind))
    return happened


async def _cancelled(session: AsyncSession, device_id: str, since: datetime) -> list[Happened]:
    """Incidents that were withdrawn: nobody went to see, so the same may be found again."""
    rows = await session.execute(
        select(Incident.kind, Incident.closed_at).where(
            Incident.device_id == device_id,
            Incident.severity == Severity.WELFARE.value,
            Incident.stage == Stage.CANCELLED.value,
            Incident.closed_at >= since,
        )
    )
    told: list[Happened] = []
    for kind, when in rows:
        at = seconds(when or since)
        told += (Happened(at, Act.WAS_NOT, kind), Happened(at, Act.REARM, kind))
    return told


async def rests(
    session: AsyncSession, device_id: str, since: datetime, until: datetime
) -> list[Happened]:
    """When the device's standing still said nothing: nobody was there, or no water came."""
    return either(
        await absences(session, device_id, since),
        await dry_times(session, device_id, since, until),
    )


async def dry_times(
    session: AsyncSession, device_id: str, since: datetime, until: datetime
) -> list[Happened]:
    """When an interruption was recorded where the device hangs; it ends early where water ran.

    One that holds at `until` has no end yet. One too short to count explains nothing.
    """
    hangs = await session.execute(
        select(Device.role, Device.flowed_at, Area.path)
        .join(Binding, Binding.device_id == Device.id)
        .join(Home, Home.id == Binding.home_id)
        .join(Area, Area.id == Home.area_id)
        .where(Device.id == device_id, Binding.valid_to.is_(None))
    )
    place = hangs.first()
    kinds = [kind for kind, roles in ROLES.items() if place is not None and place.role in roles]
    if place is None or not kinds:
        return []
    rows = await session.execute(
        select(Interruption.begins_at, func.coalesce(Interruption.ended_at, Interruption.until))
        .where(
            Interruption.area_id.in_(place.path.split("/")),
            Interruption.kind.in_(kinds),
            Interruption.until.is_not(None),  # what was only suspected has none
            Interruption.begins_at <= until,
        )
        .order_by(Interruption.begins_at, Interruption.id)
    )
    happened: list[Happened] = []
    for begins_at, over_at in rows:
        if begins_at < (place.flowed_at or begins_at) < over_at:
            over_at = place.flowed_at
        if over_at <= since or is_short(begins_at, over_at):
            continue
        happened.append(Happened(seconds(max(begins_at, since)), Act.AWAY))
        if over_at <= until:
            happened.append(Happened(seconds(over_at), Act.HOME))
    return happened


def either(*spans: Iterable[Happened]) -> list[Happened]:
    """Times of resting for one reason or another, as one row of turns. Pure."""
    turns = sorted(
        (one.at, -1 if one.act is Act.AWAY else 1) for some in spans for one in some
    )  # what begins as another ends goes on
    merged: list[Happened] = []
    reasons = 0
    for at, turn in turns:
        reasons -= turn
        if turn < 0 and reasons == 1:
            merged.append(Happened(at, Act.AWAY))
        elif turn > 0 and not reasons:
            merged.append(Happened(at, Act.HOME))
    return merged


async def absences(session: AsyncSession, device_id: str, since: datetime) -> list[Happened]:
    """When nobody who lives in the device's home was there, by the history of their statuses."""
    lives_there = (
        select(Elder.id)
        .join(Binding, Binding.home_id == Elder.home_id)
        .where(Binding.device_id == device_id, Binding.valid_to.is_(None))
    )
    elders = (await session.scalars(lives_there)).all()
    entries = await session.execute(
        select(ElderStatusEntry.elder_id, ElderStatusEntry.at, ElderStatusEntry.status)
        .where(ElderStatusEntry.elder_id.in_(elders))
        .order_by(ElderStatusEntry.at, ElderStatusEntry.id)
    )
    history = ((elder, seconds(at), status) for elder, at, status in entries)
    return resting_spans(elders, history, seconds(since))


def resting_spans(
    elders: Iterable[str], history: Iterable[tuple[str, int, str]], since: int
) -> list[Happened]:
    """When all of them were away, from changes (elder, seconds, status) by rising time. Pure.

    What was so before `since` is said at its beginning.
    """
    at_home = set(elders)
    has_people, rested_at = bool(at_home), 0
    happened: list[Happened] = []
    for elder, at, status in history:
        if status == ElderStatus.HOME:
            at_home.add(elder)
        else:
            at_home.discard(elder)
        rests = has_people and not at_home
        if rests and not rested_at:
            rested_at = max(at, since)
            happened.append(Happened(rested_at, Act.AWAY))
        elif rested_at and not rests:
            if at > rested_at:
                happened.append(Happened(at, Act.HOME))
            else:
                happened.pop()  # it was over before `since`
            rested_at = 0
    return happened
