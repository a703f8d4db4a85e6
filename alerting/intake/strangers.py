"""Devices nobody registered: an inbox of bounded size, so that a million names harm nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.intake import suggested
from alerting.intake.heard import Child
from care.tables import Device, SourceChild
from devices.event import Decoded, InventoryItem

MOST_PER_SOURCE = 2000
_MOST_CHARS = 200


def said(decoded: Decoded, child_id: str) -> str:
    """All that one message says of a stranger, in a few words for the inbox."""
    words = [event.kind for event in decoded.events if event.child_id == child_id]
    words += [
        f"{r.register}={r.value:g} {r.unit}" for r in decoded.readings if r.child_id == child_id
    ]
    words += [
        "online" if presence.online else "offline"
        for presence in decoded.presences
        if presence.child_id == child_id
    ]
    return ", ".join(words)[:_MOST_CHARS]


async def note_strangers(
    session: AsyncSession, seen: Mapping[Child, tuple[str, int]], now: datetime
) -> int:
    """Put `child → (what it said, how many messages)` into the inbox.

    Returns how many had no room any more; they are counted, not stored.
    """
    turned_away = 0
    for source_id in {child[0] for child in seen}:
        children = {c[1]: words for c, words in seen.items() if c[0] == source_id}
        rows = await session.scalars(
            select(SourceChild)
            .where(SourceChild.source_id == source_id, SourceChild.child_id.in_(children))
            .order_by(SourceChild.child_id)
            .with_for_update()
        )
        known = {row.child_id: row for row in rows}
        for child_id, row in known.items():
            words, count = children[child_id]
            row.said, row.last_seen_at = words or row.said, now
            row.messages += count
        fresh = [child_id for child_id in children if child_id not in known]
        room = MOST_PER_SOURCE - await _stored(session, source_id) if fresh else 0
        turned_away += max(len(fresh) - max(room, 0), 0)
        rows_to_add = [
            _row(
                source_id, child_id, now, said=children[child_id][0], messages=children[child_id][1]
            )
            for child_id in sorted(fresh)[: max(room, 0)]
        ]
        await _insert(session, rows_to_add)
    return turned_away


async def _stored(session: AsyncSession, source_id: str) -> int:
    count = await session.scalar(
        select(func.count()).select_from(SourceChild).where(SourceChild.source_id == source_id)
    )
    return int(count or 0)


async def take_inventory(
    session: AsyncSession, source_id: str, items: tuple[InventoryItem, ...], now: datetime
) -> None:
    """A bridge listed its children: their names (topics) now lead to their ids.

    What is only suggested (Home Assistant discovery) goes to the source that speaks for it.
    """
    items = await suggested.keep_own(session, source_id, items, now)
    stored = {
        row.child_id: row
        for row in await session.scalars(
            select(SourceChild).where(SourceChild.source_id == source_id)
        )
    }
    fresh: list[dict[str, Any]] = []
    for item in items:
        row = stored.get(item.child_id)
        if row is not None:
            row.name = item.name
            row.model, row.vendor = item.model or row.model, item.vendor or row.vendor
            row.capabilities = list(item.capabilities) or row.capabilities
        elif len(stored) + len(fresh) < MOST_PER_SOURCE:
            fresh.append(
                _row(
                    source_id,
                    item.child_id,
                    now,
                    name=item.name,
                    model=item.model,
                    vendor=item.vendor,
                    capabilities=list(item.capabilities),
                )
            )
    await _insert(session, fresh)
    await _forget_names(session, source_id, items, stored)
    await _describe_registered(session, source_id, items)


async def _forget_names(
    session: AsyncSession,
    source_id: str,
    items: tuple[InventoryItem, ...],
    stored: Mapping[str, SourceChild],
) -> None:
    """Before the list came, a child's name (its topic) was taken for its id: that was no device.

    What somebody registered by its name stays; so does a name that is another child's id.
    """
    ids = {item.child_id for item in items}
    names = {item.name for item in items if item.name in stored} - ids
    if not names:
        return
    registered = await session.scalars(
        select(Device.child_id).where(Device.source_id == source_id, Device.child_id.in_(names))
    )
    for name in sorted(names - set(registered)):
        await session.delete(stored[name])
    await session.flush()


async def _describe_registered(
    session: AsyncSession, source_id: str, items: tuple[InventoryItem, ...]
) -> None:
    """Registered devices learn their model, vendor and firmware; what is not told stays."""
    known = {item.child_id: item for item in items if item.model or item.vendor or item.firmware}
    devices = await session.scalars(
        select(Device).where(Device.source_id == source_id, Device.child_id.in_(known))
    )
    for device in devices:
        item = known[device.child_id]
        device.model = item.model or device.model
        device.vendor = item.vendor or device.vendor
        device.firmware = item.firmware[:100] or device.firmware


def _row(source_id: str, child_id: str, now: datetime, **others: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "name": "",
        "model": "",
        "vendor": "",
        "capabilities": [],
        "said": "",
        "messages": 0,
    }
    return empty | {
        "source_id": source_id,
        "child_id": child_id,
        "first_seen_at": now,
        "last_seen_at": now,
        **others,
    }


async def _insert(session: AsyncSession, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.execute(insert(SourceChild).on_conflict_do_nothing(), rows)
