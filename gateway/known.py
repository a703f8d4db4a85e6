"""Whom a batch names among a source's children: their roles, their names, and who is in use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from care.tables import Device, SourceChild

FEW = 200
"""So many children are looked up more quickly than it is found out whom a batch names."""
MOST_NAMED = 5000
"""A batch that names more (an inventory) has the children looked up whole: the databases limit how
many values a statement may have."""


@dataclass(frozen=True, slots=True)
class Known:
    """Children of one source."""

    roles: dict[str, str] = field(default_factory=dict)  # child id → role, of devices retired too
    active: set[str] = field(default_factory=set)  # child ids of registered devices in use
    aliases: dict[str, str] = field(default_factory=dict)  # topic name → child id
    capabilities: dict[str, tuple[str, ...]] = field(default_factory=dict)  # child id → what
    # the bridge's inventory said of it


async def known_children(
    session: AsyncSession, source_ids: Collection[str], named: Callable[[], Collection[str]]
) -> dict[str, Known]:
    """Source id → what is known of its children.

    Where the sources have more than a few, `named` is asked for the ids and names that matter, and
    what is known holds for these and for the children that they stand for.
    """
    known = await _all_of_few(session, source_ids)
    return known if known is not None else await _of_named(session, source_ids, named())


async def registered(
    session: AsyncSession, source_ids: Collection[str], child_ids: Collection[str]
) -> dict[str, Known]:
    """Source id → which of these children are registered there; nothing of what they are called."""
    devices = await session.execute(_devices(source_ids).where(Device.child_id.in_(child_ids)))
    return _known(source_ids, (), devices)


async def _all_of_few(
    session: AsyncSession, source_ids: Collection[str]
) -> dict[str, Known] | None:
    """None: there are more than a few."""
    devices = (await session.execute(_devices(source_ids).limit(FEW + 1))).all()
    if len(devices) > FEW:
        return None
    children = (await session.execute(_children(source_ids).limit(FEW + 1))).all()
    return _known(source_ids, children, devices) if len(children) <= FEW else None


async def _of_named(
    session: AsyncSession, source_ids: Collection[str], names: Collection[str]
) -> dict[str, Known]:
    wanted_children, wanted_devices = _children(source_ids), _devices(source_ids)
    is_limited = len(names) <= MOST_NAMED
    if is_limited:
        called_so = or_(SourceChild.name.in_(names), SourceChild.child_id.in_(names))
        wanted_children = wanted_children.where(called_so)
    children = (await session.execute(wanted_children)).all()
    if is_limited:
        either = {*names, *(row.name for row in children), *(row.child_id for row in children)}
        wanted_devices = wanted_devices.where(Device.child_id.in_(either))
    return _known(source_ids, children, await session.execute(wanted_devices))


def _children(source_ids: Collection[str]) -> Select[str, str, str, list[str]]:
    return select(
        SourceChild.source_id, SourceChild.name, SourceChild.child_id, SourceChild.capabilities
    ).where(SourceChild.source_id.in_(source_ids), SourceChild.name != "")


def _devices(source_ids: Collection[str]) -> Select[str, str, str, bool]:
    return select(Device.source_id, Device.child_id, Device.role, Device.active).where(
        Device.source_id.in_(source_ids)
    )


def _known(
    source_ids: Iterable[str],
    children: Iterable[Row[*tuple[Any, ...]]],
    devices: Iterable[Row[*tuple[Any, ...]]],
) -> dict[str, Known]:
    known = {source_id: Known() for source_id in source_ids}
    for source_id, name, child_id, can in children:
        known[source_id].aliases[name] = child_id
        known[source_id].capabilities[child_id] = tuple(can)
    for source_id, child_id, role, is_active in devices:
        known[source_id].roles[child_id] = role
        if is_active:
            known[source_id].active.add(child_id)
    for each in known.values():
        _honour_registered_names(each.roles, each.aliases)
    return known


def _honour_registered_names(roles: dict[str, str], aliases: dict[str, str]) -> None:
    """Somebody may have registered a child under its topic's name instead of its address.

    Then that name is its identity, and the inventory must not lead past it.
    """
    for name in [name for name, child_id in aliases.items() if name in roles and child_id != name]:
        if aliases[name] not in roles:
            del aliases[name]
