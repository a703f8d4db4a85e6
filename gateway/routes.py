"""Which source a topic belongs to: the native root, or the prefix of a registered bridge."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select

from care.tables import NATIVE_SOURCE, Source
from core.services import Services
from devices.asking import Asked
from devices.event import Message
from devices.family import SourceView
from devices.registry import FAMILIES, NOT_UNDERSTOOD, family_of_topic, roots_of
from gateway.known import Known, known_children
from gateway.pipeline import Route, decode

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
            owners = [None if hit is None else hit[1] for hit in hits]
            known = await known_children(
                session,
                {owner.id for owner in owners if owner is not None},
                lambda: self._named(messages, owners),
            )
        routes: dict[str, Route] = {}
        for owner in owners:
            if owner is not None and owner.id not in routes:
                children = known[owner.id]
                listed = frozenset(children.active) if owner.only_listed else None
                routes[owner.id] = _route(owner, self._view(owner, children), listed)
        return [None if owner is None else routes[owner.id] for owner in owners]

    def _named(self, messages: Sequence[Message], owners: Sequence[Source | None]) -> set[str]:
        """Who is named in the batch; a first reading tells."""
        asked = Asked()
        for message, owner in zip(messages, owners, strict=True):
            if owner is not None:
                view = asked.view(owner.prefix, self._services.settings.zone)
                asked.spoke(decode(message, _route(owner, view)))
        return asked.names

    def _view(self, source: Source, known: Known) -> SourceView:
        return SourceView(
            prefix=source.prefix,
            zone=self._services.settings.zone,
            roles=known.roles,
            aliases=known.aliases,
            capabilities=known.capabilities,
        )


def _route(source: Source, view: SourceView, listed: frozenset[str] | None = None) -> Route:
    return Route(source.id, source.family, view, revoked=not source.active, listed=listed)


def _by_root(rows: Sequence[Source]) -> dict[str, Source]:
    """Topic root → source. Tasmota's `tele` owns `stat` too, unless that is somebody's prefix."""
    roots = {root: row for row in rows for root in roots_of(row.family, row.prefix)}
    return roots | {row.prefix: row for row in rows}
