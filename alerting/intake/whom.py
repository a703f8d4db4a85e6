"""What was set for the person whom a device is about, merged into the device's own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.intake.heard import KnownDevice
from care.model import Category
from care.tables import Binding, Elder, Home

PERSONAL_ROLES = frozenset(
    {"watch", "health_monitor", "bed_sensor", "locator", "fall_detector", "door_contact"}
)
"""Roles whose findings depend on who the person is."""


class Resident(NamedTuple):
    """What matters of one resident and their home."""

    rules: Mapping[str, Any]
    categories: Sequence[str]
    latitude: float | None
    longitude: float | None
    fence_m: int | None


async def add_personal_rules(session: AsyncSession, devices: Mapping[str, KnownDevice]) -> None:
    """One query where such a device is among them, none where not: meters pay nothing."""
    personal = [ident for ident, device in devices.items() if device.role in PERSONAL_ROLES]
    if not personal:
        return
    lives_there = and_(Binding.elder_id.is_(None), Elder.home_id == Binding.home_id)
    rows = await session.execute(
        select(
            Binding.device_id,
            Elder.rules,
            Elder.categories,
            Home.latitude,
            Home.longitude,
            Home.fence_m,
        )
        .join(Elder, or_(Elder.id == Binding.elder_id, lives_there))
        .join(Home, Home.id == Elder.home_id)
        .where(Binding.device_id.in_(personal), Binding.valid_to.is_(None))
        .order_by(Elder.id)
    )
    residents: dict[str, list[Resident]] = {}
    for device_id, *values in rows:
        residents.setdefault(device_id, []).append(Resident(*values))
    for device_id, people in residents.items():
        device = devices[device_id]
        rules = rules_for(device.role, people, device.view.rules)
        device.view = replace(device.view, rules=rules)


def rules_for(role: str, people: Sequence[Resident], own: Mapping[str, Any]) -> dict[str, Any]:
    """The device's rules; what was set for the device itself stands before what the person has.

    A device that several residents share takes nobody's limits: nobody knows whom it measures.
    The door is the exception: it is watched if leaving home is watched for any of them.
    """
    theirs = [_personal(person) for person in people]
    if len(theirs) > 1:
        watched = [one["left_home"] for one in theirs if _is_watched(one)]
        theirs = [{"left_home": watched[0]}] if watched and role == "door_contact" else []
    merged = dict(own)
    for name, rule in theirs[0].items() if theirs else ():
        mine = own.get(name)
        merged[name] = {**rule, **mine} if isinstance(mine, dict) else rule
    return merged


def _personal(person: Resident) -> dict[str, Any]:
    """Rules of one person. Leaving home is watched where it was asked for, and always for those
    who may not find back."""
    rules = dict(person.rules or {})
    asked = rules.get("left_home")
    left_home: dict[str, Any] = {}
    if Category.DEMENTIA in (person.categories or ()):
        left_home["when"] = "always"
    elif asked:
        left_home["when"] = "night"
    left_home |= asked or {}
    if person.latitude is not None and person.longitude is not None:
        left_home["home"] = [person.latitude, person.longitude, person.fence_m]
    return rules | {"left_home": left_home}


def _is_watched(rules: Mapping[str, Any]) -> bool:
    return rules["left_home"].get("when") in ("always", "night")
