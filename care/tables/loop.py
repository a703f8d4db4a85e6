"""The care loop: visits, what is still to be done, and dangers seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


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
