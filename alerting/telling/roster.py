"""Loads everybody there is for one incident: contacts, visitor, owner, on-call, supervisors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.routing import Hop, Person, Roster
from alerting.tables import Channel, DeskPresence, Incident, Notice
from care.tables import Area, Elder, EmergencyContact, Shift, User

DESK_COUNTS_FOR = timedelta(seconds=30)
"""A desk page counts as told only while it was heard of within this time."""


async def load_roster(session: AsyncSession, incident: Incident, now: datetime) -> Roster:
    """The people and channels of this moment; a decision made from it is recorded with reasons."""
    path = await area_path(session, incident.area_id)
    areas = tuple(part for part in path.split("/") if part)
    elders = await _elders(session, incident)
    channels = await _channels(session, areas)
    by_id = await _users(
        session,
        [incident.owner_id, incident.visitor_id, *(e.responsible_visitor_id for e in elders)],
    )
    responsible = next(
        (by_id[e.responsible_visitor_id] for e in elders if e.responsible_visitor_id in by_id), None
    )
    return Roster(
        contacts=await _contacts(session, elders, incident.id),
        responsible_visitor=responsible,
        assigned_visitor=by_id.get(incident.visitor_id or ""),
        owner=by_id.get(incident.owner_id or ""),
        on_call=await on_call(session, areas, now),
        supervisors=await _supervisors(session, areas),
        webhooks=tuple(
            Hop(channel="webhook", address=c.id) for c in channels if c.kind == "webhook"
        ),
        desk_armed=await desk_is_armed(session, path, now),
        has_operator=any(c.kind == "operator" for c in channels),
        phone_channels=frozenset(c.kind for c in channels if c.kind in ("sms", "call")),
    )


async def phone_channels(session: AsyncSession, area_id: str | None) -> tuple[str, ...]:
    """Which of `call` and `sms`, in this order, somebody of this area can be reached by."""
    path = await area_path(session, area_id)
    rows = await _channels(session, tuple(part for part in path.split("/") if part))
    configured = {row.kind for row in rows}
    return tuple(kind for kind in ("call", "sms") if kind in configured)


async def area_path(session: AsyncSession, area_id: str | None) -> str:
    """`/county/town/…/` of ids; "" for what has no area."""
    if area_id is None:
        return ""
    return await session.scalar(select(Area.path).where(Area.id == area_id)) or ""


async def desk_is_armed(session: AsyncSession, path: str, now: datetime) -> bool:
    """Does anybody with a sound-armed page that covers `path` sit at the desk right now?"""
    presences = await session.scalars(
        select(DeskPresence.area_path).where(
            DeskPresence.armed, DeskPresence.heartbeat_at > now - DESK_COUNTS_FOR
        )
    )
    return any(not path or path.startswith(watched) for watched in presences)


async def on_call(session: AsyncSession, areas: Sequence[str], now: datetime) -> tuple[Person, ...]:
    """Whoever's shift covers this moment and area, narrowest area first."""
    rows = (
        await session.execute(
            select(Shift, User)
            .join(User, User.id == Shift.user_id)
            .where(
                Shift.starts_at <= now,
                or_(Shift.ends_at.is_(None), Shift.ends_at > now),
                User.active,
                or_(Shift.area_id.is_(None), Shift.area_id.in_(areas)),
            )
            .order_by(Shift.starts_at, Shift.id)
        )
    ).all()
    order = {area: -index for index, area in enumerate(areas, 1)}
    ranked = sorted(rows, key=lambda row: order.get(row[0].area_id or "", 0))
    return tuple(_person(user, shift.phone or user.phone) for shift, user in ranked)


def _person(user: User, phone: str | None = None) -> Person:
    return Person(id=user.id, name=user.name, phone=phone or user.phone, language=user.language)


async def _elders(session: AsyncSession, incident: Incident) -> Sequence[Elder]:
    """The wearer, or every resident of the home (their contacts are all told)."""
    if incident.elder_id is not None and not incident.subject.startswith("home:"):
        condition = Elder.id == incident.elder_id
    elif incident.home_id is not None:
        condition = Elder.home_id == incident.home_id
    else:
        return ()
    alive = Elder.status.not_in(("moved", "deceased"))
    return (await session.scalars(select(Elder).where(condition, alive).order_by(Elder.id))).all()


async def _contacts(
    session: AsyncSession, elders: Sequence[Elder], incident_id: str
) -> tuple[Person, ...]:
    if not elders:
        return ()
    rows = await session.scalars(
        select(EmergencyContact)
        .where(EmergencyContact.elder_id.in_([elder.id for elder in elders]))
        .order_by(EmergencyContact.rank, EmergencyContact.id)
    )
    answered = set(
        await session.scalars(
            select(Notice.recipient_id).where(
                Notice.incident_id == incident_id,
                Notice.recipient_kind == "contact",
                Notice.answered_at.is_not(None),
            )
        )
    )
    return tuple(
        Person(
            id=row.id,
            name=row.name,
            phone=row.phone,
            language=row.language,
            rank=row.rank,
            hops=tuple(Hop(channel=c["kind"], address=c["address"]) for c in row.channels),
            answered=row.id in answered,
        )
        for row in rows
    )


async def _users(session: AsyncSession, ids: Sequence[str | None]) -> dict[str, Person]:
    wanted = [ident for ident in ids if ident]
    if not wanted:
        return {}
    rows = await session.scalars(select(User).where(User.id.in_(wanted), User.active))
    return {row.id: _person(row) for row in rows}


async def _supervisors(session: AsyncSession, areas: Sequence[str]) -> tuple[Person, ...]:
    rows = await session.scalars(
        select(User)
        .where(
            User.role == "supervisor",
            User.active,
            or_(User.area_id.is_(None), User.area_id.in_(areas)),
        )
        .order_by(User.id)
    )
    return tuple(_person(row) for row in rows)


async def _channels(session: AsyncSession, areas: Sequence[str]) -> Sequence[Channel]:
    return (
        await session.scalars(
            select(Channel)
            .where(Channel.enabled, or_(Channel.area_id.is_(None), Channel.area_id.in_(areas)))
            .order_by(Channel.created_at)
        )
    ).all()
