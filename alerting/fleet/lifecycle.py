"""A device's life after enrolment: replaced, retired, moved, its meter swapped; all on record."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import timeline
from alerting.detect import DeviceState, another_register, dump_state, judge, load_state
from alerting.detectors.liveness import NEVER_ONLINE_AFTER_S
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from alerting.fleet import equipment, sources
from alerting.handling.opening import apply_finding
from alerting.incident import UNATTENDED
from alerting.intake.store import load_devices
from alerting.intake.whose import whose_is
from alerting.queries import DeviceView, device
from alerting.stream import announce
from alerting.tables import DeviceStateRow, Incident, ReadingRow
from care.device_log import note
from care.equipment import MqttCredentials
from care.model import Actor
from care.queries import Sight
from care.tables import NATIVE_SOURCE, Device, Source
from core.errors import Conflict, InvalidInput
from devices import registry
from devices.event import REGISTER_UNITS, Reading

LONGEST_BACK = timedelta(days=31)
"""How long ago a meter may have been swapped: its readings since then are judged anew."""
METER_REGISTERS = {
    "water_meter": "water_total",
    "electricity_meter": "energy_total",
    "plug": "energy_total",
}
MOST_REGISTER = 1_000_000.0
_MOST_READINGS = 10_000


async def replace_device(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    device_id: str,
    *,
    reason: str,
    new_id: str | None = None,
    source_id: str | None = None,
    child_id: str | None = None,
) -> tuple[Device, MqttCredentials | None]:
    """Put a new device in the place of an old one, which is retired with all it ever said.

    The new one takes over home, elder, room, role and rules, and a meter what was learnt of the
    home. Otherwise its detectors begin afresh, and it asks for an installation test. `new_id` for
    a native one, `child_id` (and `source_id`, where it is another) for any other. Raises
    `Conflict` when the old one has a successor already.
    """
    view = await device(session, Sight(actor=actor), device_id)
    old, binding = view.device, view.binding
    successor = await session.scalar(select(Device.id).where(Device.replaces_id == old.id))
    if successor is not None:
        raise Conflict(f"{old.id} has been replaced by {successor}")
    family, source_id = await _new_origin(session, actor, old, source_id, child_id)
    if new_id is None and child_id is None:
        raise InvalidInput("id", "name the new device: id for a native one, otherwise child_id")
    if new_id is None and not registry.family(family).is_bridge:
        raise InvalidInput("id", "is required for a native device")
    made, credentials = await equipment.register_device(
        session,
        actor,
        now,
        device_id=new_id or await _free_id(session, old.id),
        family=family,
        role=old.role,
        source_id=source_id,
        child_id=child_id,
        elder_id=binding.elder_id if binding else None,
        home_id=binding.home_id if binding else None,
        area_id=None if binding else old.area_id,
        room=old.room,
        rules=dict(old.rules),
        expected_every_s=old.expected_every_s,
    )
    made.replaces_id = old.id
    await _hand_on(session, old, made, now)
    note(session, made.id, "replaces", now, actor, old=old.id, reason=reason)
    note(session, old.id, "replaced", now, actor, new=made.id, reason=reason)
    if binding is not None:
        binding.valid_to = now
    _take_out(old, now)
    old.mqtt_password_hash = None  # it never comes back under this name
    announce(session, old, now)
    await session.flush()
    return made, credentials


async def _hand_on(session: AsyncSession, old: Device, made: Device, now: datetime) -> None:
    """How the home lives is no less known for another meter."""
    learnt = await session.get(DeviceStateRow, old.id)
    if learnt is None or made.role not in METER_REGISTERS:
        return
    of_home = another_register(load_state(learnt.state))
    state = dump_state(DeviceState(water=of_home.water, power=of_home.power))
    session.add(_unheard(made.id, state, now))


def _unheard(device_id: str, memory: str, now: datetime) -> DeviceStateRow:
    """What is known of a device that never spoke; one that never does is told of after a day."""
    late = now + timedelta(seconds=NEVER_ONLINE_AFTER_S)
    return DeviceStateRow(device_id=device_id, state=memory, silent_after=late)


async def _new_origin(
    session: AsyncSession,
    actor: Actor,
    old: Device,
    source_id: str | None,
    child_id: str | None,
) -> tuple[str, str | None]:
    """Family and source of the successor: as named, otherwise those of the old one."""
    if source_id is None and child_id is None:
        return (old.family if old.source_id == NATIVE_SOURCE else NATIVE_SOURCE), None
    wanted = source_id or old.source_id
    if wanted == NATIVE_SOURCE:
        return old.family if old.source_id == NATIVE_SOURCE else NATIVE_SOURCE, None
    source = await sources.find_source(session, actor, wanted)
    return source.family, source.id


async def _free_id(session: AsyncSession, old_id: str) -> str:
    """`smoke-7` → `smoke-7-2`, or the next number that nobody has."""
    for number in count(2):
        suffix = f"-{number}"
        wanted = old_id[: 64 - len(suffix)] + suffix
        if await session.get(Device, wanted) is None:
            return wanted
    raise AssertionError("unreachable: numbers do not end")


def _take_out(row: Device, now: datetime) -> None:
    row.active = False
    row.retired_at = row.retired_at or now


async def retire_device(
    session: AsyncSession, actor: Actor, now: datetime, device_id: str, *, reason: str
) -> DeviceView:
    """Take a device out of service; `PATCH active: true` brings it back.

    Its credentials open nothing meanwhile, and an alarm it still sends is that of an unknown
    device, which says whose it was.
    """
    row = (await device(session, Sight(actor=actor), device_id)).device
    if not row.active:
        at = row.retired_at.isoformat() if row.retired_at else None
        raise Conflict(f"{row.id} is out of service already", at=at)
    note(session, row.id, "retired", now, actor, reason=reason)
    _take_out(row, now)
    announce(session, row, now)
    await session.flush()
    return await device(session, Sight(actor=actor), device_id)


async def move_device(
    session: AsyncSession, actor: Actor, now: datetime, device_id: str, *, source_id: str
) -> DeviceView:
    """Say that a device is now heard under another source, where its child id is the same.

    Home, elder and history stay: whoever carried it to another home binds it anew as well.
    Raises `Conflict` when that child is registered there.
    """
    row = (await device(session, Sight(actor=actor), device_id)).device
    source = await sources.find_source(session, actor, source_id)
    if NATIVE_SOURCE in (source.id, row.source_id):
        raise InvalidInput("source_id", "a native device speaks for itself; replace it instead")
    if source.id == row.source_id:
        raise InvalidInput("source_id", "is where it is registered already")
    before = await session.get_one(Source, row.source_id)
    try:
        async with session.begin_nested():
            row.source_id, row.family, row.seen_under = source.id, source.family, None
    except IntegrityError as error:
        raise Conflict(f"{row.child_id} is registered under {source.name} already") from error
    facts = {"from": before.name, "to": source.name}
    note(session, row.id, "moved", now, actor, **facts)
    await _settle_moved(session, row, actor, facts, now)
    announce(session, row, now)
    await session.flush()
    return await device(session, Sight(actor=actor), device_id)


async def _settle_moved(
    session: AsyncSession, row: Device, actor: Actor, facts: dict[str, Any], now: datetime
) -> None:
    """The question "moved?" is answered; closing it stays with a person."""
    asked = await session.scalar(
        select(Incident)
        .where(
            Incident.subject == f"device:{row.id}",
            Incident.kind == "moved",
            Incident.stage.in_(UNATTENDED),
        )
        .with_for_update()
    )
    if asked is None:
        return
    asked.condition, asked.cleared_at, asked.alarming = "cleared", now, []
    asked.version += 1
    timeline.append(
        session, asked.id, at=now, now=now, kind="device_moved", actor=actor, data=facts
    )
    timeline.touch(session, asked, now)


async def swap_meter(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    device_id: str,
    *,
    at: datetime | None = None,
    final_value: float | None = None,
    start_value: float | None = None,
    note_text: str | None = None,
) -> DeviceView:
    """A new meter hangs in the old one's place and speaks under the same id.

    What detectors remember of the register begins anew `at` (now when not given), from
    `start_value` (m³ or kWh) where it was read, otherwise from the first reading after it; what
    the new meter has said since is judged again. What they learnt of the home stays: the same
    people live there. Raises `InvalidInput`.
    """
    when = at or now
    if when > now:
        raise InvalidInput("at", "lies in the future")
    if now - when > LONGEST_BACK:
        raise InvalidInput("at", f"lies more than {LONGEST_BACK.days} days back")
    row = (await device(session, Sight(actor=actor), device_id)).device
    register = METER_REGISTERS.get(row.role)
    if register is None:
        raise InvalidInput("role", f"a {row.role} has no register that could be swapped")
    unit = REGISTER_UNITS[register]
    said: list[tuple[datetime, Reading]] = []
    if start_value is not None:
        said.append((when, _reading(row, register, start_value, when, unit)))
    later = await session.execute(
        select(ReadingRow.at, ReadingRow.value)
        .where(
            ReadingRow.device_id == row.id, ReadingRow.register == register, ReadingRow.at > when
        )
        .order_by(ReadingRow.at)
        .limit(_MOST_READINGS)
    )
    said += [(time, _reading(row, register, value, time, unit)) for time, value in later]
    await _begin_anew(session, row, said, now)
    facts = {"at": when.isoformat(), "unit": unit}
    given: dict[str, Any] = {
        "final_value": final_value,
        "start_value": start_value,
        "note": note_text,
    }
    facts |= {name: value for name, value in given.items() if value is not None}
    note(session, row.id, "meter_swapped", now, actor, **facts)
    announce(session, row, now)
    await session.flush()
    return await device(session, Sight(actor=actor), device_id)


def _reading(row: Device, register: str, value: float, at: datetime, unit: str) -> Reading:
    return Reading(child_id=row.child_id, register=register, value=value, unit=unit, at=at)


async def _begin_anew(
    session: AsyncSession, row: Device, said: list[tuple[datetime, Reading]], now: datetime
) -> None:
    """Forget the old register and follow the new one."""
    known = (await load_devices(session, [row.id])).get(row.id)
    stored = await session.get(DeviceStateRow, row.id, with_for_update=True)
    if known is None:
        raise Conflict(f"{row.id} is out of service")
    if stored is None:
        stored = _unheard(row.id, "", now)
        session.add(stored)
    judged = judge(another_register(load_state(stored.state)), said, known.view, now)
    stored.state, stored.judge_at = dump_state(judged.state), judged.judge_at
    known.state = stored.state
    cleared = Finding(
        kind="cannot_assess",
        severity=SEVERITY_OF_KIND["cannot_assess"],
        sign=Sign.CLEARED,
        at=now,
        reason="the meter was swapped",
    )
    whose = await whose_is(session, (row.source_id, row.child_id), known, now)
    for finding in (cleared, *judged.findings):
        await apply_finding(session, finding, whose, now)
