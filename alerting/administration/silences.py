"""Silences: nobody is told of a kind, a device, a home or an area for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import SEVERITY_OF_KIND, Severity
from alerting.queries import device as find_device
from alerting.tables import Silence
from care import queries
from care.areas import area_for_new
from care.model import Actor
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight, in_scope, one_seen
from core.errors import InvalidInput
from core.ids import new_id

LONGEST_SILENCE = timedelta(days=30)
_SILENCES = Order(name="silences", key=Silence.created_at, ident=Silence.id, newest_first=True)


async def listed(
    session: AsyncSession, actor: Actor, page: PageRequest, now: datetime, *, all_: bool = False
) -> Page[Silence]:
    """Silences in force, latest first; with `all_` also those that ended."""
    statement = select(Silence).where(in_scope(Silence.area_id, actor.scope))
    if not all_:
        statement = statement.where(Silence.ends_at > now)
    return await fetch_page(session, statement, _SILENCES, page)


async def find_silence(session: AsyncSession, actor: Actor, silence_id: str) -> Silence:
    """A silence of the caller's area, or of none; raises `NotFound` for any other."""
    return await one_seen(session, Silence, silence_id, in_scope(Silence.area_id, actor.scope))


async def create_silence(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    reason: str,
    ends_at: datetime,
    kind: str | None = None,
    device_id: str | None = None,
    home_id: str | None = None,
    area_id: str | None = None,
) -> Silence:
    """Nobody is told of such a welfare or technical matter until `ends_at`.

    Narrow it by at least one of kind, device, home, area; those named together must all fit.
    Without a kind it still leaves life safety alone. Raises `InvalidInput` for a life-safety
    kind and for an end in the past or more than 30 days away.
    """
    _check_silenced_kind(kind)
    if not any((kind, device_id, home_id, area_id)):
        raise InvalidInput("kind", "name a kind, a device, a home or an area")
    if not now < ends_at <= now + LONGEST_SILENCE:
        raise InvalidInput("ends_at", f"must be within the next {LONGEST_SILENCE.days} days")
    sight = Sight(actor=actor)
    if device_id is not None:
        await find_device(session, sight, device_id)
    if home_id is not None:
        await queries.home(session, sight, home_id)
    silence = Silence(
        id=new_id("sil"),
        kind=kind,
        device_id=device_id,
        home_id=home_id,
        area_id=await area_for_new(session, actor, area_id),
        reason=reason,
        created_by=actor.id,
        created_at=now,
        ends_at=ends_at,
    )
    session.add(silence)
    await session.flush()
    return silence


async def end_silence(
    session: AsyncSession, actor: Actor, now: datetime, silence_id: str
) -> Silence:
    """From now on people are told again; ending what has ended changes nothing."""
    silence = await find_silence(session, actor, silence_id)
    silence.ends_at = min(silence.ends_at, now)
    await session.flush()
    return silence


def _check_silenced_kind(kind: str | None) -> None:
    if kind is None:
        return
    if kind == "unreadable" or SEVERITY_OF_KIND.get(kind) is Severity.LIFE_SAFETY:
        raise InvalidInput("kind", "life safety is never silenced")
    if kind not in SEVERITY_OF_KIND:
        raise InvalidInput("kind", f"{kind!r} is no kind of incident")
