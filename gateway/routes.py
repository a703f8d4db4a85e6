"""Which source a topic belongs to: the native root, or the prefix of a registered bridge."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select

from care.tables import NATIVE_SOURCE, Device, Source, SourceChild
from core.services import Services
from devices.event import Message
from devices.family import SourceView
from devices.registry import FAMILIES, NOT_UNDERSTOOD, family_of_topic, roots_of
from gateway.pipeline import Route

CANARY = "anju-canary"
"""A device id that no device may have: Anju's own message through each lane."""
NATIVE_ROOT = "anju/v1"
FOREIGN_CANARY_TOPIC = f"anju/canary/{CANARY}"
_DOWNLINKS = ("/ack", "/command")


def urgent_filters() -> list[str]:
    return [f"{NATIVE_ROOT}/+/event"]


def bulk_filters() -> list[str]:
    """Telemetry and status; and whatever else is said under `anju/`, to be set aside visibly."""
    return ["anju/#"]


async def foreign_filters(services: Services) -> list[str]:
    """The topics of every bridge that was not revoked, and the canary's."""
    async with services.db.reading() as session:
        rows = await session.execute(
            select(Source.family, Source.prefix).where(
                Source.active, Source.id != NATIVE_SOURCE, Source.prefix != ""
            )
        )
        filters = {
            topic
            for family, prefix in rows
            for topic in FAMILIES.get(family, NOT_UNDERSTOOD).subscriptions(prefix)
        }
    return [FOREIGN_CANARY_TOPIC, *sorted(filters)]


def belongs_to_bulk(topic: str) -> bool:
    """Not ours to handle here: alarms have a lane of their own, downlinks are our own words."""
    if topic == FOREIGN_CANARY_TOPIC:
        return False
    is_native = topic.startswith(f"{NATIVE_ROOT}/") and topic.count("/") == 3
    return not (is_native and topic.endswith(("/event", *_DOWNLINKS)))


def is_canary(topic: str) -> bool:
    return topic == FOREIGN_CANARY_TOPIC or topic.startswith(f"{NATIVE_ROOT}/{CANARY}/")


class NativeRouter:
    """Everything below `anju/` is the native source's; its family needs no view of devices."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._route = Route(NATIVE_SOURCE, "native", SourceView(zone=zone))

    async def __call__(self, messages: Sequence[Message]) -> Sequence[Route | None]:
        return [self._route] * len(messages)


class ForeignRouter:
    """Looks up, for each batch, the sources its topics belong to, with their roles and names."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, messages: Sequence[Message]) -> Sequence[Route | None]:
        async with self._services.db.reading() as session:
            sources = _by_root(
                (await session.scalars(select(Source).where(Source.id != NATIVE_SOURCE))).all()
            )
            hits = [family_of_topic(message.topic, sources) for message in messages]
            wanted = {hit[1].id for hit in hits if hit is not None}
            roles: dict[str, dict[str, str]] = {ident: {} for ident in wanted}
            aliases: dict[str, dict[str, str]] = {ident: {} for ident in wanted}
            capabilities: dict[str, dict[str, tuple[str, ...]]] = {ident: {} for ident in wanted}
            children = await session.execute(
                select(
                    SourceChild.source_id,
                    SourceChild.name,
                    SourceChild.child_id,
                    SourceChild.capabilities,
                ).where(SourceChild.source_id.in_(wanted), SourceChild.name != "")
            )
            for source_id, name, child_id, can in children:
                aliases[source_id][name] = child_id
                capabilities[source_id][child_id] = tuple(can)
            devices = await session.execute(
                select(Device.source_id, Device.child_id, Device.role, Device.active).where(
                    Device.source_id.in_(wanted)
                )
            )
            listed: dict[str, set[str]] = {ident: set() for ident in wanted}
            for source_id, child_id, role, is_active in devices:
                roles[source_id][child_id] = role
                if is_active:
                    listed[source_id].add(child_id)
        for source_id, known in roles.items():
            _honour_registered_names(known, aliases[source_id])
        views = {
            row.id: Route(
                row.id,
                row.family,
                SourceView(
                    prefix=row.prefix,
                    zone=self._services.settings.zone,
                    roles=roles[row.id],
                    aliases=aliases[row.id],
                    capabilities=capabilities[row.id],
                ),
                revoked=not row.active,
                listed=frozenset(listed[row.id]) if row.only_listed else None,
            )
            for row in sources.values()
            if row.id in wanted
        }
        return [views[hit[1].id] if hit is not None else None for hit in hits]


def _by_root(rows: Sequence[Source]) -> dict[str, Source]:
    """Topic root → source. Tasmota's `tele` owns `stat` too, unless that is somebody's prefix."""
    roots = {root: row for row in rows for root in roots_of(row.family, row.prefix)}
    return roots | {row.prefix: row for row in rows}


def _honour_registered_names(roles: dict[str, str], aliases: dict[str, str]) -> None:
    """Somebody may have registered a child under its topic's name instead of its address.

    Then that name is its identity, and the inventory must not lead past it.
    """
    for name in [name for name, child_id in aliases.items() if name in roles and child_id != name]:
        if aliases[name] not in roles:
            del aliases[name]
