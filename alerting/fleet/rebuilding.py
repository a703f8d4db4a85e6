"""A meter's memory made anew from what is stored: its readings, and what people did meanwhile.

Nothing is found or opened by it. What the replay finds still standing and nobody was told of is
left to the next judgement, which is asked for at once: a gap that runs is not lost with the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import DeviceState, dump_state, forget, load_state
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.view import DEFAULT_ZONE, moment, seconds
from alerting.fleet.meanwhile import absences, what_people_did
from alerting.intake.heard import KnownDevice
from alerting.intake.store import load_devices, save_states
from alerting.tables import Check, DeviceStateRow, Incident
from alerting.trial.replay import Replay, Told
from alerting.trial.stored import load_series
from care import device_log
from care.model import SYSTEM, Actor
from care.tables import Binding, Device, DeviceLog
from core.errors import InvalidInput, NotFound

_NEXT = timedelta(microseconds=1)
LONGEST = timedelta(days=120)
"""Readings older than this have faded from a state anyway (docs/detection.md)."""

MOST = 40_000
"""Readings in one replay, which holds a transaction: 120 days of one every five minutes."""

_APART_S = 5 * 60
_WHOLE_S = 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """What a state was made from, and what it knows now."""

    device_id: str
    readings: int
    since: datetime | None  # of the first reading; None: there was none
    learnt_days: int  # of the adaptive rule; 0 where a fixed one watches
    standing: tuple[str, ...]  # kinds that hold and that people know of


async def rebuild(
    session: AsyncSession,
    device_id: str,
    now: datetime,
    *,
    zone: str = DEFAULT_ZONE,
    actor: Actor = SYSTEM,
) -> Rebuilt:
    """Replay a meter's stored readings, up to 120 days, and save the state under its row's lock.

    Of a meter that is read every minute not all of them (`thinned`): everybody would wait.

    Raises `NotFound` for a device that is not in service, `InvalidInput` for one that is no meter.
    """
    device = (await load_devices(session, [device_id], zone)).get(device_id)
    if device is None:
        raise NotFound("device", device_id)
    register = REGISTERS.get(device.role)
    if register is None:
        raise InvalidInput("device", f"{device_id} is no meter: there is nothing to make it from")
    began, first = await _began(session, device_id, now)
    times, values = await load_series(session, device_id, register, began, now)
    times, values = thinned(times, values)
    if first is not None:
        times, values = [seconds(began), *times], [first, *values]
    happened = [
        *await what_people_did(session, device_id, began),
        *await absences(session, device_id, began),
    ]
    course = Replay(device.view, feedback=False, happened=sorted(happened, key=lambda one: one.at))
    old = load_state(device.state)
    course.state = DeviceState(levels=old.levels, person=old.person)
    course.run(times, values)
    course.pass_time(seconds(now) + 1, len(times) - 1)
    state, standing = course.state, []
    for kind, told in sorted(course.standing.items()):
        if await _is_known(session, device_id, told):
            standing.append(kind)
        else:
            state = forget(state, kind)
    await _save(session, device, state, now)
    habit = state.water.habit if state.water is not None else None
    rebuilt = Rebuilt(
        device_id=device_id,
        readings=len(times),
        since=moment(times[0]) if times else None,
        learnt_days=habit.days if habit is not None else 0,
        standing=tuple(standing),
    )
    device_log.note(session, device_id, "rebuilt", now, actor, readings=len(times))
    return rebuilt


def thinned(times: list[int], values: list[float]) -> tuple[list[int], list[float]]:
    """At most `MOST` readings: of more, the last day whole, and before it the last of every five
    minutes, as many as there is room for. Registers only add up: nothing that was used is lost."""
    if len(times) <= MOST:
        return times, values
    whole_from = times[-1] - _WHOLE_S
    kept = [
        row
        for row, at in enumerate(times)
        if at >= whole_from or times[row + 1] // _APART_S > at // _APART_S
    ][-MOST:]
    return [times[row] for row in kept], [values[row] for row in kept]


async def heal(session: AsyncSession, device_id: str, now: datetime, zone: str) -> Rebuilt | None:
    """Make an unreadable state good: a meter's from its readings, any other begins with nothing."""
    device = (await load_devices(session, [device_id], zone)).get(device_id)
    if device is None:
        return None
    if device.role in REGISTERS:
        return await rebuild(session, device_id, now, zone=zone)
    await _save(session, device, replace(load_state(device.state), rebuilt=0), now)
    return None


async def unreadable(session: AsyncSession, ids: Sequence[str]) -> list[str]:
    """Those of these devices whose stored state could not be read, and is to be made anew."""
    rows = await session.execute(
        select(DeviceStateRow.device_id, DeviceStateRow.state)
        .where(DeviceStateRow.device_id.in_(ids))
        .order_by(DeviceStateRow.device_id)
    )
    return [device_id for device_id, text in rows if load_state(text).rebuilt]


async def meters(session: AsyncSession) -> Sequence[str]:
    """Ids of all meters in service."""
    query = select(Device.id).where(Device.active, Device.role.in_(REGISTERS)).order_by(Device.id)
    return (await session.scalars(query)).all()


async def _began(
    session: AsyncSession, device_id: str, now: datetime
) -> tuple[datetime, float | None]:
    """From when on readings belong to this meter in this home, and its first value if noted."""
    began = now - LONGEST
    elsewhere = await session.scalar(
        select(Binding.valid_to)
        .where(Binding.device_id == device_id, Binding.valid_to.is_not(None))
        .order_by(Binding.valid_to.desc())
        .limit(1)
    )
    # Of its first home all readings are its own, those that were imported from before too.
    began = max(began, elsewhere) if elsewhere is not None else began
    swapped = await session.scalar(
        select(DeviceLog.data)
        .where(DeviceLog.device_id == device_id, DeviceLog.kind == "meter_swapped")
        .order_by(DeviceLog.id.desc())
        .limit(1)
    )
    at = datetime.fromisoformat(swapped["at"]) if swapped else None
    if swapped is None or at is None or at < began:
        return began, None
    return at + _NEXT, swapped.get("start_value")  # what was read just then was the old one's


async def _is_known(session: AsyncSession, device_id: str, told: Told) -> bool:
    """Whether people were told of what still stands: a case or a check of its kind, since then."""
    since = told.finding.facts.get("since")
    began = datetime.fromisoformat(since) if isinstance(since, str) else moment(told.at)
    home = (
        select(Binding.home_id)
        .where(Binding.device_id == device_id, Binding.valid_to.is_(None))
        .scalar_subquery()
    )
    for table in (Incident, Check):
        mine = or_(table.device_id == device_id, and_(home.is_not(None), table.home_id == home))
        found = await session.scalar(
            select(table.id)
            .where(mine, table.kind == told.finding.kind, table.opened_at >= began)
            .limit(1)
        )
        if found is not None:
            return True
    return False


async def _save(
    session: AsyncSession, device: KnownDevice, state: DeviceState, now: datetime
) -> None:
    device.state, device.judge_at, device.dirty = dump_state(state), now, True
    await save_states(session, [device])
