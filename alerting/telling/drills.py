"""The drill of an installation test: the tester's own phone rings, and says that it is one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import Severity
from alerting.routing import Hop, Person
from alerting.tables import Notice
from alerting.telling.roster import phone_channels
from alerting.telling.writing import waiting_notice
from care import queries
from care.tables import Device, DeviceTest, Elder, EmergencyContact, User

DRILL = "test.drill"
_REASON = "installation_test"


async def ring(session: AsyncSession, test: DeviceTest, now: datetime) -> None:
    """Queue the call, with an SMS for when it fails; the contact's only where it was asked for.

    `test.data["silent"]` says why nobody's phone rings: `no_phone` or `no_channel`.
    """
    device = await session.get_one(Device, test.device_id)
    kinds = await phone_channels(session, device.area_id)
    tester = await session.get_one(User, test.user_id)
    person = Person(id=tester.id, name=tester.name, phone=tester.phone, language=tester.language)
    notice = _notice(session, person, "user", device, test, kinds, now)
    if notice is None:
        test.data = {**test.data, "silent": "no_channel" if tester.phone else "no_phone"}
    else:
        test.notice_id = notice.id
    contact = await _first_contact(session, device) if test.data.get("ring_contact") else None
    if contact is not None:
        _notice(session, contact, "contact", device, test, kinds, now)
    await session.flush()


async def _first_contact(session: AsyncSession, device: Device) -> Person | None:
    """The first contact of the wearer, or of whoever has lived longest in the home."""
    binding = (await queries.open_bindings(session, [device.id])).get(device.id)
    if binding is None:
        return None
    whose = Elder.id == binding.elder_id if binding.elder_id else Elder.home_id == binding.home_id
    row = await session.scalar(
        select(EmergencyContact)
        .join(Elder, Elder.id == EmergencyContact.elder_id)
        .where(whose)
        .order_by(EmergencyContact.rank, Elder.created_at, EmergencyContact.id)
        .limit(1)
    )
    if row is None:
        return None
    return Person(id=row.id, name=row.name, phone=row.phone, language=row.language)


def _notice(
    session: AsyncSession,
    person: Person,
    recipient_kind: str,
    device: Device,
    test: DeviceTest,
    channels: Sequence[str],
    now: datetime,
) -> Notice | None:
    """Belongs to no incident, and waits behind everything that does and matters more."""
    if not person.phone or not channels:
        return None
    notice = waiting_notice(
        [Hop(channel=channel, address=person.phone) for channel in channels],
        now,
        type=DRILL,
        severity_rank=Severity.TECHNICAL.rank,
        recipient_kind=recipient_kind,
        recipient_id=person.id,
        recipient=person.name,
        payload={"area_id": device.area_id, "test": test.id, "device": device.id},
        reason=_REASON,
        language=person.language,
    )
    session.add(notice)
    return notice
