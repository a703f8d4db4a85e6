"""Everybody and everything the measurements need, put straight into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.telling.policies import store_version
from care.tables import (
    NATIVE_SOURCE,
    Area,
    Binding,
    Device,
    Elder,
    EmergencyContact,
    Home,
    Source,
)
from core.clock import SystemClock
from core.settings import Settings
from gateway.install import build_services, install
from gateway.migrate import upgrade

METER_ZONE = ZoneInfo("Asia/Shanghai")
AREA_ID = "area-bench"
CHILDREN_A_BRIDGE = 50
_AT_ONCE = 500


def meter_id(number: int) -> str:
    return f"meter-{number:05d}"


def button_id(number: int) -> str:
    return f"button-{number:05d}"


def bridge_prefix(number: int) -> str:
    """The topic prefix of the bridge that smoke detector `number` is behind."""
    return f"z2m-{number // CHILDREN_A_BRIDGE:03d}"


def smoke_child(number: int) -> str:
    return f"0x{0x00158D0000000000 + number:016x}"


async def build(
    settings: Settings,
    *,
    meters: int = 0,
    buttons: int = 0,
    smoke_detectors: int = 0,
    webhook: str = "",
    ladder: dict[str, Any] | None = None,
) -> None:
    """An empty database becomes a town: a home for every meter, button and detector.

    Every elder with a button and every home with a smoke detector has a contact whose only
    channel is the webhook `webhook/HOME`. `ladder` replaces the region's for life safety.
    """
    await upgrade(settings)
    services = build_services(settings, SystemClock())
    try:
        await install(services)
        now = services.clock.now() - timedelta(days=1)
        async with services.db.transaction() as session:
            await _area(session, now)
            await _meters(session, meters, now)
            await _buttons(session, buttons, webhook, now)
            await _smoke_detectors(session, smoke_detectors, webhook, now)
            if ladder is not None:
                await store_version(
                    session,
                    "benchmark",
                    name="benchmark",
                    severity="life_safety",
                    area_id=AREA_ID,
                    body=ladder,
                    now=now,
                )
    finally:
        await services.db.close()


async def _area(session: AsyncSession, now: datetime) -> None:
    session.add(
        Area(
            id=AREA_ID,
            name="Benchmark",
            level="village",
            parent_id=None,
            path=f"/{AREA_ID}/",
            created_at=now,
        )
    )
    await session.flush()


async def _meters(session: AsyncSession, count: int, now: datetime) -> None:
    ids = [meter_id(number) for number in range(count)]
    homes = [f"home-{ident}" for ident in ids]
    await _homes(session, homes, now)
    devices = [_device(ident, NATIVE_SOURCE, ident, "native", "water_meter", now) for ident in ids]
    await _insert(session, Device, devices)
    bindings = [_binding(d, home, None, now) for d, home in zip(ids, homes, strict=True)]
    await _insert(session, Binding, bindings)


async def _buttons(session: AsyncSession, count: int, webhook: str, now: datetime) -> None:
    ids = [button_id(number) for number in range(count)]
    homes = [f"home-{ident}" for ident in ids]
    await _homes(session, homes, now)
    elders = await _elders(session, homes, webhook, now)
    devices = [_device(ident, NATIVE_SOURCE, ident, "native", "sos_button", now) for ident in ids]
    await _insert(session, Device, devices)
    bindings = [
        _binding(ident, home, elder, now)
        for ident, home, elder in zip(ids, homes, elders, strict=True)
    ]
    await _insert(session, Binding, bindings)


async def _smoke_detectors(session: AsyncSession, count: int, webhook: str, now: datetime) -> None:
    for first in range(0, count, CHILDREN_A_BRIDGE):
        prefix = bridge_prefix(first)
        session.add(
            Source(
                id=f"src-{prefix}",
                name=prefix,
                family="zigbee2mqtt",
                prefix=prefix,
                area_id=AREA_ID,
                created_at=now,
            )
        )
    await session.flush()
    homes = [f"home-smoke-{number:05d}" for number in range(count)]
    await _homes(session, homes, now)
    await _elders(session, homes, webhook, now)
    ids = [f"smoke-{number:05d}" for number in range(count)]
    devices = [
        _device(
            ident,
            f"src-{bridge_prefix(number)}",
            smoke_child(number),
            "zigbee2mqtt",
            "smoke_detector",
            now,
        )
        for number, ident in enumerate(ids)
    ]
    await _insert(session, Device, devices)
    bindings = [_binding(d, home, None, now) for d, home in zip(ids, homes, strict=True)]
    await _insert(session, Binding, bindings)


async def _homes(session: AsyncSession, ids: Sequence[str], now: datetime) -> None:
    rows = [{"id": ident, "address": ident, "area_id": AREA_ID, "created_at": now} for ident in ids]
    await _insert(session, Home, rows)


async def _elders(
    session: AsyncSession, homes: Sequence[str], webhook: str, now: datetime
) -> list[str]:
    elders = [f"elder-{home}" for home in homes]
    rows = [
        {
            "id": elder,
            "name": elder,
            "area_id": AREA_ID,
            "home_id": home,
            "categories": ["living_alone"],
            "status": "home",
            "created_at": now,
        }
        for elder, home in zip(elders, homes, strict=True)
    ]
    await _insert(session, Elder, rows)
    contacts = [
        {
            "id": f"contact-{elder}",
            "elder_id": elder,
            "name": f"contact of {elder}",
            "rank": 1,
            "channels": [{"kind": "webhook", "address": f"{webhook}/{home}"}],
            "language": "zh",
            "created_at": now,
        }
        for elder, home in zip(elders, homes, strict=True)
    ]
    await _insert(session, EmergencyContact, contacts)
    return elders


def _device(
    ident: str, source: str, child: str, family: str, role: str, now: datetime
) -> dict[str, Any]:
    return {
        "id": ident,
        "family": family,
        "source_id": source,
        "child_id": child,
        "role": role,
        "area_id": AREA_ID,
        "rules": {},
        "active": True,
        "enrolled_at": now,
    }


def _binding(device: str, home: str, elder: str | None, now: datetime) -> dict[str, Any]:
    return {
        "id": f"bind-{device}",
        "device_id": device,
        "home_id": home,
        "elder_id": elder,
        "valid_from": now,
    }


async def _insert(session: AsyncSession, table: Any, rows: list[dict[str, Any]]) -> None:
    for first in range(0, len(rows), _AT_ONCE):
        await session.execute(insert(table), rows[first : first + _AT_ONCE])
