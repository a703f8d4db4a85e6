"""Where people live: areas, homes, and the accounts of those who work there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


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
