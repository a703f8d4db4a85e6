"""Everything the page of one device shows, gathered in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.fleet.lifecycle import METER_REGISTERS
from alerting.incident import FINAL
from alerting.queries import DeviceView, visible_incidents
from alerting.tables import EventRow, Incident, ReadingRow
from care.device_log import chain_of, log_of
from care.queries import Sight, in_scope, residents
from care.tables import NATIVE_SOURCE, Device, DeviceLog, DeviceTest, Elder, Home, Source, User

LAST = 20
TREND = timedelta(days=90)
_TREND_READINGS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryTrend:
    """How a battery went: percentages with their times, oldest first; at least two."""

    readings: tuple[tuple[datetime, float], ...]

    @property
    def lost(self) -> float:
        """Percentage points between the first and the last."""
        return self.readings[0][1] - self.readings[-1][1]

    @property
    def points(self) -> str:
        """Of an SVG polyline, 120 wide and 24 high."""
        first, last = self.readings[0][0], self.readings[-1][0]
        whole = max((last - first).total_seconds(), 1.0)
        return " ".join(
            f"{(at - first).total_seconds() / whole * 120:.1f},{24 - value * 0.24:.1f}"
            for at, value in self.readings
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFile:
    view: DeviceView
    source: Source
    home: Home | None
    elders: tuple[Elder, ...]  # whose it is, or who lives where it hangs
    chain: tuple[Device, ...]
    log: Sequence[DeviceLog]
    tests: tuple[tuple[DeviceTest, str], ...]
    incidents: tuple[Incident, ...]
    events: tuple[EventRow, ...]
    readings: tuple[ReadingRow, ...]
    trend: BatteryTrend | None
    sources: tuple[Source, ...]  # others that could hear it

    @property
    def device(self) -> Device:
        return self.view.device

    @property
    def is_native(self) -> bool:
        return self.device.source_id == NATIVE_SOURCE

    @property
    def is_meter(self) -> bool:
        return self.device.role in METER_REGISTERS

    @property
    def successor(self) -> Device | None:
        place = self.chain.index(self.device)
        return self.chain[place + 1] if place + 1 < len(self.chain) else None

    @property
    def health(self) -> str:
        state = self.view.state
        if state is None or state.last_heard_at is None:
            return "never"
        if state.online is False:
            return "offline"
        return "online" if state.online or state.silent_after else "quiet"


async def load_device_file(
    session: AsyncSession, sight: Sight, view: DeviceView, now: datetime
) -> DeviceFile:
    """The file of a device whom the reader may see."""
    device, binding = view.device, view.binding
    home = await session.get(Home, binding.home_id) if binding else None
    return DeviceFile(
        view=view,
        source=await session.get_one(Source, device.source_id),
        home=home,
        elders=await _elders(session, view),
        chain=await chain_of(session, device),
        log=await log_of(session, device.id),
        tests=await _tests(session, device.id),
        incidents=await _all(
            session,
            select(Incident)
            .where(
                visible_incidents(sight),
                Incident.device_id == device.id,
                Incident.stage.not_in([stage.value for stage in FINAL]),
            )
            .order_by(Incident.severity_rank, Incident.opened_at)
            .limit(LAST),
        ),
        events=await _all(
            session,
            select(EventRow)
            .where(
                EventRow.source_id == device.source_id,
                EventRow.child_id == device.child_id,
                or_(EventRow.device_id == device.id, EventRow.device_id.is_(None)),
            )
            .order_by(EventRow.received_at.desc(), EventRow.id.desc())
            .limit(LAST),
        ),
        readings=await _all(
            session,
            select(ReadingRow)
            .where(ReadingRow.device_id == device.id, ReadingRow.at > now - TREND)
            .order_by(ReadingRow.at.desc())
            .limit(LAST),
        ),
        trend=await _trend(session, device.id, now),
        sources=await _all(
            session,
            select(Source)
            .where(
                Source.id.not_in([NATIVE_SOURCE, device.source_id]),
                in_scope(Source.area_id, sight.actor.scope),
            )
            .order_by(Source.name, Source.id)
            .limit(100),
        ),
    )


async def _elders(session: AsyncSession, view: DeviceView) -> tuple[Elder, ...]:
    binding = view.binding
    if binding is None:
        return ()
    if binding.elder_id is not None:
        return (await session.get_one(Elder, binding.elder_id),)
    return await residents(session, binding.home_id)


async def _tests(session: AsyncSession, device_id: str) -> tuple[tuple[DeviceTest, str], ...]:
    rows = await session.execute(
        select(DeviceTest, User.name)
        .join(User, User.id == DeviceTest.user_id)
        .where(DeviceTest.device_id == device_id)
        .order_by(DeviceTest.opened_at.desc())
        .limit(LAST)
    )
    return tuple((row[0], row[1]) for row in rows)


async def _trend(session: AsyncSession, device_id: str, now: datetime) -> BatteryTrend | None:
    rows = await session.execute(
        select(ReadingRow.at, ReadingRow.value)
        .where(
            ReadingRow.device_id == device_id,
            ReadingRow.register == "battery_pct",
            ReadingRow.at > now - TREND,
        )
        .order_by(ReadingRow.at.desc())
        .limit(_TREND_READINGS)
    )
    found = tuple((row[0], row[1]) for row in reversed(rows.all()))
    return BatteryTrend(readings=found) if len(found) > 1 else None


async def _all(session: AsyncSession, query: Any) -> tuple[Any, ...]:
    return tuple((await session.scalars(query)).all())
