"""Every MQTT account that may come in: native devices and bridges that were not revoked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from care.tables import NATIVE_SOURCE, Device, Source, SourceChild


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttAccount:
    """A user name with the hash of its password, and what it is the account of."""

    name: str
    password_hash: str  # Mosquitto's own form, see `care/equipment.py`
    family: str
    prefix: str  # "" for a native device
    listed: tuple[str, ...] | None  # of a bridge limited to its registered children: their ids
    # and the names that the bridge itself gave them; None: not limited


async def all_accounts(session: AsyncSession) -> list[MqttAccount]:
    """Of everybody, by name."""
    devices = (await session.execute(_devices())).all()
    sources = (await session.scalars(_sources())).all()
    found = [_native(name, digest) for name, digest in devices]
    listed = await _listed(session, [one.id for one in sources if one.only_listed])
    found += [_bridge(source, listed) for source in sources]
    return sorted(found, key=lambda account: account.name)


async def account(session: AsyncSession, name: str) -> MqttAccount | None:
    """Of this user name; None when there is none, or it was revoked."""
    found = (await session.execute(_devices().where(Device.mqtt_username == name))).first()
    if found is not None:
        return _native(found[0], found[1])
    source = await session.scalar(_sources().where(Source.mqtt_username == name))
    if source is None:
        return None
    listed = await _listed(session, [source.id] if source.only_listed else [])
    return _bridge(source, listed)


async def bridges_spoken_to(session: AsyncSession) -> list[tuple[str, str]]:
    """(family, prefix) of every bridge in use, for what Anju itself must be able to write."""
    rows = await session.execute(
        select(Source.family, Source.prefix).where(
            Source.active, Source.id != NATIVE_SOURCE, Source.prefix != ""
        )
    )
    return [(family, prefix) for family, prefix in rows]


def _devices() -> Select[str | None, str | None]:
    return select(Device.mqtt_username, Device.mqtt_password_hash).where(
        Device.active, Device.mqtt_password_hash.is_not(None), Device.source_id == NATIVE_SOURCE
    )


def _sources() -> Select[Source]:
    return select(Source).where(
        Source.active, Source.mqtt_password_hash.is_not(None), Source.prefix != ""
    )


async def _listed(session: AsyncSession, source_ids: list[str]) -> dict[str, tuple[str, ...]]:
    """Source → the ids and names of its registered, active children."""
    named = and_(SourceChild.source_id == Device.source_id, SourceChild.child_id == Device.child_id)
    rows = await session.execute(
        select(Device.source_id, Device.child_id, SourceChild.name)
        .outerjoin(SourceChild, named)
        .where(Device.active, Device.source_id.in_(source_ids))
        .order_by(Device.child_id)
    )
    found: dict[str, dict[str, None]] = {ident: {} for ident in source_ids}
    for source_id, child_id, name in rows:
        found[source_id] |= {child_id: None} | ({name: None} if name else {})
    return {source_id: tuple(names) for source_id, names in found.items()}


def _native(name: str | None, digest: str | None) -> MqttAccount:
    return MqttAccount(
        name=str(name), password_hash=str(digest), family="native", prefix="", listed=None
    )


def _bridge(source: Source, listed: dict[str, tuple[str, ...]]) -> MqttAccount:
    return MqttAccount(
        name=str(source.mqtt_username),
        password_hash=str(source.mqtt_password_hash),
        family=source.family,
        prefix=source.prefix,
        listed=listed[source.id] if source.only_listed else None,
    )
