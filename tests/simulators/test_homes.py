"""The invented town: plainly invented, complete, and the same every time."""

from __future__ import annotations

import re
from collections import Counter

import phonenumbers
import pytest

from devices.event import DEVICE_ROLES
from simulators.homes import demo_town
from simulators.town import Town


@pytest.fixture(scope="module")
def town() -> Town:
    return demo_town()


def test_it_is_the_same_town_every_time(town: Town) -> None:
    assert demo_town() == town


def test_there_are_40_homes_in_5_villages_of_2_towns_of_a_county(town: Town) -> None:
    assert Counter(area.level for area in town.areas) == {"county": 1, "town": 2, "village": 5}
    assert Counter(Counter(home.area for home in town.homes).values()) == {8: 5}
    known: set[str | None] = {None}
    for area in town.areas:
        assert area.parent in known  # parents come first, so they can be created in this order
        known.add(area.name)
    assert {home.area for home in town.homes} | {user.area for user in town.users} <= known
    assert {home.visitor for home in town.homes} == {
        user.username for user in town.users if user.role == "visitor"
    }


def test_every_person_is_marked_as_a_demo_person(town: Town) -> None:
    names = [user.name for user in town.users]
    for home in town.homes:
        for elder in home.elders:
            names += [elder.name, *(contact.name for contact in elder.contacts)]
    assert all("演示" in name for name in names)


def test_elders_can_be_told_apart_by_name(town: Town) -> None:
    names = [elder.name for home in town.homes for elder in home.elders]
    assert len(set(names)) == len(names) == 43


def test_no_telephone_can_belong_to_anybody(town: Town) -> None:
    """Local numbers of Beijing (10) never begin with 0; still they are stored as E.164."""
    for number in town.phone_book():
        assert re.fullmatch(r"\+86100000\d{4}", number)
        parsed = phonenumbers.parse(number)
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


def test_every_telephone_has_one_owner(town: Town) -> None:
    numbers = [user.phone for user in town.users]
    for home in town.homes:
        for elder in home.elders:
            numbers += [elder.phone, *(contact.phone for contact in elder.contacts)]
    assert len(set(numbers)) == len(numbers) == len(town.phone_book())


def test_everybody_has_somebody_to_call(town: Town) -> None:
    for home in town.homes:
        assert [contact.rank for contact in home.elders[0].contacts] == [1, 2]


def test_every_home_has_a_button_and_a_meter(town: Town) -> None:
    for home in town.homes:
        roles = Counter(device.role for device in home.devices)
        assert roles["sos_button"] >= 1
        assert roles["water_meter"] == 1
        assert any(device.id == home.water_meter for device in home.devices)


def test_devices_are_ones_that_anju_accepts(town: Town) -> None:
    devices = [device for home in town.homes for device in home.devices]
    assert len({device.id for device in devices}) == len(devices)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", device.id) for device in devices)
    assert {device.role for device in devices} <= DEVICE_ROLES
    children = town.zigbee_children()
    assert len({child.ieee for child in children}) == len(children) == 13
    assert all(re.fullmatch(r"0x[0-9a-f]{16}", child.ieee) for child in children)
    assert any(" " in child.name for child in children)
    placed = {device.child for device in devices}
    assert {child for child in children if child not in placed} == {town.spare}


def test_a_device_leads_to_its_home(town: Town) -> None:
    home = town.home_of("demo-zsmoke-26")
    assert home is not None
    assert home.number == 26
    device = town.device("demo-zsmoke-26")
    assert device is not None
    assert device in home.devices
    assert town.device("demo-sos-99") is None
    assert town.home_of("demo-sos-99") is None
