"""Whom a finding concerns: the device that spoke, and to whom it was bound at that time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import Severity
from alerting.incident import subject_of
from alerting.intake.heard import Child, KnownDevice
from care.equipment import binding_in_force
from care.model import WORN_ROLES
from care.tables import Binding, Elder, Home, Source

SUPERVISION = "supervision"
"""Stands for the source of what Anju itself found: that nothing watches an elder any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Whose:
    """Whom a finding concerns: the device that spoke and what it was bound to at that time."""

    source_id: str
    child_id: str
    device_id: str | None = None
    role: str | None = None
    room: str | None = None
    elder_id: str | None = None
    home_id: str | None = None
    area_id: str | None = None

    @property
    def child(self) -> str:
        """The device's identity as text: a child id counts only inside its source."""
        return f"{self.source_id}/{self.child_id}"

    def subject(self, severity: Severity) -> str:
        return subject_of(
            severity,
            device_id=self.device_id,
            elder_id=self.elder_id,
            home_id=self.home_id,
            worn=self.role in WORN_ROLES,
            source_id=self.source_id,
            child_id=self.child_id,
        )


async def whose_is(
    session: AsyncSession, child: Child, device: KnownDevice | None, at: datetime
) -> Whose:
    """Whom the device belonged to at that time; an unbound one belongs to its source's area."""
    source_id, child_id = child
    if device is None:
        area = await session.scalar(select(Source.area_id).where(Source.id == source_id))
        return Whose(source_id=source_id, child_id=child_id, area_id=area)
    bindings = (await session.scalars(select(Binding).where(Binding.device_id == device.id))).all()
    binding = binding_in_force(bindings, at)
    home = await session.get(Home, binding.home_id) if binding else None
    area = home.area_id if home else device.area_id
    if area is None and home is None:
        area = await session.scalar(select(Source.area_id).where(Source.id == source_id))
    elder_id = binding.elder_id if binding else None
    if elder_id is None and home is not None:
        elder_id = await _only_resident(session, home.id)
        bound_to_elder = False
    else:
        bound_to_elder = elder_id is not None
    role = device.role
    return Whose(
        source_id=source_id,
        child_id=child_id,
        device_id=device.id,
        # A worn device that was given to a home, not to a person, is that home's.
        role=role if bound_to_elder or role not in WORN_ROLES else None,
        room=device.room,
        elder_id=elder_id,
        home_id=home.id if home else None,
        area_id=area,
    )


async def _only_resident(session: AsyncSession, home_id: str) -> str | None:
    ids = (await session.scalars(select(Elder.id).where(Elder.home_id == home_id).limit(2))).all()
    return ids[0] if len(ids) == 1 else None
