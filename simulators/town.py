"""What an invented town is made of: areas, people, homes, devices, habits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from simulators.messages import ZigbeeChild
from simulators.water import Household


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoArea:
    """A county, town or village; `parent` is the name of the one above."""

    name: str
    level: Literal["county", "town", "village"]
    parent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoUser:
    """Somebody who signs in."""

    username: str
    role: Literal["duty_officer", "visitor", "supervisor"]
    name: str
    phone: str
    area: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoContact:
    """An emergency contact, reached by SMS and call."""

    name: str
    relation: str
    phone: str
    rank: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoElder:
    """An older person."""

    name: str
    birth_date: date
    phone: str
    categories: tuple[str, ...]
    health: str
    access: str
    contacts: tuple[DemoContact, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoDevice:
    """A device; `worn` ones belong to the home's first elder, the others to the home."""

    id: str
    role: str
    room: str
    worn: bool = False
    child: ZigbeeChild | None = None  # None: native


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoMeter:
    """How a home's water is read and watched."""

    rule: str | None = None  # a preset of the rule about use; None: the installation's default
    known_days: int = 35  # how long it has hung there
    every_h: int = 1  # between two readings before the demo; live it speaks every minute, or
    # as rarely as this when it is more than an hour


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoHome:
    """A home with its residents, its devices and its habits."""

    number: int  # 1 … 40
    area: str
    address: str
    visitor: str  # username of the responsible visitor
    elders: tuple[DemoElder, ...]
    devices: tuple[DemoDevice, ...]
    household: Household
    register_l: int  # what the water meter showed when it was installed
    meter: DemoMeter = DemoMeter()

    @property
    def water_meter(self) -> str:
        """The device id of the water meter."""
        return f"demo-water-{self.number:02}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Town:
    """Everything there is in the demo."""

    areas: tuple[DemoArea, ...]  # parents before children
    users: tuple[DemoUser, ...]
    homes: tuple[DemoHome, ...]
    bridge_area: str
    spare: ZigbeeChild  # fresh out of its box: the bridge knows it, and nobody registered it yet

    def device(self, device_id: str) -> DemoDevice | None:
        """The device with this id."""
        return next((d for home in self.homes for d in home.devices if d.id == device_id), None)

    def home_of(self, device_id: str) -> DemoHome | None:
        """The home in which a device is."""
        return next(
            (home for home in self.homes if any(d.id == device_id for d in home.devices)), None
        )

    def zigbee_children(self) -> tuple[ZigbeeChild, ...]:
        """What the bridge's inventory lists."""
        placed = (d.child for home in self.homes for d in home.devices if d.child is not None)
        return (*placed, self.spare)

    def phone_book(self) -> dict[str, str]:
        """Number → whose it is, for the fake phone's page."""
        book = {user.phone: user.name for user in self.users}
        for home in self.homes:
            for elder in home.elders:
                book[elder.phone] = elder.name
                for contact in elder.contacts:
                    book[contact.phone] = f"{contact.name} · {elder.name}的{contact.relation}"
        return book
