"""What devices said, and what is remembered of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id, Serial


class DeviceStateRow(Base):
    """All that is remembered of a device between two messages: one row, small."""

    __tablename__ = "device_states"
    device_id: Mapped[str] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(Text, default="")  # detectors' own, see alerting/detect.py
    last_heard_at: Mapped[datetime | None]
    online: Mapped[bool | None]  # by availability or last will; None: it never said
    battery_pct: Mapped[float | None]
    rssi_dbm: Mapped[float | None]
    silent_after: Mapped[datetime | None] = mapped_column(index=True)
    judge_at: Mapped[datetime | None] = mapped_column(index=True)
    interval_s: Mapped[
        int | None
    ]  # learned: how often it speaks; may only shorten what is expected


class ReadingRow(Base):
    """A register's value; the key makes a repeated message harmless."""

    __tablename__ = "readings"
    device_id: Mapped[str] = mapped_column(Id, primary_key=True)
    register: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[float]
    __table_args__ = ({"sqlite_with_rowid": False},)


class EventRow(Base):
    """One device event as it was accepted; the newest 24 h answer "did we have this one?"."""

    __tablename__ = "device_events"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    source_id: Mapped[str] = mapped_column(Id)
    child_id: Mapped[str] = mapped_column(String(300))
    device_id: Mapped[str | None] = mapped_column(Id)
    event_id: Mapped[str | None] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))  # of kind, time and data: "the same payload"
    kind: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    retained: Mapped[bool]
    late_s: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    incident_id: Mapped[str | None] = mapped_column(Id, index=True)
    __table_args__ = (
        Index("ix_device_events_child", "source_id", "child_id", "received_at"),
        Index("ix_device_events_received", "received_at"),
    )


class QuarantineRow(Base):
    """A message that could not be read, as bytes, with the reason. Bounded: the oldest go."""

    __tablename__ = "quarantine"
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    source_id: Mapped[str | None] = mapped_column(Id)
    child_id: Mapped[str | None] = mapped_column(String(300))
    topic: Mapped[str] = mapped_column(String(400))
    payload: Mapped[bytes] = mapped_column(LargeBinary)  # at most the first 4 KiB
    reason: Mapped[str] = mapped_column(String(100))
    received_at: Mapped[datetime] = mapped_column(index=True)


class StreamHint(Base):
    """Something changed: `seq` grows in commit order, so a reader can resume without gaps."""

    __tablename__ = "stream_hints"
    seq: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    topic: Mapped[str] = mapped_column(String(20))  # incident notice device
    ref_id: Mapped[str] = mapped_column(String(300))
    area_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime]
