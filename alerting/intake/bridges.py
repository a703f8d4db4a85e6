"""A bridge is gone or back: one grouped incident that names whom it leaves without a watch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.liveness import judge_presence
from alerting.detectors.view import DeviceView
from alerting.handling.opening import apply_finding
from alerting.intake.watched import surely_unwatched
from alerting.intake.whose import Whose
from alerting.tables import DeviceStateRow, Incident
from care.tables import NATIVE_SOURCE, Device, Source
from devices.registry import FAMILIES

MOST_NAMED = 300
SPOKE_ANEW = timedelta(minutes=1)
"""A word so long after the loss is from a bridge that is back; before, it was still in the pipe."""


async def bridge_changed(
    session: AsyncSession, source: Source, online: bool, at: datetime, now: datetime
) -> Incident | None:
    """Note that a bridge is gone or back, and open or clear its one incident.

    The incident's facts name the elders whom nothing else watches (ids: their names stay in their
    own table). `at`: since when.
    """
    source.online, source.online_changed_at = online, at
    await session.flush()
    view = DeviceView(id=source.id, role="gateway", family=source.family)
    finding = judge_presence(online, at, view, now)
    if not online:
        elders = await surely_unwatched(session, now, source_id=source.id, limit=MOST_NAMED)
        finding = replace(finding, facts=finding.facts | {"bridge": source.name, "elders": elders})
    whose = Whose(
        source_id=source.id,
        child_id=source.name,
        role="gateway",
        area_id=source.area_id,
        device_id=None,
    )
    return await apply_finding(session, finding, whose, now)


async def lost_bridges(
    session: AsyncSession, silent: Iterable[tuple[str, timedelta]], now: datetime
) -> list[Incident]:
    """Bridges that fell silent without a word, found by their silent children.

    `silent`: (source id, its limit) of every child that is due. One is lost when nothing came
    from any of its children, two or more, for as long as one of them may be silent. Called from
    where silence is judged, so only while our own lanes listened.
    """
    shortest: dict[str, timedelta] = {}
    for source_id, limit in silent:
        shortest[source_id] = min(limit, shortest.get(source_id, limit))
    touched = []
    for source_id, limit in sorted(shortest.items()):
        source = await session.get(Source, source_id)
        if source is None or not _may_be_lost(source):
            continue
        children, newest = await _heard_of(session, source_id)
        if newest is not None and source.online and source.online_changed_at is not None:
            newest = max(newest, source.online_changed_at)  # it was away and came back
        if children > 1 and newest is not None and now - newest >= limit:
            incident = await bridge_changed(session, source, False, newest, now)
            touched += [incident] if incident is not None else []
    return touched


def _may_be_lost(source: Source) -> bool:
    family = FAMILIES.get(source.family)
    is_bridge = source.id != NATIVE_SOURCE and family is not None and family.is_bridge
    return is_bridge and source.active and source.online is not False


async def returned_bridges(session: AsyncSession, now: datetime) -> list[Incident]:
    """Bridges that are said to be gone while their children speak: a last will without a birth."""
    touched = []
    gone = select(Source).where(Source.online.is_(False), Source.online_changed_at.is_not(None))
    for source in (await session.scalars(gone)).all():
        _, newest = await _heard_of(session, source.id)
        lost_at = source.online_changed_at
        if newest is not None and lost_at is not None and newest > lost_at + SPOKE_ANEW:
            incident = await bridge_changed(session, source, True, newest, now)
            touched += [incident] if incident is not None else []
    return touched


async def _heard_of(session: AsyncSession, source_id: str) -> tuple[int, datetime | None]:
    """How many children of a source ever spoke, and when one did last."""
    query = (
        select(func.count(), func.max(DeviceStateRow.last_heard_at))
        .join(Device, Device.id == DeviceStateRow.device_id)
        .where(Device.source_id == source_id, Device.active.is_(True))
        .where(DeviceStateRow.last_heard_at.is_not(None))
    )
    count, newest = (await session.execute(query)).one()
    return count, newest
