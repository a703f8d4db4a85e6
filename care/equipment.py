"""Sources, devices, and who a device belonged to at which time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from care import queries
from care.areas import area_for_new
from care.handing_down import refresh_homes
from care.model import WORN_ROLES, Actor
from care.queries import Sight
from care.tables import NATIVE_SOURCE, Binding, Device, Elder, Home, Source
from core.errors import Conflict, InvalidInput
from core.ids import new_id, new_secret


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttCredentials:
    """Shown once, at creation."""

    username: str
    password: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a device shall belong: an elder (and so their home), a home, or nowhere yet."""

    home: Home | None = None
    elder: Elder | None = None


def mosquitto_hash(password: str, salt: bytes) -> str:
    """`$7$rounds$salt$hash` (PBKDF2-SHA512), as `mosquitto_passwd` writes it.

    Few rounds do: the password is 192 random bits that nobody can guess.
    """
    rounds = 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    salt64, digest64 = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"$7${rounds}${salt64}${digest64}"


def salt_of(digest: str) -> bytes | None:
    """The salt inside a hash of this form; None for anything else."""
    parts = digest.split("$")
    try:
        return base64.b64decode(parts[3], validate=True) if len(parts) == 5 else None
    except ValueError:
        return None


def password_matches(password: str, digest: str) -> bool:
    """Whether the hash was made of this password."""
    salt = salt_of(digest)
    if salt is None:
        return False
    return hmac.compare_digest(mosquitto_hash(password, salt), digest)


def new_credentials(username: str) -> tuple[MqttCredentials, str]:
    """A password for MQTT, and the hash that is kept of it."""
    password = new_secret()
    return (
        MqttCredentials(username=username, password=password),
        mosquitto_hash(password, secrets.token_bytes(12)),
    )


async def ensure_native_source(session: AsyncSession, now: datetime) -> Source:
    """The built-in source of all native devices, made when it is not there yet."""
    source = await session.get(Source, NATIVE_SOURCE)
    if source is not None:
        return source
    try:
        async with session.begin_nested():
            session.add(
                Source(
                    id=NATIVE_SOURCE,
                    name="native",
                    family="native",
                    prefix="",
                    area_id=None,
                    created_at=now,
                )
            )
    except IntegrityError:
        pass  # another process was as quick
    return await session.get_one(Source, NATIVE_SOURCE)


async def add_source(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    family: str,
    prefix: str,
    area_id: str | None = None,
    only_listed: bool = False,
) -> tuple[Source, MqttCredentials]:
    """Store a bridge's account; family and prefix were checked by `alerting/fleet/equipment.py`."""
    source_id = new_id("src")
    credentials, password_hash = new_credentials(source_id)
    source = Source(
        id=source_id,
        name=name,
        family=family,
        prefix=prefix,
        area_id=await area_for_new(session, actor, area_id),
        mqtt_username=credentials.username,
        mqtt_password_hash=password_hash,
        only_listed=only_listed,
        created_at=now,
    )
    session.add(source)
    await session.flush()
    return source, credentials


async def add_push_source(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    family: str,
    area_id: str | None = None,
) -> Source:
    """Store a platform that pushes over HTTP: no topics, no MQTT account."""
    source = Source(
        id=new_id("src"),
        name=name,
        family=family,
        prefix="",
        area_id=await area_for_new(session, actor, area_id),
        active=True,
        push_generation=1,
        created_at=now,
    )
    session.add(source)
    await session.flush()
    return source


async def renew_credentials(session: AsyncSession, row: Device | Source) -> MqttCredentials:
    """A new password under the same user name; the old one lets nobody in any more."""
    if row.mqtt_username is None:
        raise Conflict("it has no MQTT account of its own")
    credentials, row.mqtt_password_hash = new_credentials(row.mqtt_username)
    await session.flush()
    return credentials


async def add_device(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    device_id: str,
    source: Source,
    child_id: str,
    role: str,
    place: Place,
    room: str | None = None,
    area_id: str | None = None,
    rules: dict[str, Any] | None = None,
    expected_every_s: int | None = None,
) -> tuple[Device, MqttCredentials | None]:
    """Register a device and bind it from now on; only a native one has credentials of its own.

    Raises `Conflict` when the id, or the child of this source, is registered already.
    """
    area = place.home.area_id if place.home else await area_for_new(session, actor, area_id)
    device = Device(
        id=device_id,
        family=source.family,
        source_id=source.id,
        child_id=child_id,
        role=role,
        room=room,
        area_id=area,
        rules=rules or {},
        inherited={},
        expected_every_s=expected_every_s,
        active=True,
        enrolled_at=now,
    )
    credentials = None
    if source.id == NATIVE_SOURCE:
        credentials, device.mqtt_password_hash = new_credentials(device_id)
        device.mqtt_username = credentials.username
    try:
        async with session.begin_nested():
            session.add(device)
    except IntegrityError as error:
        raise Conflict(f"device {device_id}, or its child_id {child_id}, is registered") from error
    await bind(session, device, place, now)
    return device, credentials


async def place_for(
    session: AsyncSession, actor: Actor, elder_id: str | None, home_id: str | None
) -> Place:
    """Elder and home by their ids; raises `NotFound` for what the caller may not see."""
    sight = Sight(actor=actor)
    elder = await queries.elder(session, sight, elder_id) if elder_id is not None else None
    if elder is None and home_id is None:
        return Place()
    if elder is not None and home_id not in (None, elder.home_id):
        raise InvalidInput("home_id", "the elder lives in another home; name one of the two")
    wanted = elder.home_id if elder is not None else home_id
    return Place(home=await queries.home(session, sight, wanted or ""), elder=elder)


async def bind(session: AsyncSession, device: Device, place: Place, now: datetime) -> bool:
    """Close the present binding and open the new one; False when it is the same already."""
    current = (await queries.open_bindings(session, [device.id])).get(device.id)
    wanted = (place.home.id if place.home else None, place.elder.id if place.elder else None)
    present = (current.home_id, current.elder_id) if current is not None else (None, None)
    if wanted == present:
        return False
    if current is not None:
        current.valid_to = now
        # Another life of the device begins: its event ids may start anew.
        device.enrolled_at = now
        device.dry_since = device.flowed_at = None
    if place.home is None:
        device.resting_since = device.dry_since = None
        device.inherited = {}
    else:
        device.area_id = place.home.area_id
        session.add(
            Binding(
                id=new_id("bind"),
                device_id=device.id,
                home_id=place.home.id,
                elder_id=place.elder.id if place.elder else None,
                valid_from=now,
            )
        )
    await session.flush()
    if place.home is not None:
        await refresh_homes(session, [place.home.id], now)
    return True


async def follow_elder(session: AsyncSession, elder: Elder, now: datetime) -> None:
    """An elder moved: what they wear goes with them, what hangs in the old home stays there."""
    query = (
        select(Binding, Device)
        .join(Device, Device.id == Binding.device_id)
        .where(Binding.elder_id == elder.id, Binding.valid_to.is_(None))
    )
    for binding, device in (await session.execute(query)).all():
        if device.role in WORN_ROLES:
            place = Place(home=await session.get_one(Home, elder.home_id), elder=elder)
        else:
            place = Place(home=await session.get_one(Home, binding.home_id))
        await bind(session, device, place, now)


def binding_in_force(bindings: Sequence[Binding], at: datetime) -> Binding | None:
    """Which of a device's bindings an event of that time belongs to.

    A time before the very first binding counts as the first: a device's clock may be some
    seconds behind the clock that registered it. A gap between two bindings stays a gap.
    """
    ordered = sorted(bindings, key=lambda one: one.valid_from)
    for one in reversed(ordered):
        if one.valid_from <= at:
            return one if one.valid_to is None or at < one.valid_to else None
    return ordered[0] if ordered else None


async def binding_at(session: AsyncSession, device_id: str, at: datetime) -> Binding | None:
    """Who the device belonged to at that time; None when it was bound to nobody."""
    query = select(Binding).where(Binding.device_id == device_id)
    return binding_in_force((await session.scalars(query)).all(), at)
