"""Absences begin, end, and end by themselves: the status is care's, what follows from it is here.

When somebody is at home again while a meter still stands still, its gap counts from that moment:
the days before were nobody's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.check import Purpose
from alerting.detect import DeviceState, dump_state, load_state, seen
from alerting.handling.lessons import hold_memories
from alerting.incident import Outcome
from alerting.queries import elders_of
from alerting.tables import Check, DeviceStateRow, Incident, StreamHint
from care import people
from care.handing_down import welfare_rests
from care.model import SYSTEM, Actor, ElderStatus
from care.status import ENDING, history, set_status
from care.tables import Binding, Device, Elder, EmergencyContact, Home
from core.db import add_hint
from core.errors import Conflict

STILLNESS = ("no_water_use", "no_power_use")
"""Kinds of findings that rest on how long something stood still."""

_GONE = (ElderStatus.MOVED, ElderStatus.DECEASED)
_STATUS_AFTER: Mapping[str, ElderStatus] = {
    Outcome.HOSPITAL: ElderStatus.HOSPITAL,
    Outcome.DECEASED: ElderStatus.DECEASED,
}

OVERDUE_AFTER = timedelta(minutes=2)
"""An absence that should have ended this long ago is an alarm about Anju itself."""


async def create_elder(session: AsyncSession, actor: Actor, now: datetime, **fields: Any) -> Elder:
    """`care.people.create_elder`, and detectors count anew where nobody was at home before."""
    home_id = fields.get("home_id")
    async with counting_anew(session, [home_id] if home_id is not None else [], now):
        return await people.create_elder(session, actor, now, **fields)


async def update_elder(
    session: AsyncSession, actor: Actor, now: datetime, elder_id: str, changes: Mapping[str, Any]
) -> Elder:
    """`care.people.update_elder`, and detectors count anew where somebody is at home again."""
    before = await session.get(Elder, elder_id)
    homes = [before.home_id] if before is not None else []
    if "home_id" in changes:
        homes.append(changes["home_id"])
    async with counting_anew(session, homes, now):
        elder = await people.update_elder(session, actor, now, elder_id, changes)
    await _ask_nobody(session, elder.home_id, now)
    announce(session, elder, now)
    return elder


async def update_home(
    session: AsyncSession, actor: Actor, now: datetime, home_id: str, changes: Mapping[str, Any]
) -> Home:
    """`care.people.update_home`, and meters count anew where the new area has water again."""
    async with counting_anew(session, [home_id], now):
        return await people.update_home(session, actor, now, home_id, changes)


async def _ask_nobody(session: AsyncSession, home_id: str, now: datetime) -> None:
    """Where nobody is at home any more a running check is due at once, and withdrawn: the telephone
    of somebody who died must not ring once more."""
    if not await welfare_rests(session, home_id, None, None, now):
        return
    await session.execute(
        update(Check)
        .where(Check.home_id == home_id, Check.purpose == Purpose.WELLBEING.value)
        .where(Check.due_at > now)
        .values(due_at=now)
    )


async def due_absences(session: AsyncSession, now: datetime, limit: int = 50) -> Sequence[str]:
    """Ids of elders whose time away or in hospital is over, longest over first."""
    return await _past(session, now, limit)


async def overdue(session: AsyncSession, now: datetime) -> Sequence[str]:
    """The auditor asks: whose absence should have ended, and nobody acted?"""
    return await _past(session, now - OVERDUE_AFTER, 50)


async def _past(session: AsyncSession, moment: datetime, limit: int) -> Sequence[str]:
    query = (
        select(Elder.id)
        .where(Elder.status.in_(ENDING), Elder.status_review_at <= moment)
        .order_by(Elder.status_review_at, Elder.id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def end_absence(session: AsyncSession, elder_id: str, now: datetime) -> bool:
    """The date has passed: watching resumes. False when somebody moved the date meanwhile."""
    lives_in = await session.scalar(select(Elder.home_id).where(Elder.id == elder_id))
    await hold_memories(session, [lives_in] if lives_in is not None else [])
    elder = await session.scalar(
        select(Elder)
        .where(Elder.id == elder_id, Elder.status.in_(ENDING), Elder.status_review_at <= now)
        .with_for_update(skip_locked=True)
    )
    if elder is None:
        return False
    async with counting_anew(session, [elder.home_id], now):
        await set_status(session, elder, ElderStatus.HOME, now, actor=SYSTEM, reason="until_passed")
    announce(session, elder, now)
    return True


async def said_away(
    session: AsyncSession,
    incident: Incident,
    contact: EmergencyContact,
    elder: Elder,
    until: datetime,
    now: datetime,
) -> None:
    """Family says that the elder is away. The incident goes on: a person at the desk closes it."""
    actor = _as_actor(contact)
    await set_status(
        session, elder, ElderStatus.AWAY, now, actor=actor, until=until, reason="family"
    )
    data = {"elder": elder.name, "relation": contact.relation or "", "until": until.isoformat()}
    _tell(session, incident, "said_away", actor, data, now)
    announce(session, elder, now)


async def said_back(
    session: AsyncSession,
    incident: Incident,
    contact: EmergencyContact,
    elder: Elder,
    now: datetime,
) -> None:
    """The contact takes back the absence they reported; raises `Conflict` for any other."""
    if not await is_away_by(session, elder, contact):
        raise Conflict("this absence was not set by this contact, or is over")
    actor = _as_actor(contact)
    async with counting_anew(session, [elder.home_id], now):
        await set_status(session, elder, ElderStatus.HOME, now, actor=actor, reason="family")
    data = {"elder": elder.name, "relation": contact.relation or ""}
    _tell(session, incident, "said_back", actor, data, now)
    announce(session, elder, now)


async def is_away_by(session: AsyncSession, elder: Elder, contact: EmergencyContact) -> bool:
    """Whether the elder is away, and this contact was the last to say so."""
    last = await history(session, elder.id, limit=1)
    return (
        elder.status == ElderStatus.AWAY
        and bool(last)
        and last[0].reason == "family"
        and last[0].actor_id == contact.id
    )


async def follow_outcome(
    session: AsyncSession, incident: Incident, actor: Actor, now: datetime
) -> None:
    """Who was taken to hospital or died is not waited for at home: the outcome is their status.

    Only where there is no doubt whose: with several residents people say it. A stay in hospital
    ends by its date and by use, and never takes the place of what was put down before.
    """
    living = [one for one in await elders_of(session, incident) if one.status not in _GONE]
    status = _STATUS_AFTER.get(incident.outcome or "")
    if status is None or len(living) != 1 or incident.mode != "actual":
        return
    [elder] = living
    if status is ElderStatus.HOSPITAL and elder.status != ElderStatus.HOME:
        return
    await set_status(session, elder, status, now, actor=actor, reason="staff")
    data = {"elder": elder.name}
    if status is ElderStatus.HOSPITAL and elder.status_review_at is not None:
        data["until"] = elder.status_review_at.isoformat()
    _tell(session, incident, f"status_{status.value}", actor, data, now)
    announce(session, elder, now)


def announce(session: AsyncSession, elder: Elder, now: datetime) -> None:
    """Tell every open page that an elder changed, once the transaction has committed."""
    add_hint(session, StreamHint(topic="elder", ref_id=elder.id, area_id=elder.area_id, at=now))


@asynccontextmanager
async def counting_anew(
    session: AsyncSession, home_ids: Collection[str], now: datetime
) -> AsyncIterator[None]:
    """Around a change of statuses: devices that rested before and do not after it begin anew.

    Their states are locked before the elders are, as whoever takes in a message has it.
    """
    await hold_memories(session, home_ids)
    before = await resting_devices(session, home_ids)
    yield
    await count_rows_anew(session, before - await resting_devices(session, home_ids), now)


async def count_rows_anew(
    session: AsyncSession, device_ids: Collection[str], now: datetime
) -> None:
    """The stored states of these devices count from now; rows are locked in device order."""
    if not device_ids:
        return
    rows = await session.scalars(
        select(DeviceStateRow)
        .where(DeviceStateRow.device_id.in_(device_ids))
        .order_by(DeviceStateRow.device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in rows:
        row.state = dump_state(counted_anew(load_state(row.state), now))
    await session.flush()


async def resting_devices(session: AsyncSession, home_ids: Collection[str]) -> set[str]:
    """Ids of the devices of these homes that rest: nobody is there, or no water comes."""
    query = (
        select(Device.id)
        .join(Binding, Binding.device_id == Device.id)
        .where(
            Binding.home_id.in_(home_ids),
            Binding.valid_to.is_(None),
            or_(Device.resting_since.is_not(None), Device.dry_since.is_not(None)),
        )
    )
    return set(await session.scalars(query))


def counted_anew(state: DeviceState, at: datetime) -> DeviceState:
    """The state with every gap counting from `at`; nothing is learnt from what went before."""
    for kind in STILLNESS:
        state = seen(state, kind, at)
    return state


def _as_actor(contact: EmergencyContact) -> Actor:
    return Actor(id=contact.id, name=contact.name, role="contact")


def _tell(
    session: AsyncSession,
    incident: Incident,
    kind: str,
    actor: Actor,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    timeline.append(session, incident.id, at=now, now=now, kind=kind, actor=actor, data=data)
    timeline.touch(session, incident, now)
