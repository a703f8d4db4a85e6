"""Device rows in and out by the batch: one query to load, one statement to write each table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Table, bindparam, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.view import DEFAULT_ZONE, DeviceView
from alerting.intake.heard import Child, KnownDevice
from alerting.intake.whom import add_personal_rules
from care.tables import Device
from care.watch import merged
from core.db import from_micros, to_micros
from devices.registry import FAMILIES

_DEVICE_NAMES = (
    "id",
    "source_id",
    "child_id",
    "role",
    "family",
    "room",
    "area_id",
    "expected_every_s",
    "enrolled_at",
    "supervisable",
    "resting_since",
    "dry_since",
)
_STATE_NAMES = (
    "device_id",
    "state",
    "last_heard_at",
    "online",
    "battery_pct",
    "rssi_dbm",
    "silent_after",
    "judge_at",
    "interval_s",
)
# Driver-level statements: this is the one place where the rate of a county's meters is decided.
# Lists and tables go in as one value each, which both databases unpack faster than Python can
# hand over a thousand parameters.
_TESTED = "EXISTS (SELECT 1 FROM device_tests AS t WHERE t.device_id = d.id AND t.ended_at IS NULL)"
_DEVICES = (
    f"SELECT {', '.join(_DEVICE_NAMES)}, CAST(rules AS TEXT), CAST(inherited AS TEXT),"
    f" {_TESTED}"
    " FROM devices AS d WHERE active AND "
)
_STATES = f"SELECT {', '.join(_STATE_NAMES)} FROM device_states WHERE "
_LISTED = "IN (SELECT value FROM json_each(?))"
_SQLITE_CHILDREN = f"{_DEVICES} source_id = ? AND child_id {_LISTED}"
_SQLITE_IDS = f"{_DEVICES} id {_LISTED}"
_SQLITE_LOAD_STATES = f"{_STATES} device_id {_LISTED}"
_POSTGRES_CHILDREN = f"{_DEVICES} source_id = %s AND child_id = ANY(%s)"
_POSTGRES_IDS = f"{_DEVICES} id = ANY(%s)"
_POSTGRES_LOAD_STATES = f"{_STATES} device_id = ANY(%s) ORDER BY device_id FOR UPDATE"
# Not one statement with a join: on tables that were never analysed PostgreSQL multiplies
# one thousand rows by the other.


async def load_children(
    session: AsyncSession, children: Collection[Child], zone: str = DEFAULT_ZONE
) -> dict[Child, KnownDevice]:
    """The registered devices among `children`, with their states, locked in device order.

    `zone` is the one that their homes lie in.
    """
    by_source: dict[str, list[str]] = {}
    for source_id, child_id in children:
        by_source.setdefault(source_id, []).append(child_id)
    devices: dict[str, KnownDevice] = {}
    for source_id, child_ids in by_source.items():
        devices |= await _load(
            session, _SQLITE_CHILDREN, _POSTGRES_CHILDREN, child_ids, zone, source_id
        )
    await add_personal_rules(session, devices)
    await _load_states(session, devices)
    return {(device.source_id, device.child_id): device for device in devices.values()}


async def load_devices(
    session: AsyncSession, ids: Collection[str], zone: str = DEFAULT_ZONE
) -> dict[str, KnownDevice]:
    """The same by device id, for the sweep."""
    devices = await _load(session, _SQLITE_IDS, _POSTGRES_IDS, list(ids), zone)
    await add_personal_rules(session, devices)
    await _load_states(session, devices)
    return devices


async def _load(
    session: AsyncSession,
    on_sqlite: str,
    on_postgres: str,
    wanted: list[str],
    zone: str,
    *source_id: str,
) -> dict[str, KnownDevice]:
    rows, time = await _read(session, on_sqlite, on_postgres, wanted, *source_id)
    return {row[0]: _known(row, time, zone) for row in rows}


async def _load_states(session: AsyncSession, devices: dict[str, KnownDevice]) -> None:
    """Fill in the stored states; rows are locked in one order, so batches cannot deadlock."""
    ids = list(devices)
    rows, time = await _read(session, _SQLITE_LOAD_STATES, _POSTGRES_LOAD_STATES, ids)
    for ident, state, heard_at, online, battery, rssi, silent_after, judge_at, interval_s in rows:
        device = devices[ident]
        device.state, device.last_heard_at = state, time(heard_at)
        device.online = None if online is None else bool(online)
        device.battery_pct, device.rssi_dbm = battery, rssi
        device.silent_after, device.judge_at = time(silent_after), time(judge_at)
        device.interval_s = interval_s
        device.is_stored = True


_ToTime = Callable[[Any], Any]


async def _read(
    session: AsyncSession, on_sqlite: str, on_postgres: str, wanted: list[str], *source_id: str
) -> tuple[Sequence[Any], _ToTime]:
    """The rows, and what makes a time of a time column's value."""
    if not wanted:
        return (), _in_utc
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        listed = msgspec.json.encode(wanted).decode()
        found = await connection.exec_driver_sql(on_sqlite, (*source_id, listed))
        return found.all(), _from_micros
    found = await connection.exec_driver_sql(on_postgres, (*source_id, wanted))
    return found.all(), _in_utc


def _from_micros(value: int | None) -> datetime | None:
    return None if value is None else from_micros(value)


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _known(row: Sequence[Any], time: _ToTime, zone: str) -> KnownDevice:
    ident, source_id, child_id, role, name, room, area_id, *more = row
    every_s, enrolled_at, watch, resting_since, dry_since, own, inherited, is_tested = more
    rules = _rules(own)
    if inherited not in _NO_RULES:
        rules = merged(_rules(inherited), rules)
    resting = resting_since is not None or dry_since is not None
    view = _view(ident, role, name, rules, time(enrolled_at), every_s, watch, zone, resting)
    return KnownDevice(
        id=ident,
        source_id=source_id,
        child_id=child_id,
        role=role,
        family=name,
        room=room,
        area_id=area_id,
        view=view,
        is_tested=bool(is_tested),
    )


def _rules(text: str | None) -> dict[str, Any]:
    return {} if text is None or text in _NO_RULES else msgspec.json.decode(text)


def view_of(device: Device | Row[Any], zone: str = DEFAULT_ZONE) -> DeviceView:
    """The same of a row that is loaded already, whole or with the columns that are read here."""
    return _view(
        device.id,
        device.role,
        device.family,
        merged(device.inherited, device.rules),
        device.enrolled_at,
        device.expected_every_s,
        device.supervisable,
        zone,
        resting=device.resting_since is not None or device.dry_since is not None,
    )


def _view(
    ident: str,
    role: str,
    name: str,
    rules: dict[str, Any],
    enrolled_at: datetime | None,
    every_s: int | None,
    supervisable: bool | int | None,
    zone: str = DEFAULT_ZONE,
    resting: bool = False,
) -> DeviceView:
    """What the detectors may know of a device; what is set for it goes before its family."""
    family = FAMILIES.get(name)
    by_family = family is None or family.supervised
    return DeviceView(
        id=ident,
        role=role,
        family=name,
        rules=rules,
        zone=zone,
        enrolled_at=enrolled_at,
        reports_every_s=every_s or (family.reports_every_s if family else None),
        supervised=by_family if supervisable is None else bool(supervisable),
        resting=resting,
    )


_NO_RULES = (None, "{}", "null")
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
    f"INSERT INTO device_states ({', '.join(_STATE_NAMES)})"
    " SELECT * FROM json_to_recordset(%s::json) AS rows(a text, b text, c timestamptz, d bool,"
    " e float8, f float8, g timestamptz, h timestamptz, i int)"
    " ON CONFLICT (device_id) DO UPDATE SET "
    + ", ".join(f"{name}=excluded.{name}" for name in _STATE_NAMES[1:])
)
_POSTGRES_READINGS = (
    f"INSERT INTO readings ({', '.join(_READING_NAMES)}) SELECT * FROM"
    " json_to_recordset(%s::json) AS rows(a text, b text, c timestamptz, d float8)"
    " ON CONFLICT DO NOTHING"
)


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
            d.interval_s,
        )
        for d in changed
    ]
    await _write(session, rows, _SQLITE_STATES, _POSTGRES_STATES)


async def save_readings(
    session: AsyncSession, rows: Sequence[tuple[str, str, datetime, float]]
) -> None:
    """Insert readings `(device id, register, at, value)`; one that is there already stays."""
    await _write(session, rows, _SQLITE_READINGS, _POSTGRES_READINGS)


_DEVICE_TABLE = Device.__table__
assert isinstance(_DEVICE_TABLE, Table)
_TESTED_AT = _DEVICE_TABLE.c.tested_at
_PROVEN = (
    update(_DEVICE_TABLE)
    .where(
        _DEVICE_TABLE.c.id == bindparam("device"),
        or_(_TESTED_AT.is_(None), bindparam("time") > _TESTED_AT),
    )
    .values(tested_at=bindparam("time"))
)


async def save_proofs(session: AsyncSession, proven: Mapping[str, datetime]) -> None:
    """When alarm devices (id → time) last showed that they work."""
    if proven:
        rows = [{"device": device_id, "time": at} for device_id, at in sorted(proven.items())]
        await (await session.connection()).execute(_PROVEN, rows)


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
        table = [dict(zip("abcdefghi", row, strict=False)) for row in rows]
        await connection.exec_driver_sql(on_postgres, (msgspec.json.encode(table).decode(),))


def _plain(value: Any) -> Any:
    return to_micros(value) if type(value) is datetime else value
