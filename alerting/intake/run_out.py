"""Tests that run out: nobody pressed, or a level that was the press is still on and so real."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import load_state
from alerting.detectors.levels import active_since
from alerting.detectors.view import iso, moment
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from alerting.fleet import testing
from alerting.handling.opening import apply_finding
from alerting.intake.heard import KnownDevice
from alerting.intake.store import load_devices
from alerting.intake.whose import whose_is
from care import device_log
from care.tables import DeviceTest

MOST_AT_ONCE = 50


async def due_tests(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Ids of tests whose time has come, longest due first."""
    query = (
        select(DeviceTest.id)
        .where(DeviceTest.ended_at.is_(None), DeviceTest.expires_at <= now)
        .order_by(DeviceTest.expires_at)
        .limit(MOST_AT_ONCE)
    )
    return (await session.scalars(query)).all()


async def end_test(session: AsyncSession, test_id: str, now: datetime) -> str | None:
    """End one that is due; the id of the incident when its level outlasted the test."""
    row = await session.scalar(
        select(DeviceTest)
        .where(
            DeviceTest.id == test_id, DeviceTest.ended_at.is_(None), DeviceTest.expires_at <= now
        )
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    if row.consumed_at is None:
        await testing.expire(session, row, now)
        return None
    if not await testing.end_if(session, row, DeviceTest.expires_at <= now, ended_at=now):
        return None
    device = (await load_devices(session, [row.device_id])).get(row.device_id)
    finding = _still_on(device, row.data.get("level")) if device else None
    if device is None or finding is None:
        return None
    device_log.note(session, device.id, "test_level_stayed", now, awaited=row.kind, test=row.id)
    whose = await whose_is(session, (device.source_id, device.child_id), device, now)
    incident = await apply_finding(session, finding, whose, now)
    return incident.id if incident else None


def _still_on(device: KnownDevice, level: str | None) -> Finding | None:
    """A level that the detector still remembers as on. A press told as a level is remembered by
    nobody, but said again with the device's next message, which is no longer part of the test."""
    since = active_since(load_state(device.state).levels, level) if level else None
    if level is None or since is None:
        return None
    return Finding(
        kind=level,
        severity=SEVERITY_OF_KIND[level],
        sign=Sign.ROSE,
        at=moment(since),
        reason="still on after its installation test",
        facts={"since": iso(since)},
    )
