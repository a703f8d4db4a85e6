"""Accounts that devices speak through: a bridge with its own topics, a platform that pushes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care import equipment, queries
from care.areas import area_for_new
from care.equipment import MqttCredentials
from care.model import Actor
from care.tables import NATIVE_SOURCE, Source
from core.errors import Conflict, InvalidInput, NotAllowed
from devices import registry


async def register_source(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    family: str,
    prefix: str | None,
    area_id: str | None = None,
    only_listed: bool = False,
) -> tuple[Source, MqttCredentials]:
    """Add a bridge with its own topic prefix; see `register_push_source` for the others.

    Raises `InvalidInput` for an unknown family or a prefix that cannot be one, `Conflict` when
    another source would hear the same messages.
    """
    known = registry.family(family)
    if not known.is_bridge:
        raise InvalidInput("family", f"{family} devices need no source of their own")
    if known.is_push:
        raise InvalidInput("family", f"{family} pushes over HTTP and has no topics")
    if prefix is None:
        raise InvalidInput("prefix", f"is required for a {family} source")
    registry.check_prefix(prefix)
    await _lock_sources(session, now)
    await _refuse_overlap(session, prefix, None)
    return await equipment.add_source(
        session,
        actor,
        now,
        name=name,
        family=family,
        prefix=prefix,
        area_id=area_id,
        only_listed=only_listed,
    )


async def register_push_source(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    family: str,
    prefix: str | None = None,
    area_id: str | None = None,
    only_listed: bool = False,
) -> Source:
    """Add an IoT platform that pushes over HTTP; it has no topics, and its token is derived."""
    if prefix:
        raise InvalidInput("prefix", f"{family} pushes over HTTP and has no topics")
    source = await equipment.add_push_source(
        session, actor, now, name=name, family=family, area_id=area_id
    )
    source.only_listed = only_listed
    return source


async def update_source(
    session: AsyncSession, actor: Actor, now: datetime, source_id: str, changes: Mapping[str, Any]
) -> Source:
    """Change name, prefix, area, `active` (False: revoked) or `only_listed`.

    The family stays, since its devices' ids are its own.
    """
    source = await find_source(session, actor, source_id)
    if source.id == NATIVE_SOURCE:
        raise NotAllowed("the source of native devices is built in and cannot be changed")
    if "prefix" in changes and registry.is_push(source.family):
        raise InvalidInput("prefix", f"{source.family} pushes over HTTP and has no topics")
    if "prefix" in changes:
        registry.check_prefix(changes["prefix"])
        await _lock_sources(session, now)
        await _refuse_overlap(session, changes["prefix"], source.id)
        source.prefix = changes["prefix"]
    for field in changes.keys() & {"name", "active", "only_listed"}:
        setattr(source, field, changes[field])
    if "area_id" in changes:
        source.area_id = await area_for_new(session, actor, changes["area_id"])
    await session.flush()
    return source


async def renew_push_token(session: AsyncSession, actor: Actor, source_id: str) -> Source:
    """A new generation of the source's token; the one before is worth nothing from now on."""
    source = await find_source(session, actor, source_id)
    if not registry.is_push(source.family):
        raise InvalidInput("source_id", f"a {source.family} source does not push over HTTP")
    source.push_generation += 1
    await session.flush()
    return source


async def find_source(
    session: AsyncSession, actor: Actor, source_id: str, *, serving: bool = False
) -> Source:
    """A source of the caller's area, or of none; raises `NotFound` otherwise.

    With `serving` also one of an area above: its devices hang in the caller's homes, too.
    """
    seen = queries.serves if serving else queries.in_scope
    return await queries.one_seen(session, Source, source_id, seen(Source.area_id, actor.scope))


async def renew_source_credentials(
    session: AsyncSession, actor: Actor, source_id: str
) -> MqttCredentials:
    """A new MQTT password for a bridge; its open connection ends with the old one."""
    return await equipment.renew_credentials(session, await find_source(session, actor, source_id))


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
