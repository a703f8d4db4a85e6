"""A meter's memory made anew from what is stored: its readings, and what people did meanwhile.

Nothing is found or opened by it. What the replay finds still standing and nobody was told of is
left to the next judgement, which is asked for at once: a gap that runs is not lost with the state.

The replay runs outside of any transaction, so that nobody waits for a meter that is read every
minute. It is stored under the lock of the state's row, together with what arrived meanwhile; where
something else changed that it rests on, it is made once more. Until then nothing has happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import and_, or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import DeviceState, dump_state, forget, load_state
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.liveness import NEVER_ONLINE_AFTER_S
from alerting.detectors.view import DEFAULT_ZONE, moment, seconds
from alerting.fleet.basis import Basis, load_basis, series_of
from alerting.intake.heard import KnownDevice
from alerting.intake.store import load_devices, save_states
from alerting.tables import Check, DeviceStateRow, Incident
from alerting.trial.pieces import pause, run_in_pieces
from alerting.trial.replay import Replay, Told
from alerting.trial.stored import load_series
from care import device_log
from care.model import SYSTEM, Actor
from care.tables import Binding, Device
from core.clock import Clock
from core.db import Database, was_broken_off
from core.errors import Conflict, NotFound

_NEXT = timedelta(microseconds=1)
TRIES = 5
"""A meter that is read every minute may bring a late reading while it is replayed."""

MOST = 40_000
"""Readings in one replay: 120 days of one every five minutes."""

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
    db: Database,
    device_id: str,
    clock: Clock,
    *,
    zone: str = DEFAULT_ZONE,
    actor: Actor = SYSTEM,
) -> Rebuilt:
    """Replay a meter's stored readings, up to 120 days, and save the state under its row's lock.

    Of a meter that is read every minute not all of them (`thinned`). Raises `NotFound` for a
    device that is not in service, `InvalidInput` for one that is no meter, `Conflict` where it
    changed again and again meanwhile.
    """
    for _ in range(TRIES):
        async with db.reading() as session:
            basis = await load_basis(session, device_id, clock.now(), zone)
            found = await series_of(session, basis)
        (times, values), course = thinned(*found), basis.course()
        await asyncio.to_thread(run_in_pieces, course, times, values, pause)
        try:
            async with db.transaction(patient=True) as session:
                return await _store(session, basis, course, times, clock.now(), actor)
        except _Changed:
            continue
        except DBAPIError as error:
            if not was_broken_off(error):
                raise
    raise Conflict(f"{device_id} changed again and again while it was replayed; try again")


class _Changed(Exception):
    """What the replay rests on is not what it was: rules, what people did, or old readings."""


async def _store(
    session: AsyncSession,
    basis: Basis,
    course: Replay,
    times: Sequence[int],
    now: datetime,
    actor: Actor,
) -> Rebuilt:
    """Catch up with what arrived since, and save. Raises `_Changed` where that is not enough."""
    device_id, zone = basis.view.id, basis.view.zone
    device = (await load_devices(session, [device_id], zone)).get(device_id)
    if device is None:
        raise NotFound("device", device_id)
    if basis != await load_basis(session, device_id, basis.read_at, zone):
        raise _Changed
    more = await load_series(session, device_id, basis.register, basis.read_at + _NEXT, now)
    old = load_state(device.state)
    course.state = replace(course.state, levels=old.levels, person=old.person)
    course.run(more.times, more.values)
    course.pass_time(seconds(now) + 1, len(more.times) - 1)
    state, standing = course.state, []
    for kind, told in sorted(course.standing.items()):
        if await _is_known(session, device_id, told):
            standing.append(kind)
        else:
            state = forget(state, kind)
    await _save(session, device, state, now)
    habit = state.water.habit if state.water is not None else None
    all_times = [*times, *more.times]
    device_log.note(session, device_id, "rebuilt", now, actor, readings=len(all_times))
    return Rebuilt(
        device_id=device_id,
        readings=len(all_times),
        since=moment(all_times[0]) if all_times else None,
        learnt_days=habit.days if habit is not None else 0,
        standing=tuple(standing),
    )


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


async def heal(db: Database, device_id: str, clock: Clock, zone: str) -> Rebuilt | None:
    """Make an unreadable state good: a meter's from its readings, any other begins with nothing."""
    async with db.transaction(patient=True) as session:
        device = (await load_devices(session, [device_id], zone)).get(device_id)
        if device is None:
            return None
        if device.role not in REGISTERS:
            state = replace(load_state(device.state), rebuilt=0)
            await _save(session, device, state, clock.now())
            return None
    return await rebuild(db, device_id, clock, zone=zone)


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
    if not device.is_stored:  # it never spoke, and is waited for like any newcomer
        device.silent_after = now + timedelta(seconds=NEVER_ONLINE_AFTER_S)
    await save_states(session, [device])
