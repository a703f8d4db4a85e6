"""What people said and did while a meter was watched, as a replay of its readings takes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import MEANING, Result, heard_otherwise
from alerting.detectors.view import seconds
from alerting.finding import Severity
from alerting.incident import SEEN_TO, Outcome, Stage
from alerting.tables import Check, Incident
from alerting.trial.replay import Act, Happened
from care.model import ElderStatus
from care.tables import Binding, Elder, ElderStatusEntry

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
