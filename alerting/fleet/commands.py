"""Commands to devices: asked for, sent once, and what the device said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.queries import device
from care.model import Actor
from care.paging import Order as Sorting
from care.paging import Page, PageRequest, fetch_page
from care.queries import Sight
from care.tables import Device, DeviceCommand, Source, SourceChild
from core.errors import Conflict, InvalidInput
from core.ids import new_id
from devices.downlink import Downlink, Order, possible
from devices.event import DeviceEvent
from devices.registry import FAMILIES

AWAKE_WITHIN_S = 60
LONGEST_WAIT_S = 86_400
MOST_AT_ONCE = 50
_DETAIL = 500
_LATEST = Sorting(
    name="commands", key=DeviceCommand.requested_at, ident=DeviceCommand.id, newest_first=True
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatch:
    """A command that was marked as sent and now has to be published."""

    id: str
    topic: str
    payload: bytes


async def request(
    session: AsyncSession, actor: Actor, now: datetime, device_id: str, command: str
) -> DeviceCommand:
    """Have a device asked to do something; it is sent after the commit.

    It expires after a minute; for a device that speaks more rarely, and only hears while it does,
    after its own interval. Raises `InvalidInput` naming what this device can do, `Conflict` for
    one that was switched off.
    """
    row = (await device(session, Sight(actor=actor), device_id)).device
    if not row.active:
        raise Conflict("the device is switched off")
    downlink, order = await _order(session, row, new_id("cmd"), command)
    known = possible(downlink, order)
    if command not in known and not (downlink is not None and downlink.takes_any):
        able = f"it can do {', '.join(known)}" if known else "it cannot be spoken to"
        raise InvalidInput("command", f"{command!r} is nothing this device can do: {able}")
    wait_s = min(max(AWAKE_WITHIN_S, row.expected_every_s or 0), LONGEST_WAIT_S)
    asked = DeviceCommand(
        id=order.id,
        device_id=row.id,
        command=command,
        state="waiting",
        requested_by=actor.id,
        requested_at=now,
        expires_at=now + timedelta(seconds=wait_s),
    )
    session.add(asked)
    await session.flush()
    return asked


async def listed(
    session: AsyncSession, sight: Sight, page: PageRequest, device_id: str
) -> Page[DeviceCommand]:
    """A device's commands, the latest first."""
    await device(session, sight, device_id)
    statement = select(DeviceCommand).where(DeviceCommand.device_id == device_id)
    return await fetch_page(session, statement, _LATEST, page)


async def take(session: AsyncSession, now: datetime) -> list[Dispatch]:
    """Mark what waits as sent, to be published once this is committed.

    Marked first: should the process end in between, the command was never sent and expires. One
    that was sent twice could silence a second alarm.
    """
    waiting = await session.scalars(
        select(DeviceCommand)
        .where(DeviceCommand.state == "waiting", DeviceCommand.expires_at > now)
        .order_by(DeviceCommand.requested_at)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    taken: list[Dispatch] = []
    for row in waiting.all():
        target = await session.get_one(Device, row.device_id)
        downlink, order = await _order(session, target, row.id, row.command)
        said = downlink.say(order) if downlink is not None and target.active else None
        if said is None:
            row.state, row.result, row.answered_at = "failed", "it cannot do this any more", now
        else:
            row.state, row.sent_at = "sent", now
            taken.append(Dispatch(id=row.id, topic=said[0], payload=said[1]))
    return taken


async def anything_due(session: AsyncSession, now: datetime) -> bool:
    """Whether something waits, or was sent and its time has run out without an answer."""
    due = (DeviceCommand.state == "waiting") | (
        (DeviceCommand.state == "sent")
        & (DeviceCommand.expires_at <= now)
        & DeviceCommand.device_id.in_(_answering())
    )
    return await session.scalar(select(DeviceCommand.id).where(due).limit(1)) is not None


def _answering() -> Select[str]:
    """Devices that say what came of a command."""
    families = [
        name for name, family in FAMILIES.items() if family.downlink and family.downlink.answers
    ]
    return select(Device.id).where(Device.family.in_(families))


async def put_back(session: AsyncSession, ids: list[str]) -> None:
    """The broker was away: nothing went out, so they wait again until they expire."""
    await session.execute(
        update(DeviceCommand)
        .where(DeviceCommand.id.in_(ids), DeviceCommand.state == "sent")
        .values(state="waiting", sent_at=None)
    )


async def expire(session: AsyncSession, now: datetime) -> None:
    """What was not sent in time, and what a device that answers did not answer in time."""
    overdue = DeviceCommand.expires_at <= now
    unanswered = (DeviceCommand.state == "sent") & DeviceCommand.device_id.in_(_answering())
    for state, reason in (
        (DeviceCommand.state == "waiting", "it was never sent"),
        (unanswered, "the device did not answer"),
    ):
        await session.execute(
            update(DeviceCommand).where(overdue, state).values(state="expired", result=reason)
        )


async def note_result(
    session: AsyncSession, device_id: str, event: DeviceEvent, now: datetime
) -> bool:
    """A device said what came of a command of its own; False when there is none that waits.

    An answer that comes late counts: what happened, happened.
    """
    ident, detail = event.data.get("command"), event.data.get("detail")
    if type(ident) is not str:
        return False
    values: dict[str, Any] = {
        "state": "done" if event.data.get("ok") is True else "failed",
        "answered_at": now,
        "result": detail[:_DETAIL] if type(detail) is str else None,
    }
    noted = await session.execute(
        update(DeviceCommand)
        .where(
            DeviceCommand.id == ident,
            DeviceCommand.device_id == device_id,
            DeviceCommand.state.in_(("sent", "expired")),
            DeviceCommand.answered_at.is_(None),
        )
        .values(values)
    )
    return cast("CursorResult[Any]", noted).rowcount > 0


async def _order(
    session: AsyncSession, row: Device, ident: str, command: str
) -> tuple[Downlink | None, Order]:
    """How the device's family speaks to it, and the order it is handed."""
    source = await session.get_one(Source, row.source_id)
    child = await session.get(SourceChild, (row.source_id, row.child_id))
    family = FAMILIES.get(row.family)
    order = Order(
        id=ident,
        command=command,
        prefix=source.prefix,
        name=(child.name if child is not None else "") or row.child_id,
        role=row.role,
        capabilities=tuple(child.capabilities) if child is not None else (),
    )
    return family.downlink if family is not None and source.active else None, order
