"""Registering what speaks: care keeps the books, devices say what a family and a role can be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.liveness import silence_limit_s, silent_after
from alerting.fleet import sources, testing
from alerting.handling.lessons import hold_memory_of
from alerting.intake.store import view_of
from alerting.queries import DeviceView, device
from alerting.stream import announce
from alerting.tables import DeviceStateRow
from care import device_log, equipment, queries
from care.areas import area_for_new
from care.equipment import MqttCredentials, Place
from care.handing_down import refresh_homes
from care.model import Actor
from care.queries import Sight
from care.tables import Device, Source, SourceChild
from core.errors import InvalidInput
from devices import registry
from devices.event import DEVICE_ROLES

_SETTABLE = frozenset({"role", "room", "rules", "expected_every_s", "supervisable"})
RESERVED = "anju-"
"""Ids that begin so are Anju's own: its canary, and the client ids of its sessions, which a device
of that name would take over."""


async def renew_device_credentials(
    session: AsyncSession, actor: Actor, device_id: str
) -> MqttCredentials:
    """A new MQTT password for a native device; any other speaks through its source's account."""
    view = await device(session, Sight(actor=actor), device_id)
    return await equipment.renew_credentials(session, view.device)


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
    if device_id.startswith(RESERVED):
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
    row = registered[0]
    known = await session.get(SourceChild, (source.id, child))
    if known is not None:  # what its bridge said of it
        row.model, row.vendor = known.model, known.vendor
    device_log.note(session, row.id, "enrolled", now, actor, role=role, source=source.name)
    announce(session, row, now)
    return registered


async def update_device(
    session: AsyncSession, actor: Actor, now: datetime, device_id: str, changes: Mapping[str, Any]
) -> DeviceView:
    """Change what is `_SETTABLE`; bind anew with elder_id or home_id.

    A new binding, or a new role, starts the detectors afresh: what they remembered was about
    other people. `elder_id: null` alone leaves the device in the elder's home; `home_id: null`
    takes it off the wall.
    """
    view = await device(session, Sight(actor=actor), device_id)
    await hold_memory_of(session, device_id)
    row = view.device
    role_changed = changes.get("role", row.role) != row.role
    _check_role(changes.get("role", row.role))
    back = _switch(session, actor, row, now, active=changes.get("active", row.active))
    for field in changes.keys() & _SETTABLE:
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
        await refresh_homes(session, await _homes_of(session, row.id), now)
        await _reset_detectors(session, row.id)
        await testing.begin_anew(session, row, now, actor)
    elif changes.keys() & {"supervisable", "expected_every_s", "rules"}:
        await _expect_anew(session, row)
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
    device_log.note(session, row.id, "unretired" if active else "retired", now, actor)
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
    source = await sources.find_source(session, actor, source_id, serving=True)
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


def is_supervisable(row: Device) -> bool:
    """Whether this device's silence means something; unsupervisable ones are labelled as such."""
    return silence_limit_s(view_of(row)) is not None


async def _expect_anew(session: AsyncSession, row: Device) -> None:
    """Another interval is expected, or none: when its silence is due changes at once."""
    state = await session.get(DeviceStateRow, row.id)
    if state is not None and state.silent_after is not None:
        state.silent_after = silent_after(state.last_heard_at, view_of(row), state.interval_s)


async def _homes_of(session: AsyncSession, device_id: str) -> list[str]:
    return [one.home_id for one in (await queries.open_bindings(session, [device_id])).values()]


async def _reset_detectors(session: AsyncSession, device_id: str) -> None:
    """Forget what detectors remember: the device was bound anew, or its meter was replaced."""
    await session.execute(delete(DeviceStateRow).where(DeviceStateRow.device_id == device_id))
