"""Installation tests: a person opens a window for one device and kind, one press uses it up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import commissioning, queries
from alerting.commissioning import LEVEL_ENDS_WITHIN, WINDOW, Result
from alerting.stream import announce
from care import device_log
from care.model import SYSTEM, Actor
from care.paging import Order, Page, PageRequest, fetch_page
from care.tables import Device, DeviceLog, DeviceTest, User
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.ids import new_id

_TESTS = Order(
    name="device-tests", key=DeviceTest.opened_at, ident=DeviceTest.id, newest_first=True
)
_LOG = Order(name="device-log", key=DeviceLog.at, ident=DeviceLog.id, newest_first=True)


async def open_window(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    device_id: str,
    *,
    kind: str | None = None,
    ring_contact: bool = False,
) -> DeviceTest:
    """From now on, for WINDOW, the first press of this kind by this device is the test.

    Without `kind` it is the usual one of the device's role. Raises `InvalidInput` for a device
    that cannot be tested so, `Conflict` naming whoever tests it at present.
    """
    view = await queries.device(session, queries.sight_of(actor), device_id)
    kind = _kind_of(view.device.role, kind)
    device = await _lock(session, device_id)
    if not device.active:
        raise Conflict(f"device {device_id} is not active: it is not heard")
    await _refuse_second(session, device_id, now)
    row = DeviceTest(
        id=new_id("test"),
        device_id=device_id,
        kind=kind,
        user_id=actor.id,
        opened_at=now,
        expires_at=now + WINDOW,
        result=Result.WAITING.value,
        data={"ring_contact": True} if ring_contact else {},
    )
    session.add(row)
    device_log.note(session, device_id, "test_opened", now, actor, awaited=kind)
    announce(session, device, now)
    await session.flush()
    return row


def _kind_of(role: str, wanted: str | None) -> str:
    kinds = commissioning.kinds_for(role)
    if not kinds:
        raise InvalidInput("kind", f"a {role} has nothing to press; put it in service by hand")
    if wanted is not None and wanted not in kinds:
        raise InvalidInput("kind", f"a {role} is tested by {' or '.join(kinds)}")
    return wanted or kinds[0]


async def _lock(session: AsyncSession, device_id: str) -> Device:
    """The device, locked: two windows opened at once must see each other."""
    found = await session.scalar(
        select(Device)
        .where(Device.id == device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("device", device_id)
    return found


async def _refuse_second(session: AsyncSession, device_id: str, now: datetime) -> None:
    """At most one window a device; one that has run out is written off here and now."""
    row = await open_test(session, device_id)
    if row is None:
        return
    if row.consumed_at is None and now >= row.expires_at:
        await expire(session, row, now)
        return
    until, opened = row.expires_at.isoformat(), row.opened_at.isoformat()
    if row.consumed_at is not None:
        raise Conflict(
            f"{device_id} still reports {row.kind} from the test before; wait until it ends, "
            f"at most until {until}",
            at=opened,
        )
    tester = await session.get_one(User, row.user_id)
    raise Conflict(f"{tester.name} tests {device_id} until {until}", winner=tester.name, at=opened)


async def open_test(session: AsyncSession, device_id: str) -> DeviceTest | None:
    """The one test of a device that has not ended: waiting, or its level is still on."""
    query = select(DeviceTest).where(
        DeviceTest.device_id == device_id, DeviceTest.ended_at.is_(None)
    )
    return await session.scalar(query.execution_options(populate_existing=True))


async def end_if(
    session: AsyncSession, row: DeviceTest, *conditions: ColumnElement[bool], **values: Any
) -> bool:
    """Change a test that has not ended, if the conditions still hold; False when somebody else
    was first. Every change of a window goes through here: a press, a cancel, an expiry."""
    changed = await session.scalar(
        update(DeviceTest)
        .where(DeviceTest.id == row.id, DeviceTest.ended_at.is_(None), *conditions)
        .values(**values)
        .returning(DeviceTest.id)
        .execution_options(synchronize_session=False)
    )
    await session.refresh(row)
    return changed is not None


async def consume(
    session: AsyncSession, row: DeviceTest, device_id: str, at: datetime, data: dict[str, Any]
) -> bool:
    """The press came: the test is passed and the device in service. False when another press,
    here or in another process, was first. `data["level"]` is a state that has still to end."""
    device = await _lock(session, device_id)  # first, as whoever opens a window does
    has_level = data.get("level") is not None
    taken = await end_if(
        session,
        row,
        DeviceTest.consumed_at.is_(None),
        DeviceTest.expires_at > at,
        consumed_at=at,
        ended_at=None if has_level else at,
        expires_at=at + LEVEL_ENDS_WITHIN if has_level else DeviceTest.expires_at,
        result=Result.PASSED.value,
        data={**row.data, **data},
    )
    if not taken:
        return False
    device.in_service_at, device.tested_at = device.in_service_at or at, at
    tester = await session.get_one(User, row.user_id)
    who = Actor(id=tester.id, name=tester.name, role=tester.role)
    device_log.note(session, device_id, "test_passed", at, who, awaited=row.kind, test=row.id)
    announce(session, device, at)
    return True


async def cancel(
    session: AsyncSession, actor: Actor, now: datetime, device_id: str, test_id: str
) -> DeviceTest:
    """Wait no longer. By whoever opened it, or by the desk; `Conflict` once it is over."""
    await queries.device(session, queries.sight_of(actor), device_id)
    row = await session.get(DeviceTest, test_id)
    if row is None or row.device_id != device_id:
        raise NotFound("test", test_id)
    if row.user_id != actor.id and not actor.is_desk:
        raise NotAllowed("only whoever opened a test, or the desk, may cancel it")
    cancelled = await end_if(
        session,
        row,
        DeviceTest.consumed_at.is_(None),
        DeviceTest.expires_at > now,
        ended_at=now,
        result=Result.CANCELLED.value,
    )
    if not cancelled:
        result = commissioning.result_now(row.result, row.expires_at, now)
        raise Conflict(f"this test is over: {result}")
    device_log.note(session, device_id, "test_cancelled", now, actor, test=row.id)
    announce(session, await session.get_one(Device, device_id), now)
    return row


async def expire(session: AsyncSession, row: DeviceTest, now: datetime) -> bool:
    """Nobody pressed in time: on record. It hid nothing meanwhile: see `judge_press`."""
    expired = await end_if(
        session,
        row,
        DeviceTest.consumed_at.is_(None),
        DeviceTest.expires_at <= now,
        ended_at=now,
        result=Result.EXPIRED.value,
    )
    if expired:
        device_log.note(session, row.device_id, "test_expired", now, SYSTEM, test=row.id)
        announce(session, await session.get_one(Device, row.device_id), now)
    return expired


async def begin_anew(session: AsyncSession, device: Device, now: datetime, actor: Actor) -> None:
    """The device was bound anew, or does something else now: what was tested is of the past."""
    device.in_service_at = device.tested_at = None
    row = await open_test(session, device.id)
    if row is None:
        return
    result = row.result if row.consumed_at is not None else Result.CANCELLED.value
    if await end_if(session, row, ended_at=now, result=result):
        device_log.note(session, device.id, "test_cancelled", now, actor, test=row.id)


async def put_in_service(
    session: AsyncSession, actor: Actor, now: datetime, device_id: str, reason: str
) -> Device:
    """By hand and on record, for what cannot be pressed; `tested_at` stays as it is."""
    await queries.device(session, queries.sight_of(actor), device_id)
    device = await _lock(session, device_id)
    if device.in_service_at is not None:
        since = device.in_service_at.isoformat()
        raise Conflict(f"{device_id} is in service since {since}", at=since)
    device.in_service_at = now
    device_log.note(session, device_id, "in_service", now, actor, text=reason)
    announce(session, device, now)
    await session.flush()
    return device


async def tests(
    session: AsyncSession, actor: Actor, device_id: str, page: PageRequest
) -> Page[DeviceTest]:
    """A device's tests, latest first."""
    await queries.device(session, queries.sight_of(actor), device_id)
    query = select(DeviceTest).where(DeviceTest.device_id == device_id)
    return await fetch_page(session, query, _TESTS, page)


async def log(
    session: AsyncSession, actor: Actor, device_id: str, page: PageRequest
) -> Page[DeviceLog]:
    """A device's story, latest first."""
    await queries.device(session, queries.sight_of(actor), device_id)
    query = select(DeviceLog).where(DeviceLog.device_id == device_id)
    return await fetch_page(session, query, _LOG, page)
