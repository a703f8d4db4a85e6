"""What an installer is shown: who spoke just now, whose code this is, whom it may belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from alerting import commissioning
from alerting.commissioning import Result
from alerting.queries import DeviceView, device, visible_devices
from alerting.tables import Notice
from care.queries import Sight, serves
from care.tables import (
    NATIVE_SOURCE,
    Binding,
    Device,
    DeviceLog,
    DeviceTest,
    Elder,
    Home,
    Source,
    SourceChild,
    User,
)
from console.queries import ElderRow, find_elders
from devices.codes import Code

HEARD_WITHIN = timedelta(minutes=30)
JUST_NOW = timedelta(seconds=90)
RECENT = timedelta(hours=12)
"""An installer who works along a street puts several devices into one home."""
_MOST = 20


async def heard_lately(
    session: AsyncSession, sight: Sight, now: datetime
) -> Sequence[tuple[SourceChild, str]]:
    """Unknown devices that spoke lately with their source's name, latest first: who presses the
    button of a device that he holds sees it come up.

    What was heard under a friendly name before the bridge listed whose it is stays out.
    """
    listed = aliased(SourceChild)
    by_name = exists().where(
        listed.source_id == SourceChild.source_id,
        listed.name == SourceChild.child_id,
        listed.child_id != SourceChild.child_id,
    )
    known = and_(Device.source_id == SourceChild.source_id, Device.child_id == SourceChild.child_id)
    query = (
        select(SourceChild, Source.name)
        .join(Source, Source.id == SourceChild.source_id)
        .outerjoin(Device, known)
        .where(
            Device.id.is_(None),
            SourceChild.messages > 0,  # listed by its bridge only: it said nothing
            ~by_name,
            SourceChild.last_seen_at > now - HEARD_WITHIN,
            serves(Source.area_id, sight.actor.scope),
        )
        .order_by(SourceChild.last_seen_at.desc(), SourceChild.child_id)
        .limit(_MOST)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def not_in_service(session: AsyncSession, sight: Sight) -> Sequence[Device]:
    """Devices that this person enrolled and that nobody has proved yet, latest first."""
    mine = select(DeviceLog.device_id).where(
        DeviceLog.kind == "enrolled", DeviceLog.actor_id == sight.actor.id
    )
    query = (
        select(Device)
        .where(
            Device.in_service_at.is_(None),
            Device.active,
            Device.id.in_(mine),
            visible_devices(sight),
        )
        .order_by(Device.enrolled_at.desc(), Device.id)
        .limit(5)
    )
    return (await session.scalars(query)).all()


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What a code stands for: registered devices, and children that nobody registered."""

    devices: tuple[Device, ...] = ()
    children: tuple[SourceChild, ...] = ()


async def named_by(session: AsyncSession, sight: Sight, code: Code) -> Named:
    """Whatever the reader may see under one of the code's candidates."""
    wanted = code.candidates
    if not wanted:
        return Named()
    devices = select(Device).where(
        visible_devices(sight), or_(Device.id.in_(wanted), Device.child_id.in_(wanted))
    )
    known = and_(Device.source_id == SourceChild.source_id, Device.child_id == SourceChild.child_id)
    children = (
        select(SourceChild)
        .join(Source, Source.id == SourceChild.source_id)
        .outerjoin(Device, known)
        .where(
            Device.id.is_(None),
            or_(SourceChild.child_id.in_(wanted), SourceChild.name.in_(wanted)),
            serves(Source.area_id, sight.actor.scope),
        )
    )
    return Named(
        devices=tuple((await session.scalars(devices.order_by(Device.id).limit(_MOST))).all()),
        children=tuple(
            (await session.scalars(children.order_by(SourceChild.child_id).limit(_MOST))).all()
        ),
    )


async def is_taken(session: AsyncSession, ident: str) -> bool:
    """Whether some device, seen by the reader or not, has this id."""
    return await session.get(Device, ident) is not None


async def elders_to_choose(
    session: AsyncSession, sight: Sight, now: datetime, q: str
) -> tuple[ElderRow, ...]:
    """Found by `q`; without it whom the installer has just equipped, then their own, then others.

    Cut by the actor alone: a visitor who was merely sent to somebody installs nothing there.
    """
    sight = Sight(actor=sight.actor)
    if q:
        return await find_elders(session, sight, q, limit=_MOST)
    recent = (
        select(Binding.elder_id)
        .join(DeviceLog, DeviceLog.device_id == Binding.device_id)
        .where(
            DeviceLog.kind == "enrolled",
            DeviceLog.actor_id == sight.actor.id,
            DeviceLog.at > now - RECENT,
            Binding.valid_to.is_(None),
        )
    )
    first: dict[str, ElderRow] = {}
    for only in (Elder.id.in_(recent), Elder.responsible_visitor_id == sight.actor.id, None):
        for row in await find_elders(session, sight, limit=_MOST, only=only):
            first.setdefault(row.elder.id, row)
    return tuple(first.values())[:_MOST]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A device under test: what is known of it, the latest test, what the drill did."""

    view: DeviceView
    elder: Elder | None
    home: Home | None
    kinds: tuple[str, ...]
    test: DeviceTest | None
    tester: User | None
    result: str
    drill: Notice | None
    is_native: bool

    def phase(self, actor_id: str, *, again: bool = False) -> str:
        """`unpressable`, `waiting`, `taken` (somebody else waits), `passed` or `ready`.

        `again`: what was passed is not shown, so that it can be tested once more.
        """
        if self.test is not None and self.result == Result.WAITING:
            return "waiting" if self.test.user_id == actor_id else "taken"
        if self.result == Result.PASSED and self._counts and not again:
            return "passed"
        return "ready" if self.kinds else "unpressable"

    @property
    def _counts(self) -> bool:
        """Not of another life of the device, before it was bound anew."""
        return self.view.device.tested_at is not None


async def load_bench(session: AsyncSession, sight: Sight, device_id: str, now: datetime) -> Bench:
    """Raises `NotFound` for a device that the reader may not see."""
    view = await device(session, sight, device_id)
    row, binding = view.device, view.binding
    test = await session.scalar(
        select(DeviceTest)
        .where(DeviceTest.device_id == device_id)
        .order_by(DeviceTest.opened_at.desc(), DeviceTest.id.desc())
        .limit(1)
    )
    drill = None
    if test is not None and test.notice_id is not None:
        mine = or_(Notice.id == test.notice_id, Notice.replaces_id == test.notice_id)
        drill = await session.scalar(
            select(Notice).where(mine).order_by(Notice.created_at.desc(), Notice.id).limit(1)
        )
    return Bench(
        view=view,
        elder=await session.get(Elder, binding.elder_id) if binding and binding.elder_id else None,
        home=await session.get(Home, binding.home_id) if binding else None,
        kinds=commissioning.kinds_for(row.role),
        test=test,
        tester=await session.get(User, test.user_id) if test else None,
        result=commissioning.result_now(test.result, test.expires_at, now) if test else "",
        drill=drill,
        is_native=row.source_id == NATIVE_SOURCE,
    )
