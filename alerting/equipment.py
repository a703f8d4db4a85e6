"""Registering what speaks: care keeps the books, devices say what a family and a role can be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.queries import DeviceView, device
from alerting.tables import DeviceStateRow, StreamHint
from care import equipment, queries
from care.areas import area_for_new
from care.devicelog import note
from care.equipment import MqttCredentials, Place
from care.model import Actor
from care.queries import Sight
from care.tables import NATIVE_SOURCE, Device, Source
from core.db import add_hint
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from devices import registry
from devices.event import DEVICE_ROLES

RESERVED_IDS = frozenset({"anju-canary"})
"""Ids under which Anju itself speaks, see `gateway/routes.py`."""


async def register_source(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    family: str,
    prefix: str,
    area_id: str | None = None,
) -> tuple[Source, MqttCredentials]:
    """Add a bridge with its own topic prefix.

    Raises `InvalidInput` for an unknown family or a prefix that cannot be one, `Conflict` when
    another source would hear the same messages.
    """
    if not registry.family(family).is_bridge:
        raise InvalidInput("family", f"{family} devices need no source of their own")
    registry.check_prefix(prefix)
    await _lock_sources(session, now)
    await _refuse_overlap(session, prefix, None)
    return await equipment.add_source(
        session, actor, now, name=name, family=family, prefix=prefix, area_id=area_id
    )


async def update_source(
    session: AsyncSession, actor: Actor, now: datetime, source_id: str, changes: Mapping[str, Any]
) -> Source:
    """Change name, prefix or area; the family stays, since its devices' ids are its own."""
    source = await find_source(session, actor, source_id)
    if source.id == NATIVE_SOURCE:
        raise NotAllowed("the source of native devices is built in and cannot be changed")
    if "prefix" in changes:
        registry.check_prefix(changes["prefix"])
        await _lock_sources(session, now)
        await _refuse_overlap(session, changes["prefix"], source.id)
        source.prefix = changes["prefix"]
    if "name" in changes:
        source.name = changes["name"]
    if "area_id" in changes:
        source.area_id = await area_for_new(session, actor, changes["area_id"])
    await session.flush()
    return source


async def find_source(session: AsyncSession, actor: Actor, source_id: str) -> Source:
    """A source of the caller's area, or of none; raises `NotFound` otherwise."""
    visible = queries.in_scope(Source.area_id, actor.scope)
    found = await session.scalar(select(Source).where(Source.id == source_id, visible))
    if found is None:
        raise NotFound("source", source_id)
    return found


async def _lock_sources(session: AsyncSession, now: datetime) -> None:
    """Two sources added at once must see each other: the built-in one's row is the lock."""
    await equipment.ensure_native_source(session, now)
    await session.execute(select(Source.id).where(Source.id == NATIVE_SOURCE).with_for_update())


async def _refuse_overlap(session: AsyncSession, prefix: str, own_id: str | None) -> None:
    for other in (await session.scalars(select(Source).where(Source.prefix != ""))).all():
        if other.id != own_id and registry.prefixes_overlap(prefix, other.prefix):
            raise Conflict(
                f"prefix {prefix} overlaps {other.prefix} of source {other.name}: "
                "both would hear the same messages"
            )


async def register_device(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    device_id: str,
    family: str,
    role: str,
    source_id: str | None = None,
    child_id: str | None = None,
    elder_id: str | None = None,
    home_id: str | None = None,
    area_id: str | None = None,
    room: str | None = None,
    rules: dict[str, Any] | None = None,
    expected_every_s: int | None = None,
) -> tuple[Device, MqttCredentials | None]:
    """Register a device and bind it, from now on, to an elder, a home, or nobody yet.

    A native device speaks for itself and is its own child; any other needs its source and the
    child id it has there. Raises `InvalidInput`, `NotFound`, or `Conflict` when it is registered
    already.
    """
    if device_id in RESERVED_IDS:
        raise InvalidInput("id", "is Anju's own; choose another")
    _check_role(role)
    source, child = await _origin(session, actor, now, device_id, family, source_id, child_id)
    place = await _place(session, actor, elder_id, home_id, area_id)
    registered = await equipment.add_device(
        session,
        actor,
        now,
        device_id=device_id,
        source=source,
        child_id=child,
        role=role,
        place=place,
        room=room,
        area_id=area_id,
        rules=rules,
        expected_every_s=expected_every_s,
    )
    announce(session, registered[0], now)
    return registered


async def update_device(
    session: AsyncSession, actor: Actor, now: datetime, device_id: str, changes: Mapping[str, Any]
) -> DeviceView:
    """Change role, room, rules, expected_every_s, active; bind anew with elder_id or home_id.

    A new binding, or a new role, starts the detectors afresh: what they remembered was about
    other people. `elder_id: null` alone leaves the device in the elder's home; `home_id: null`
    takes it off the wall.
    """
    view = await device(session, Sight(actor=actor), device_id)
    row = view.device
    role_changed = changes.get("role", row.role) != row.role
    _check_role(changes.get("role", row.role))
    back = _switch(session, actor, row, now, active=changes.get("active", row.active))
    for field in changes.keys() & {"role", "room", "rules", "expected_every_s"}:
        setattr(row, field, changes[field])
    rebound = False
    if changes.keys() & {"elder_id", "home_id"}:
        elder_id, home_id = _wanted_place(changes, view)
        place = await _place(session, actor, elder_id, home_id, None)
        rebound = await equipment.bind(session, row, place, now)
    if "area_id" in changes:
        await _set_area(session, actor, row, changes["area_id"])
    if rebound or role_changed or back:
        await session.flush()
        await _reset_detectors(session, row.id)
    announce(session, row, now)
    await session.flush()
    return await device(session, Sight(actor=actor), device_id)


def _switch(
    session: AsyncSession, actor: Actor, row: Device, now: datetime, *, active: bool
) -> bool:
    """Retire a device, or bring it back; True when it came back: it is expected to speak again."""
    if active is row.active:
        return False
    row.active = active
    row.retired_at = None if active else now
    note(session, row, now, "unretired" if active else "retired", actor)
    if active:
        row.enrolled_at = now
    return active


def _check_role(role: str) -> None:
    if role not in DEVICE_ROLES:
        raise InvalidInput("role", f"{role!r} is none of {', '.join(sorted(DEVICE_ROLES))}")


async def _origin(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    device_id: str,
    family: str,
    source_id: str | None,
    child_id: str | None,
) -> tuple[Source, str]:
    if not registry.family(family).is_bridge:
        native = await equipment.ensure_native_source(session, now)
        if source_id not in (None, native.id):
            raise InvalidInput("source_id", f"a {family} device needs none")
        if child_id not in (None, device_id):
            raise InvalidInput("child_id", f"a {family} device is its own; leave it out")
        return native, device_id
    if source_id is None or not child_id:
        missing = "source_id" if source_id is None else "child_id"
        raise InvalidInput(missing, f"is required for a {family} device")
    source = await find_source(session, actor, source_id)
    if source.family != family:
        raise InvalidInput("family", f"source {source.name} is of family {source.family}")
    return source, child_id


async def _place(
    session: AsyncSession,
    actor: Actor,
    elder_id: str | None,
    home_id: str | None,
    area_id: str | None,
) -> Place:
    place = await equipment.place_for(session, actor, elder_id, home_id)
    if place.home is not None and area_id not in (None, place.home.area_id):
        raise InvalidInput("area_id", "the home lies in another area; leave area_id out")
    return place


def _wanted_place(changes: Mapping[str, Any], view: DeviceView) -> tuple[str | None, str | None]:
    elder_id, home_id = changes.get("elder_id"), changes.get("home_id")
    if elder_id is None and "home_id" not in changes and view.binding is not None:
        home_id = view.binding.home_id
    return elder_id, home_id


async def _set_area(session: AsyncSession, actor: Actor, row: Device, area_id: str | None) -> None:
    if (await queries.open_bindings(session, [row.id])).get(row.id) is not None:
        raise InvalidInput("area_id", "the device is bound; it has its home's area")
    row.area_id = await area_for_new(session, actor, area_id)


def announce(session: AsyncSession, row: Device, now: datetime) -> None:
    """Tell every open page that this device changed, once the transaction has committed."""
    add_hint(session, StreamHint(topic="device", ref_id=row.id, area_id=row.area_id, at=now))


async def _reset_detectors(session: AsyncSession, device_id: str) -> None:
    """Forget what detectors remember: the device was bound anew, or its meter was replaced."""
    await session.execute(delete(DeviceStateRow).where(DeviceStateRow.device_id == device_id))
