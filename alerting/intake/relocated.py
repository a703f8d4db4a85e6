"""Devices that are heard where nobody registered them: under another source, in another cell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.moved import cell_of, heard_in, is_unmistakable, moved
from alerting.detectors.view import DeviceView
from alerting.finding import Finding
from alerting.handling.opening import apply_finding
from alerting.intake.heard import Child, KnownDevice
from alerting.intake.whose import whose_is
from alerting.tables import Incident
from care.tables import Binding, Device, Source
from devices.event import Decoded, DeviceEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """What an unknown child is registered as, under another source or before it was retired."""

    device_id: str
    role: str
    room: str | None
    active: bool
    source_id: str
    source_name: str
    elder_id: str | None
    home_id: str | None


def speakers(source_id: str, decoded: Decoded) -> set[Child]:
    """The children that gave a word of their own in a message; a bridge's word about them
    (availability, inventory) does not say where they are."""
    said = {event.child_id for event in decoded.events}
    said |= {reading.child_id for reading in decoded.readings}
    return {(source_id, child_id) for child_id in said.union(decoded.heard)}


async def registered_as(
    session: AsyncSession, unknown: Collection[Child]
) -> dict[Child, Registered]:
    """Which of these children we know from elsewhere, or from before they were retired."""
    bound = and_(Binding.device_id == Device.id, Binding.valid_to.is_(None))
    rows = await session.execute(
        select(Device, Source.name, Binding.elder_id, Binding.home_id)
        .join(Source, Source.id == Device.source_id)
        .outerjoin(Binding, bound)
        .where(Device.child_id.in_({child_id for _, child_id in unknown}))
        .order_by(Device.active, Device.enrolled_at)
    )
    known = {
        (device.source_id, device.child_id): Registered(
            device_id=device.id,
            role=device.role,
            room=device.room,
            active=device.active,
            source_id=device.source_id,
            source_name=name,
            elder_id=elder_id,
            home_id=home_id,
        )
        for device, name, elder_id, home_id in rows
    }
    found = {child: known[child] for child in unknown if child in known}
    for (_, child_id), registered in known.items():
        if is_unmistakable(child_id):
            found |= {
                child: registered
                for child in unknown
                if child[1] == child_id and (child not in known or registered.active)
            }
    return found


def named(finding: Finding, known: Registered | None) -> Finding:
    """An unknown device's alarm, with whose it seems to be; ids only, a page adds the names."""
    if known is None:
        return finding
    facts = {
        "registered_device": known.device_id,
        "registered_elder": known.elder_id,
        "registered_home": known.home_id,
        "role": known.role,
    }
    if known.room:
        facts["room"] = known.room
    return replace(finding, facts={**finding.facts, **facts})


async def suspect(
    session: AsyncSession, child: Child, known: Registered, now: datetime
) -> Incident | None:
    """Ask whether a device has moved to the source that hears it; once for each such source."""
    if not known.active or known.source_id == child[0]:
        return None
    last = await session.scalar(
        select(Incident)
        .where(Incident.subject == f"device:{known.device_id}", Incident.kind == "moved")
        .order_by(Incident.opened_at.desc())
        .limit(1)
    )
    if last is not None and last.facts.get("to_source") == child[0]:
        return None
    row = await session.get_one(Device, known.device_id)
    source = await session.get_one(Source, child[0])
    finding = moved(
        "source",
        now,
        {
            "from": known.source_name,
            "to": source.name,
            "from_source": known.source_id,
            "to_source": source.id,
        },
    )
    # Its state is not needed, and must not be locked: that is for its own source's batch.
    device = KnownDevice(
        id=row.id,
        source_id=row.source_id,
        child_id=row.child_id,
        role=row.role,
        family=row.family,
        room=row.room,
        area_id=row.area_id,
        view=DeviceView(id=row.id, role=row.role, family=row.family),
    )
    whose = await whose_is(session, (row.source_id, row.child_id), device, now)
    return await apply_finding(session, finding, whose, now)


async def in_cell(
    session: AsyncSession,
    device: KnownDevice,
    event: DeviceEvent,
    at: datetime,
    *,
    after_silence: bool,
) -> tuple[Finding, ...]:
    """Remember the cell a device speaks through; a finding when it left its own for good."""
    cell = cell_of(event.data)
    if cell is None or event.retained:
        return ()
    row = await session.get(Device, device.id)
    if row is None:
        return ()
    seen, left = heard_in(row.seen_under, cell, after_silence=after_silence)
    if seen != row.seen_under:
        row.seen_under = seen
    return () if left is None else (moved("cell", at, {"from": left, "to": cell}),)
