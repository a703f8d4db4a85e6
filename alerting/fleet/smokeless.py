"""Homes that have, or had, a smoke detector and none that works now: computed, not a kept list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.handling.smokeless import CODE
from alerting.incident import UNATTENDED, Stage
from alerting.tables import DeviceStateRow, Incident
from care.queries import Sight, visible_homes
from care.tables import Binding, Device, Elder, Hazard, Home

ROLE = "smoke_detector"
MOST_HOMES = 200
_SILENT = ("device_offline", "never_online")
_RUNNING = (*(stage.value for stage in UNATTENDED), Stage.FOLLOWING_UP.value)
_GONE = ("moved", "deceased")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """A smoke detector that does not work: `latched silent fault never retired taken_away`."""

    device: Device
    why: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokelessHome:
    """A home without smoke detection since its last working detector failed."""

    home: Home
    elders: tuple[Elder, ...]
    failing: tuple[Failing, ...]

    @property
    def since(self) -> datetime:
        return max(one.since for one in self.failing)


async def smokeless_homes(session: AsyncSession, sight: Sight) -> tuple[SmokelessHome, ...]:
    """Homes where somebody lives, longest without first; at most `MOST_HOMES`."""
    bound = and_(Binding.device_id == Device.id, Device.role == ROLE)
    had = select(Binding.home_id).join(Device, bound)
    working = (
        had.join(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(
            Device.active,
            Binding.valid_to.is_(None),
            DeviceStateRow.last_heard_at.is_not(None),
            DeviceStateRow.online.is_distinct_from(False),
        )
        .where(~_complaint((*_SILENT, "fault")).exists(), ~_hazard().exists())
    )
    lived_in = select(Elder.home_id).where(Elder.status.not_in(_GONE))
    homes = await session.scalars(
        select(Home)
        .where(
            visible_homes(sight),
            Home.id.in_(had),
            Home.id.not_in(working),
            Home.id.in_(lived_in),
        )
        .order_by(Home.id)
        .limit(MOST_HOMES)
    )
    found = [await _described(session, home) for home in homes.all()]
    return tuple(sorted((one for one in found if one.failing), key=lambda one: one.since))


async def _described(session: AsyncSession, home: Home) -> SmokelessHome:
    latched = _hazard().with_only_columns(Hazard.found_at).limit(1).scalar_subquery()
    rows = await session.execute(
        select(
            Device,
            Binding.valid_to,
            DeviceStateRow,
            latched,
            _since(_SILENT),
            _since(("fault",)),
        )
        .join(Binding, Binding.device_id == Device.id)
        .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .where(Binding.home_id == home.id, Device.role == ROLE)
        .order_by(Binding.valid_from)
    )
    last = {row[0].id: row for row in rows}  # a device may have hung here twice
    replaced = {row[0].replaces_id for row in last.values()}
    failing = [_failing(*row) for row in last.values() if row[0].id not in replaced]
    elders = await session.scalars(
        select(Elder)
        .where(Elder.home_id == home.id, Elder.status.not_in(_GONE))
        .order_by(Elder.created_at, Elder.id)
    )
    return SmokelessHome(home=home, elders=tuple(elders.all()), failing=tuple(_known(failing)))


def _failing(
    device: Device,
    unbound_at: datetime | None,
    state: DeviceStateRow | None,
    latched_at: datetime | None,
    silent_at: datetime | None,
    fault_at: datetime | None,
) -> Failing | None:
    """Why a detector does not work, the reason that lasts longest first."""
    heard_at = state.last_heard_at if state else None
    offline = state is not None and state.online is False
    reasons: tuple[tuple[str, datetime | None], ...] = (
        ("retired", None if device.active else device.retired_at or unbound_at),
        ("taken_away", unbound_at),
        ("latched", latched_at),
        ("never", device.enrolled_at if heard_at is None else None),
        ("silent", silent_at or (heard_at if offline else None)),
        ("fault", fault_at),
    )
    for why, since in reasons:
        if since is not None:
            return Failing(device=device, why=why, since=since)
    return None


def _known(found: Iterable[Failing | None]) -> Iterable[Failing]:
    return (one for one in found if one is not None)


def _complaint(kinds: tuple[str, ...]) -> Any:
    """Running incidents that say a device is silent or faulty."""
    return select(Incident.id).where(
        Incident.device_id == Device.id,
        Incident.kind.in_(kinds),
        Incident.condition == "active",
        Incident.stage.in_(_RUNNING),
    )


def _since(kinds: tuple[str, ...]) -> ColumnElement[Any]:
    opened = _complaint(kinds).with_only_columns(Incident.opened_at)
    scalar: ColumnElement[Any] = opened.order_by(Incident.opened_at).limit(1).scalar_subquery()
    return scalar


def _hazard() -> Any:
    return select(Hazard.id).where(
        Hazard.device_id == Device.id, Hazard.code == CODE, Hazard.remedied_at.is_(None)
    )
