"""Device rows in and out by the batch: one query to load, one statement to write each table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.view import DeviceView
from alerting.intake.heard import Child, KnownDevice
from alerting.tables import DeviceStateRow
from care.tables import Device
from core.db import to_micros
from devices.registry import FAMILIES

_D, _S = Device.__table__.c, DeviceStateRow.__table__.c
_DEVICE_COLUMNS = (
    _D.id,
    _D.source_id,
    _D.child_id,
    _D.role,
    _D.family,
    _D.room,
    _D.area_id,
    _D.rules,
    _D.expected_every_s,
    _D.enrolled_at,
)
_STATE_COLUMNS = (
    _S.device_id,
    _S.state,
    _S.last_heard_at,
    _S.online,
    _S.battery_pct,
    _S.rssi_dbm,
    _S.silent_after,
    _S.judge_at,
)


async def load_children(
    session: AsyncSession, children: Collection[Child]
) -> dict[Child, KnownDevice]:
    """The registered devices among `children`, with their states, locked in device order."""
    by_source: dict[str, list[str]] = {}
    for source_id, child_id in children:
        by_source.setdefault(source_id, []).append(child_id)
    found: dict[Child, KnownDevice] = {}
    for source_id, child_ids in by_source.items():
        rows = await session.execute(
            select(*_DEVICE_COLUMNS).where(
                _D.source_id == source_id, _D.child_id.in_(child_ids), _D.active
            )
        )
        for row in rows:
            found[(row.source_id, row.child_id)] = _known(row)
    await load_states(session, {device.id: device for device in found.values()})
    return found


async def load_devices(session: AsyncSession, ids: Collection[str]) -> dict[str, KnownDevice]:
    """The same by device id, for the sweep."""
    rows = await session.execute(select(*_DEVICE_COLUMNS).where(_D.id.in_(ids), _D.active))
    found = {row.id: _known(row) for row in rows}
    await load_states(session, found)
    return found


def _known(row: Any) -> KnownDevice:
    family = FAMILIES.get(row.family)
    view = DeviceView(
        id=row.id,
        role=row.role,
        family=row.family,
        rules=row.rules or {},
        enrolled_at=row.enrolled_at,
        reports_every_s=row.expected_every_s or (family.reports_every_s if family else None),
    )
    return KnownDevice(
        id=row.id,
        source_id=row.source_id,
        child_id=row.child_id,
        role=row.role,
        family=row.family,
        room=row.room,
        area_id=row.area_id,
        view=view,
    )


async def load_states(session: AsyncSession, devices: dict[str, KnownDevice]) -> None:
    """Fill in the stored states; rows are locked in one order, so batches cannot deadlock."""
    if not devices:
        return
    rows = await session.execute(
        select(*_STATE_COLUMNS)
        .where(_S.device_id.in_(sorted(devices)))
        .order_by(_S.device_id)
        .with_for_update()
    )
    for row in rows:
        device = devices[row.device_id]
        device.state, device.last_heard_at, device.online = row.state, row.last_heard_at, row.online
        device.battery_pct, device.rssi_dbm = row.battery_pct, row.rssi_dbm
        device.silent_after, device.judge_at = row.silent_after, row.judge_at
        device.is_stored = True


_STATE_NAMES = tuple(column.name for column in _STATE_COLUMNS)
_READING_NAMES = ("device_id", "register", "at", "value")
_SQLITE_STATES = (
    f"INSERT INTO device_states ({', '.join(_STATE_NAMES)})"
    f" VALUES ({', '.join('?' * len(_STATE_NAMES))})"
    " ON CONFLICT (device_id) DO UPDATE SET "
    + ", ".join(f"{name}=excluded.{name}" for name in _STATE_NAMES[1:])
)
_SQLITE_READINGS = (
    f"INSERT INTO readings ({', '.join(_READING_NAMES)}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_POSTGRES_STATES = (
    f"INSERT INTO device_states ({', '.join(_STATE_NAMES)}) SELECT * FROM unnest("
    "%s::text[], %s::text[], %s::timestamptz[], %s::bool[], %s::float8[], %s::float8[],"
    " %s::timestamptz[], %s::timestamptz[])"
    " ON CONFLICT (device_id) DO UPDATE SET "
    + ", ".join(f"{name}=excluded.{name}" for name in _STATE_NAMES[1:])
)
_POSTGRES_READINGS = (
    f"INSERT INTO readings ({', '.join(_READING_NAMES)}) SELECT * FROM unnest("
    "%s::text[], %s::text[], %s::timestamptz[], %s::float8[]) ON CONFLICT DO NOTHING"
)
# Driver-level statements: this is the one place where the rate of a county's meters is decided.
# PostgreSQL takes whole columns as arrays, which is several times faster than row by row.


async def save_states(session: AsyncSession, devices: Iterable[KnownDevice]) -> None:
    """Upsert the states of all devices that changed, in device order."""
    changed = sorted((d for d in devices if d.dirty), key=lambda device: device.id)
    rows = [
        (
            d.id,
            d.state,
            d.last_heard_at,
            d.online,
            d.battery_pct,
            d.rssi_dbm,
            d.silent_after,
            d.judge_at,
        )
        for d in changed
    ]
    await _write(session, rows, _SQLITE_STATES, _POSTGRES_STATES)


async def save_readings(
    session: AsyncSession, rows: Sequence[tuple[str, str, datetime, float]]
) -> None:
    """Insert readings `(device id, register, at, value)`; one that is there already stays."""
    await _write(session, rows, _SQLITE_READINGS, _POSTGRES_READINGS)


async def _write(
    session: AsyncSession, rows: Sequence[tuple[Any, ...]], on_sqlite: str, on_postgres: str
) -> None:
    if not rows:
        return
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        plain = [tuple(map(_plain, row)) for row in rows]
        await connection.exec_driver_sql(on_sqlite, plain)
    else:
        await connection.exec_driver_sql(on_postgres, tuple(map(list, zip(*rows, strict=True))))


def _plain(value: Any) -> Any:
    return to_micros(value) if type(value) is datetime else value
