"""Home Assistant announces what other bridges speak for: one device is one row of the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detectors.moved import is_unmistakable
from care.tables import Source, SourceChild
from devices.event import InventoryItem
from devices.families.homeassistant import FAMILY as DISCOVERY
from devices.registry import family_of_topic


async def keep_own(
    session: AsyncSession, source_id: str, items: tuple[InventoryItem, ...], now: datetime
) -> tuple[InventoryItem, ...]:
    """The items that no other source speaks for; the others enrich that source's own rows."""
    source = await session.get(Source, source_id)
    if source is None or source.family != DISCOVERY.name:
        return items
    others = (
        await session.scalars(select(Source).where(Source.id != source_id, Source.prefix != ""))
    ).all()
    return tuple([item for item in items if not await _enriched(session, item, others, now)])


async def _enriched(
    session: AsyncSession, item: InventoryItem, others: Sequence[Source], now: datetime
) -> bool:
    """Whether another source's child is meant; then what was announced is written there."""
    hit = family_of_topic(item.topic, {one.prefix: one for one in others})
    speaker = hit[1] if hit is not None else None
    names = names_of(item, speaker.prefix if speaker else "")
    sources = [speaker] if speaker is not None else others
    row = await session.scalar(
        select(SourceChild)
        .where(
            SourceChild.source_id.in_([one.id for one in sources]),
            or_(SourceChild.child_id.in_(names), SourceChild.name.in_(names)),
        )
        .order_by(SourceChild.last_seen_at.desc())
        .limit(1)
        .with_for_update()
    )
    if row is None:
        serial = next((name for name in names if is_unmistakable(name)), None)
        if speaker is None or serial is None:
            return False
        row = SourceChild(
            source_id=speaker.id, child_id=serial, name="", first_seen_at=now, last_seen_at=now
        )
        row.model = row.vendor = ""
        row.capabilities = []
        session.add(row)
    row.model, row.vendor = row.model or item.model, row.vendor or item.vendor
    row.capabilities = list(dict.fromkeys((*row.capabilities, *item.capabilities)))
    await session.flush()
    return True


def names_of(item: InventoryItem, prefix: str) -> tuple[str, ...]:
    """What the speaking source may call the child, surest first.

    What follows a bridge's own mark in the identifier (`zigbee2mqtt_0x00158d…`), or all of it;
    the level of the topic below the bridge's prefix. Elsewhere only serial numbers count.
    """
    ids = [item.child_id, item.child_id.rpartition("_")[2]]
    names = [name for name in reversed(ids) if is_unmistakable(name)]
    if prefix:
        names.append(item.topic.removeprefix(f"{prefix}/").partition("/")[0])
    return tuple(dict.fromkeys(names))
