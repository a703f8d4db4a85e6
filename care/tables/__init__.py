"""Tables of people, places, the devices bound to them, and the care they get."""

from __future__ import annotations

from care.tables.devices import (
    NATIVE_SOURCE,
    Binding,
    Device,
    DeviceCommand,
    DeviceLog,
    DeviceTest,
    Source,
    SourceChild,
)
from care.tables.loop import FollowUp, Hazard, Visit
from care.tables.people import Elder, ElderStatusEntry, EmergencyContact, Supervision, WatchRule
from care.tables.places import Area, Home, LoginSession, Shift, User
from care.tables.supply import Interruption

__all__ = [
    "NATIVE_SOURCE",
    "Area",
    "Binding",
    "Device",
    "DeviceCommand",
    "DeviceLog",
    "DeviceTest",
    "Elder",
    "ElderStatusEntry",
    "EmergencyContact",
    "FollowUp",
    "Hazard",
    "Home",
    "Interruption",
    "LoginSession",
    "Shift",
    "Source",
    "SourceChild",
    "Supervision",
    "User",
    "Visit",
    "WatchRule",
]
