"""What a replay of a meter's readings rests on: if it is the same later, so is the replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import DeviceState, DeviceView, load_state
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.view import seconds
from alerting.fleet.meanwhile import rests, what_people_did
from alerting.intake.store import view_of
from alerting.tables import DeviceStateRow, ReadingRow
from alerting.trial.replay import Act, Happened, Replay
from alerting.trial.stored import Series, load_series
from care.tables import Binding, Device, DeviceLog
from core.errors import InvalidInput, NotFound

LONGEST = timedelta(days=120)
"""Readings older than this have faded from a state anyway (docs/detection.md)."""

_NEXT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Swap:
    """Another meter was hung in the place of the one that had been read until then."""

    at: datetime
    first: float | None  # the new register's value then, where somebody noted it
    of: str | None = None  # the device that was read until then, where it was another one
    of_since: datetime | None = None  # from when on its readings belong to this home

    def act(self) -> Happened:
        """What it is to a replay: after the old register's last reading, before the new one's."""
        return Happened(seconds(self.at) - 1, Act.SWAPPED, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """As it was at `read_at`; equal for the same `read_at` as long as nothing changed."""

    view: DeviceView
    register: str
    began: datetime  # readings before are another home's, or too old
    swap: Swap | None  # the last one since then
    read_at: datetime
    happened: tuple[Happened, ...] = field(compare=False)  # what people said and did, by time
    acts: tuple[Happened, ...]  # the same in an order that does not depend on the database
    readings: int  # from `began` to `read_at`: one that comes late makes it another basis
    levels: DeviceState = field(compare=False)  # alarms that last are no part of the readings

    def course(self) -> Replay:
        """A replay that has not begun."""
        was_watched = replace(self.view, resting=False)  # until `happened` says otherwise
        course = Replay(was_watched, feedback=False, happened=self.happened)
        course.state = self.levels
        return course


async def load_basis(session: AsyncSession, device_id: str, at: datetime, zone: str) -> Basis:
    """What a replay of this meter's readings up to `at` rests on; locks nothing.

    Raises `NotFound` for a device that is not in service, `InvalidInput` for one that is no meter.
    """
    device = await session.get(Device, device_id)
    if device is None or not device.active:
        raise NotFound("device", device_id)
    register = REGISTERS.get(device.role)
    if register is None:
        raise InvalidInput("device", f"{device_id} is no meter: there is nothing to make it from")
    began = await _began(session, device_id, at)
    swap = await _last_swap(session, device_id, began) or await _replaced(session, device, began)
    happened = [
        *([] if swap is None else [swap.act()]),
        *await what_people_did(session, device_id, began),
        *await rests(session, device_id, began, at),
    ]
    old = load_state(
        await session.scalar(
            select(DeviceStateRow.state).where(DeviceStateRow.device_id == device_id)
        )
    )
    counted = await session.scalar(
        select(func.count())
        .select_from(ReadingRow)
        .where(ReadingRow.device_id == device_id, ReadingRow.register == register)
        .where(ReadingRow.at.between(began, at))
    )
    return Basis(
        view=view_of(device, zone),
        register=register,
        began=began,
        swap=swap,
        read_at=at,
        happened=tuple(sorted(happened, key=lambda one: one.at)),
        acts=tuple(sorted(happened)),
        readings=counted or 0,
        levels=DeviceState(levels=old.levels, person=old.person),
    )


async def series_of(session: AsyncSession, basis: Basis) -> Series:
    """The readings that are replayed: those before a swap, its noted value, and those after it.

    What was read in the second of a swap is the old meter's, and says nothing of the new one.
    """
    swap, whose = basis.swap, (basis.view.id, basis.register)
    if swap is None:
        return await load_series(session, *whose, basis.began, basis.read_at)
    old = await load_series(
        session,
        swap.of or basis.view.id,
        basis.register,
        swap.of_since or basis.began,
        swap.at - timedelta(seconds=1),
    )
    new = await load_series(session, *whose, swap.at + _NEXT, basis.read_at)
    times, values = ([], []) if swap.first is None else ([seconds(swap.at)], [swap.first])
    return Series(old.times + times + new.times, old.values + values + new.values)


async def _began(session: AsyncSession, device_id: str, now: datetime) -> datetime:
    """From when on readings belong to this home."""
    began = now - LONGEST
    elsewhere = await session.scalar(
        select(Binding.valid_to)
        .where(Binding.device_id == device_id, Binding.valid_to.is_not(None))
        .order_by(Binding.valid_to.desc())
        .limit(1)
    )
    # Of its first home all readings are its own, those that were imported from before too.
    return max(began, elsewhere) if elsewhere is not None else began


async def _last_swap(session: AsyncSession, device_id: str, began: datetime) -> Swap | None:
    swapped = await session.scalar(
        select(DeviceLog.data)
        .where(DeviceLog.device_id == device_id, DeviceLog.kind == "meter_swapped")
        .order_by(DeviceLog.id.desc())
        .limit(1)
    )
    at = datetime.fromisoformat(swapped["at"]) if swapped else None
    if swapped is None or at is None or at < began:
        return None
    return Swap(at=at, first=swapped.get("start_value"))


async def _replaced(session: AsyncSession, device: Device, began: datetime) -> Swap | None:
    """The device that hung there before, while this one is still where it took its place."""
    at, old_id = device.enrolled_at, device.replaces_id
    if old_id is None or at is None or at < began:
        return None
    ended = await session.scalars(
        select(Binding.valid_to)
        .where(Binding.device_id == old_id, Binding.valid_to.is_not(None))
        .order_by(Binding.valid_to.desc())
        .limit(2)
    )
    _, *elsewhere = ended.all() or [None]
    since = max([began, *(one for one in elsewhere if one is not None)])
    return Swap(at=at, first=None, of=old_id, of_since=since)
