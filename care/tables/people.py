"""Who is cared for, who cares, and how their home is watched."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id, Serial


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


class Supervision(Base):
    """An elder whom nothing watches any more, and since when; no row: somebody does."""

    __tablename__ = "supervision"
    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id"), primary_key=True)
    since: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)  # None: the task was opened
    incident_id: Mapped[str | None] = mapped_column(Id)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what was lost, and why
