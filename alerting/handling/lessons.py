"""What people found out is told to the detector that asked, in the row of its device.

While a batch is taken in, the states of its devices are in its hands and written at its end; a
lesson that was learnt on the way would be overwritten. So lessons are noted, and learnt once the
states are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import detect
from alerting.detect import DeviceState, dump_state, load_state
from alerting.tables import Check, DeviceStateRow, Incident
from care.tables import Binding

Lesson = Callable[[DeviceState], DeviceState]
_KEY = "anju_lessons"


def was_nothing(kind: str) -> Lesson:
    """The finding was false: somebody was there and well."""
    return lambda state: detect.answered(state, kind, was_false=True)


def says_nothing(kind: str) -> Lesson:
    """The finding had a cause outside of the home: the rule is neither right nor wrong."""
    return lambda state: detect.answered(state, kind, was_false=False)


def was_seen(kind: str, at: datetime) -> Lesson:
    """Somebody heard or saw the elder at `at`: the stillness counts anew from then on."""
    return lambda state: detect.seen(state, kind, at)


async def hold_memory(
    session: AsyncSession, table: type[Check] | type[Incident], ident: str
) -> None:
    """Lock the state of the device that a check or an incident is about, before that row itself.

    A message holds the states first, and then what it opens or ends; whoever locks the other way
    round and teaches the detector afterwards waits for the message, and it for them.
    """
    device_id = select(table.device_id).where(table.id == ident).scalar_subquery()
    await session.execute(
        select(DeviceStateRow.device_id)
        .where(DeviceStateRow.device_id == device_id)
        .with_for_update()
    )


async def hold_memories(session: AsyncSession, home_ids: Collection[str]) -> None:
    """Lock the states of all devices of these homes, in device order, before anything else of them.

    Everywhere rows are locked in this order: states of devices; the check; the incident; the
    elder; devices; notices. A message holds states before it knows what it will lead to, so
    whoever needs a state asks for it first (docs/development.md).
    """
    hangs_there = select(Binding.device_id).where(
        Binding.home_id.in_(home_ids), Binding.valid_to.is_(None)
    )
    await session.execute(
        select(DeviceStateRow.device_id)
        .where(DeviceStateRow.device_id.in_(hangs_there))
        .order_by(DeviceStateRow.device_id)
        .with_for_update()
    )


async def hold_memory_of(session: AsyncSession, device_id: str) -> None:
    """The same of one device, before its own row is changed."""
    row = select(DeviceStateRow.device_id).where(DeviceStateRow.device_id == device_id)
    await session.execute(row.with_for_update())


def note(session: AsyncSession, device_id: str | None, lesson: Lesson) -> None:
    """Remember it until `learn`, within this transaction."""
    if device_id is not None:
        session.info.setdefault(_KEY, []).append((device_id, lesson))


async def learn(session: AsyncSession) -> None:
    """Put what was noted into the stored states, each row locked, in device order."""
    noted: list[tuple[str, Lesson]] = session.info.pop(_KEY, [])
    if not noted:
        return
    await session.flush()
    rows = await session.scalars(
        select(DeviceStateRow)
        .where(DeviceStateRow.device_id.in_({device_id for device_id, _ in noted}))
        .order_by(DeviceStateRow.device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    by_id = {row.device_id: row for row in rows}
    for device_id, lesson in noted:
        row = by_id.get(device_id)
        if row is not None:
            row.state = dump_state(lesson(load_state(row.state)))
    await session.flush()
