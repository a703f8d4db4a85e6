"""Tables of people, places and the devices bound to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Serial

Id = String(64)
NATIVE_SOURCE = "native"
"""The built-in source that all native devices share."""


class Area(Base):
    """A county, town, village or grid; `path` is `/county/town/…/` of ids: scoping by prefix."""

    __tablename__ = "areas"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    level: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"))
    path: Mapped[str] = mapped_column(String(400), index=True)
    alert_until: Mapped[datetime | None]  # extreme weather: here and below, until then
    alert_reason: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]


class User(Base):
    """Somebody who signs in."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"))
    language: Mapped[str] = mapped_column(String(5), default="zh")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class LoginSession(Base):
    """A bearer token or a console cookie; only its hash is kept: a stolen table opens nothing."""

    __tablename__ = "login_sessions"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Home(Base):
    """A dwelling: address, residents (elders.home_id), shared devices."""

    __tablename__ = "homes"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str | None] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(400), default="")
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    note: Mapped[str | None] = mapped_column(Text)
    latitude: Mapped[float | None]  # degrees, WGS 84; with fence_m, where "at home" ends
    longitude: Mapped[float | None]
    fence_m: Mapped[int | None]
    created_at: Mapped[datetime]


class Elder(Base):
    """An older person who is cared for."""

    __tablename__ = "elders"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    birth_date: Mapped[date | None] = mapped_column(Date)
    phone: Mapped[str | None] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    home_id: Mapped[str] = mapped_column(ForeignKey("homes.id"), index=True)
    categories: Mapped[list[str]] = mapped_column(default=list)
    tier: Mapped[str | None] = mapped_column(String(40))
    responsible_visitor_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    status: Mapped[str] = mapped_column(String(20), default="home")
    status_since: Mapped[datetime | None]  # None: as long as anybody knows
    status_review_at: Mapped[datetime | None]  # away, hospital: until; moved, deceased: looked at
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)  # vitals limits and the like
    health: Mapped[str | None] = mapped_column(Text)  # illnesses, hearing, dialect
    access: Mapped[str | None] = mapped_column(Text)  # where the key is, which door
    created_at: Mapped[datetime]


class ElderStatusEntry(Base):
    """One change of an elder's status: who said so, until when, and why."""

    __tablename__ = "elder_statuses"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id"), index=True)
    at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20))
    until: Mapped[datetime | None]
    actor: Mapped[str] = mapped_column(String(100))  # a name, "安居" for Anju itself
    actor_id: Mapped[str | None] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(String(40))  # a key of the console's status_reason texts
    text: Mapped[str | None] = mapped_column(Text)


class WatchRule(Base):
    """How homes are watched in an area, for a tier, or for one elder, from a time on.

    Without area, tier and elder: everywhere. Never changed: a new rule of the same scope takes its
    place when it comes into force.
    """

    __tablename__ = "watch_rules"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    tier: Mapped[str | None] = mapped_column(String(40))
    elder_id: Mapped[str | None] = mapped_column(ForeignKey("elders.id"), index=True)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)  # rule → its parameters
    effective_from: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]  # withdrawn, or another took its place
    applied_at: Mapped[datetime | None]  # when the devices it concerns were told
    note: Mapped[str | None] = mapped_column(Text)
    forecast: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what its back-test said
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]


class EmergencyContact(Base):
    """Family or neighbour to be told; `channels` is a list of `{"kind", "address"}`."""

    __tablename__ = "emergency_contacts"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    relation: Mapped[str | None] = mapped_column(String(60))
    phone: Mapped[str | None] = mapped_column(String(40))
    rank: Mapped[int] = mapped_column(default=1)
    channels: Mapped[list[Any]] = mapped_column(default=list)
    language: Mapped[str] = mapped_column(String(5), default="zh")
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Source(Base):
    """An account that messages come through: the native one, a bridge with its own prefix, or an
    IoT platform that pushes over HTTP (`prefix` is empty then)."""

    __tablename__ = "sources"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    family: Mapped[str] = mapped_column(String(40))
    prefix: Mapped[str] = mapped_column(String(200), default="")
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    mqtt_username: Mapped[str | None] = mapped_column(String(100))
    mqtt_password_hash: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)  # False: revoked, nothing of it is heard
    only_listed: Mapped[bool] = mapped_column(default=False)  # True: registered children only
    push_generation: Mapped[int] = mapped_column(default=1)  # a new one makes a new push token
    online: Mapped[bool | None]
    online_changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SourceChild(Base):
    """A device that a source spoke of, registered or not: the inbox of unknown devices."""

    __tablename__ = "source_children"
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    child_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    name: Mapped[str] = mapped_column(String(300), default="")
    model: Mapped[str] = mapped_column(String(200), default="")
    vendor: Mapped[str] = mapped_column(String(200), default="")
    capabilities: Mapped[list[str]] = mapped_column(default=list)
    said: Mapped[str] = mapped_column(String(200), default="")  # the last thing it said
    messages: Mapped[int] = mapped_column(default=0)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    __table_args__ = (Index("ix_source_children_last_seen", "last_seen_at"),)


class Device(Base):
    """A registered device; who it belongs to and since when stands in `bindings`."""

    __tablename__ = "devices"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    family: Mapped[str] = mapped_column(String(40))
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id"))
    child_id: Mapped[str] = mapped_column(String(300))
    role: Mapped[str] = mapped_column(String(40))
    room: Mapped[str | None] = mapped_column(String(100))
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)  # detector settings of this device
    expected_every_s: Mapped[int | None]  # overrides the family's
    mqtt_username: Mapped[str | None] = mapped_column(String(100))
    mqtt_password_hash: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    model: Mapped[str] = mapped_column(String(200), default="")
    vendor: Mapped[str] = mapped_column(String(200), default="")
    firmware: Mapped[str] = mapped_column(String(100), default="")
    supervisable: Mapped[bool | None]  # None: as its family says
    replaces_id: Mapped[str | None] = mapped_column(ForeignKey("devices.id"), index=True)
    enrolled_at: Mapped[datetime]
    in_service_at: Mapped[datetime | None]  # when its installation test passed; None: not yet
    tested_at: Mapped[datetime | None]  # the last press that proved it
    retired_at: Mapped[datetime | None]
    seen_under: Mapped[str | None] = mapped_column(String(400))  # cell it was last heard in
    inherited: Mapped[dict[str, Any]] = mapped_column(default=dict)  # of its home's watch rules
    resting_since: Mapped[datetime | None]  # nobody who lives there is at home, since then
    __table_args__ = (
        UniqueConstraint("source_id", "child_id"),
        Index("ix_devices_child_id", "child_id"),  # the same child under another source
    )


class DeviceTest(Base):
    """A test window: one person, one device, one kind, at most 15 minutes, used up by one press."""

    __tablename__ = "device_tests"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"))
    kind: Mapped[str] = mapped_column(String(40))  # the event that is waited for
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)  # once consumed: a level ends by then
    consumed_at: Mapped[datetime | None]  # when the press came; it ends the window
    ended_at: Mapped[datetime | None]  # nothing is waited for any more, not even a level's end
    result: Mapped[str] = mapped_column(String(20), default="waiting")  # passed cancelled expired
    notice_id: Mapped[str | None] = mapped_column(Id)  # the drill that rang the person's phone
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (
        Index("ix_device_tests_device", "device_id", "opened_at"),
        Index(
            "uq_device_tests_open",
            "device_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class DeviceLog(Base):
    """One fact of a device's life: enrolled, tested, bound anew, replaced, its meter swapped."""

    __tablename__ = "device_log"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))  # a key of the console's device_log texts
    actor: Mapped[str] = mapped_column(String(100))  # a name, "安居" for Anju itself
    actor_id: Mapped[str | None] = mapped_column(Id)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class DeviceCommand(Base):
    """Something a device was asked to do, and what came of it."""

    __tablename__ = "device_commands"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"))
    command: Mapped[str] = mapped_column(String(40))  # silence identify test
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20))  # waiting sent done failed expired
    requested_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(Text)  # what the device said of it
    __table_args__ = (Index("ix_device_commands_device", "device_id", "requested_at"),)


class Supervision(Base):
    """An elder whom nothing watches any more, and since when; no row: somebody does."""

    __tablename__ = "supervision"
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id"), primary_key=True)
    since: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)  # None: the task was opened
    incident_id: Mapped[str | None] = mapped_column(Id)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what was lost, and why


class Binding(Base):
    """A device belongs to a home, or to one of its elders, from a time until a time."""

    __tablename__ = "bindings"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"))
    home_id: Mapped[str] = mapped_column(ForeignKey("homes.id"), index=True)
    elder_id: Mapped[str | None] = mapped_column(ForeignKey("elders.id"), index=True)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    __table_args__ = (Index("ix_bindings_device", "device_id", "valid_from"),)


class Shift(Base):
    """Who answers the on-call phone of an area, from when until when."""

    __tablename__ = "shifts"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    area_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"))
    phone: Mapped[str | None] = mapped_column(String(40))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_shifts_time", "starts_at", "ends_at"),)


class Visit(Base):
    """One visit with the schemes' common record body; numbered per elder (第 _ 次开展探访)."""

    __tablename__ = "visits"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id"))
    incident_id: Mapped[str | None] = mapped_column(Id, index=True)
    visitor_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    recorded_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    mode: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    record: Mapped[dict[str, Any]] = mapped_column(default=dict)
    visited_at: Mapped[datetime]
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("elder_id", "number"),)


class FollowUp(Base):
    """Something still to be done for an elder after an incident or a visit (跟踪回访)."""

    __tablename__ = "follow_ups"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id"), index=True)
    incident_id: Mapped[str | None] = mapped_column(Id, index=True)
    text: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime]
    result: Mapped[str | None] = mapped_column(Text)
    handed_over_to: Mapped[str | None] = mapped_column(String(200))
    completed_at: Mapped[datetime | None]
    completed_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]


class Hazard(Base):
    """A danger seen in a home (gas, wiring, stairs) until somebody remedied it."""

    __tablename__ = "hazards"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    home_id: Mapped[str] = mapped_column(ForeignKey("homes.id"), index=True)
    elder_id: Mapped[str | None] = mapped_column(ForeignKey("elders.id"), index=True)
    visit_id: Mapped[str | None] = mapped_column(ForeignKey("visits.id"))
    incident_id: Mapped[str | None] = mapped_column(Id, index=True)
    device_id: Mapped[str | None] = mapped_column(ForeignKey("devices.id"), index=True)
    code: Mapped[str | None] = mapped_column(String(40))  # no_smoke_detection; None: in words only
    text: Mapped[str] = mapped_column(Text)
    found_at: Mapped[datetime]
    remedied_at: Mapped[datetime | None]
    remedied_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    remedy: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
