"""Puts the invented town into Anju, over REST only; doing it again changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.anju_client import AnjuClient, ApiError
from simulators.homes import BRIDGE_NAME, BRIDGE_PREFIX
from simulators.town import DemoContact, DemoDevice, DemoElder, DemoHome, Town

_AT_ONCE = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class PhoneAccess:
    """Where Anju's sms and call channels find the fake phone."""

    url: str
    secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Seeded:
    """How much was there already, and how much was added."""

    created: int
    found: int


async def seed(
    client: AnjuClient,
    town: Town,
    *,
    passwords: Mapping[str, str],
    phone: PhoneAccess,
    now: datetime,
) -> Seeded:
    """Create everything of `town` that is not there yet.

    `client` is signed in as an administrator of everything; `passwords` by username. Raises
    `ApiError` when Anju refuses something for any other reason than that it exists.
    """
    work = _Seeding(client, town)
    await work.areas()
    await work.users(passwords)
    await work.channels(phone)
    await work.shifts(now)
    await work.homes()
    await work.bridge()
    await work.devices()
    return Seeded(created=work.created, found=work.found)


class _Seeding:
    """One run: remembers the ids that Anju gave to what the town names."""

    def __init__(self, client: AnjuClient, town: Town) -> None:
        self._client, self._town = client, town
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._area_ids: dict[str, str] = {}
        self._user_ids: dict[str, str] = {}
        self._elders: dict[str, dict[str, Any]] = {}  # by name: Anju's answer
        self._source_id = ""
        self.created = self.found = 0

    async def areas(self) -> None:
        """Parents come first, so one after the other."""
        known = {(row["name"], row["level"]): row["id"] for row in await self._client.all("areas")}
        for area in self._town.areas:
            parent = self._area_ids[area.parent] if area.parent else None
            body = {"name": area.name, "level": area.level, "parent_id": parent}
            ident = known.get((area.name, area.level))
            self._area_ids[area.name] = self._seen(ident) or (await self._add("areas", body))["id"]

    async def users(self, passwords: Mapping[str, str]) -> None:
        """Duty officer, supervisor, visitors."""
        known = {row["username"]: row["id"] for row in await self._client.all("users")}
        for user in self._town.users:
            body = {
                "username": user.username,
                "password": passwords[user.username],
                "role": user.role,
                "name": user.name,
                "phone": user.phone,
                "area_id": self._area_ids[user.area],
            }
            ident = self._seen(known.get(user.username))
            self._user_ids[user.username] = ident or (await self._add("users", body))["id"]

    async def channels(self, phone: PhoneAccess) -> None:
        """SMS and calls go to the fake phone; where it listens may change between two runs."""
        known = {(row["kind"], row["name"]): row for row in await self._client.all("channels")}
        for kind, name in (("sms", "演示短信"), ("call", "演示电话")):
            body = {"kind": kind, "name": name, "url": phone.url, "secret": phone.secret}
            row = self._seen(known.get((kind, name)))
            if row is None:
                await self._add("channels", body)
            elif row["url"].rstrip("/") != phone.url.rstrip("/"):
                await self._client.patch(f"channels/{row['id']}", {"url": phone.url})

    async def shifts(self, now: datetime) -> None:
        """The duty officer carries the on-call phone."""
        officer = next(user for user in self._town.users if user.role == "duty_officer")
        ident = self._user_ids[officer.username]
        known = {row["user_id"] for row in await self._client.all("shifts")}
        if not self._seen(ident in known):
            await self._add("shifts", {"user_id": ident, "starts_at": now.isoformat()})

    async def homes(self) -> None:
        """Elders with their contacts; a home is made with its first elder."""
        rows = await self._client.all("elders")
        self._elders = {row["name"]: row for row in rows}
        await self._each(self._home, self._town.homes)

    async def bridge(self) -> None:
        """The Zigbee2MQTT bridge as a source of its own."""
        known = {row["prefix"]: row["id"] for row in await self._client.all("sources")}
        body = {
            "name": BRIDGE_NAME,
            "family": "zigbee2mqtt",
            "prefix": BRIDGE_PREFIX,
            "area_id": self._area_ids[self._town.bridge_area],
        }
        ident = self._seen(known.get(BRIDGE_PREFIX))
        self._source_id = ident or (await self._add("sources", body))["id"]

    async def devices(self) -> None:
        """Every device, bound to its elder or its home."""
        known = {row["id"] for row in await self._client.all("devices")}
        missing = [
            (home, device)
            for home in self._town.homes
            for device in home.devices
            if not self._seen(device.id in known)
        ]
        await self._each(self._device, missing)

    # -- inside -------------------------------------------------------------------------------

    async def _home(self, home: DemoHome) -> None:
        home_id: str | None = None
        for elder in home.elders:
            row = self._seen(self._elders.get(elder.name))
            if row is None:
                row = await self._add("elders", self._elder_body(home, elder, home_id))
                self._elders[elder.name] = row
            home_id = row["home_id"]
            known: set[str] = set()
            if elder.contacts:
                contacts = await self._client.all(f"elders/{row['id']}/contacts")
                known = {contact["name"] for contact in contacts}
            for contact in elder.contacts:
                if not self._seen(contact.name in known):
                    await self._add(f"elders/{row['id']}/contacts", _contact_body(contact))

    def _elder_body(self, home: DemoHome, elder: DemoElder, home_id: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "name": elder.name,
            "birth_date": elder.birth_date.isoformat(),
            "phone": elder.phone,
            "address": home.address,
            "area_id": self._area_ids[home.area],
            "categories": list(elder.categories),
            "responsible_visitor_id": self._user_ids[home.visitor],
            "health": elder.health,
            "access": elder.access,
        }
        return body | ({"home_id": home_id} if home_id else {})

    async def _device(self, pair: tuple[DemoHome, DemoDevice]) -> None:
        home, device = pair
        elder = self._elders[home.elders[0].name]
        body: dict[str, Any] = {"id": device.id, "role": device.role, "room": device.room}
        body |= {"elder_id": elder["id"]} if device.worn else {"home_id": elder["home_id"]}
        if device.id == home.water_meter:
            body |= _meter_settings(home)
        if device.child is None:
            body |= {"family": "native"}
        else:
            body |= {
                "family": "zigbee2mqtt",
                "source_id": self._source_id,
                "child_id": device.child.ieee,
            }
        await self._add("devices", body)
        await self._put_in_service(device)

    async def _put_in_service(self, device: DemoDevice) -> None:
        """The town has lived with its devices for weeks; nobody presses each of them now."""
        try:
            await self._client.post(
                f"devices/{device.id}/put-in-service", {"reason": "演示设备，未实地测试"}
            )
        except ApiError as error:
            if error.status != 409:
                raise

    async def _add(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create one; somebody else's seeding at the same time is no error."""
        try:
            row = await self._client.post(path, body)
        except ApiError as error:
            if error.status != 409 or path != "devices":
                raise
            self.found += 1
            return {}
        self.created += 1
        return row

    def _seen(self, row: Any) -> Any:
        """Count what is there already, and pass it on."""
        if row:
            self.found += 1
        return row

    async def _each(self, make: Callable[[Any], Awaitable[None]], things: Iterable[Any]) -> None:
        async def bounded(thing: Any) -> None:
            async with self._limit:
                await make(thing)

        tasks = [asyncio.create_task(bounded(thing)) for thing in things]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()  # the first refusal ends it; what was made stays made
            await asyncio.gather(*tasks, return_exceptions=True)


def _contact_body(contact: DemoContact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "relation": contact.relation,
        "phone": contact.phone,
        "rank": contact.rank,
        "channels": [
            {"kind": "sms", "address": contact.phone},
            {"kind": "call", "address": contact.phone},
        ],
    }


def _meter_settings(home: DemoHome) -> dict[str, Any]:
    """The rule of a home's water meter and how rarely it speaks, where that is not the default."""
    settings: dict[str, Any] = {}
    if home.meter.rule is not None:
        settings["rules"] = {"no_water_use": {"preset": home.meter.rule}}
    if home.meter.every_h > 1:
        settings["expected_every_s"] = home.meter.every_h * 3600
    return settings
