"""What hangs on the wall or is worn, through which source it speaks, and whose it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id, Serial

NATIVE_SOURCE = "native"
"""The built-in source that all native devices share."""


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
    dry_since: Mapped[datetime | None]  # what it measures does not come, since then
    flowed_at: Mapped[datetime | None]  # last seen to come although an interruption was recorded
    __table_args__ = (
        UniqueConstraint("source_id", "child_id"),
        Index("ix_devices_child_id", "child_id"),  # the same child under another source
    )


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
