"""Emergency contacts: who is rung for an elder, in which order, and over which channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care import queries
from care.model import Actor
from care.paging import Order, Page, PageRequest, fetch_page
from care.queries import Sight
from care.reach import check_channels, normal_phone
from care.tables import EmergencyContact
from core.errors import NotFound
from core.ids import new_id

_IN_ORDER = Order(name="contacts", key=EmergencyContact.rank, ident=EmergencyContact.id)
"""The order in which they are told, see `alerting/telling/roster.py`."""


async def list_contacts(
    session: AsyncSession, sight: Sight, elder_id: str, page: PageRequest
) -> Page[EmergencyContact]:
    """An elder's contacts, first contact first."""
    elder = await queries.elder(session, sight, elder_id)
    statement = select(EmergencyContact).where(EmergencyContact.elder_id == elder.id)
    return await fetch_page(session, statement, _IN_ORDER, page)


async def find_contact(
    session: AsyncSession, sight: Sight, elder_id: str, contact_id: str
) -> EmergencyContact:
    """One contact of an elder the caller may see; raises `NotFound` otherwise."""
    elder = await queries.elder(session, sight, elder_id)
    contact = await session.get(EmergencyContact, contact_id)
    if contact is None or contact.elder_id != elder.id:
        raise NotFound("contact", contact_id)
    return contact


async def create_contact(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    elder_id: str,
    *,
    name: str,
    relation: str | None = None,
    phone: str | None = None,
    rank: int = 1,
    channels: Sequence[Mapping[str, Any]] = (),
    language: str = "zh",
) -> EmergencyContact:
    """Add somebody to be told. `channels` is `[{"kind", "address"}, …]`, see `care/reach.py`."""
    elder = await queries.elder(session, Sight(actor=actor), elder_id)
    number = normal_phone(phone)
    contact = EmergencyContact(
        id=new_id("contact"),
        elder_id=elder.id,
        name=name,
        relation=relation,
        phone=number,
        rank=rank,
        channels=check_channels(channels, number),
        language=language,
        verified_at=None,
        created_at=now,
    )
    session.add(contact)
    await session.flush()
    return contact


async def update_contact(
    session: AsyncSession,
    actor: Actor,
    elder_id: str,
    contact_id: str,
    changes: Mapping[str, Any],
) -> EmergencyContact:
    """Change what `changes` names. A new phone or channel has to be verified anew."""
    contact = await find_contact(session, Sight(actor=actor), elder_id, contact_id)
    before = (contact.phone, list(contact.channels))
    for field in changes.keys() & {"name", "relation", "rank", "language"}:
        setattr(contact, field, changes[field])
    if "phone" in changes:
        contact.phone = normal_phone(changes["phone"])
    if "channels" in changes:
        contact.channels = check_channels(changes["channels"], contact.phone)
    if (contact.phone, list(contact.channels)) != before:
        contact.verified_at = None
    await session.flush()
    return contact


async def remove_contact(
    session: AsyncSession, actor: Actor, elder_id: str, contact_id: str
) -> None:
    """Take a contact off the list; what was said to them stays on the timelines."""
    contact = await find_contact(session, Sight(actor=actor), elder_id, contact_id)
    await session.delete(contact)
    await session.flush()
