"""Water that did not come: put down by people, or suspected by Anju."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Interruption(Base):
    """The supply of an area and of all below it: suspected, recorded, or over.

    `due_at` is when the meters are to be told next: at its beginning, at its end, and at once
    when somebody changed it. None: they know, or there is nothing to tell.
    """

    __tablename__ = "interruptions"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))  # suspected dismissed recorded ended
    begins_at: Mapped[datetime]
    until: Mapped[datetime | None]  # looked at again, or over; None while it is only suspected
    reason: Mapped[str] = mapped_column(Text, default="")  # the announcement, in people's words
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)  # of a suspicion: what it rests on
    version: Mapped[int] = mapped_column(default=1)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))  # a name, "安居" for Anju itself
    created_by_id: Mapped[str | None] = mapped_column(Id)
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))
    ended_why: Mapped[str | None] = mapped_column(String(20))  # staff until_passed used_again …
    __table_args__ = (
        CheckConstraint("state <> 'recorded' OR due_at IS NOT NULL", name="deadline"),
        CheckConstraint("state <> 'recorded' OR until IS NOT NULL", name="until"),
        Index("ix_interruptions_state", "state", "begins_at"),
        Index(
            "uq_interruptions_suspected",
            "area_id",
            "kind",
            unique=True,
            sqlite_where=text("state = 'suspected'"),
            postgresql_where=text("state = 'suspected'"),
        ),
    )
