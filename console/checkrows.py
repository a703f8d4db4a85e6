"""Running checks as the desk shows them: rows of the queue, and one with all that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import check_queries
from alerting.check import MOST_ROUNDS, CheckState
from alerting.tables import Check, Notice
from alerting.telling import questions
from care.queries import Sight, residents
from care.tables import Area, Elder, EmergencyContact, Home
from console.icons import icon_of_kind
from console.queue import Person, QueueRow, load_residents
from console.stillness import Stillness, stillness_of


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRow:
    """One running check in the queue."""

    id: str
    kind: str
    state: str
    opened_at: datetime
    still: Stillness | None
    due_at: datetime
    coming: str  # what happens then: ask, open, look
    by_hand: bool  # nobody but the desk asks
    people: tuple[Person, ...]
    place: str
    area_id: str | None = None

    is_check = True

    @property
    def icon(self) -> str:
        return icon_of_kind(self.kind)


async def load_rows(session: AsyncSession, sight: Sight) -> tuple[CheckRow, ...]:
    """Every running check that the reader may see, oldest first."""
    found = await check_queries.running(session, sight)
    people = await load_residents(session, (one.home_id or "" for one in found))
    asked = await _channels(session, [one.id for one in found])
    homes = await _homes(session, [one.home_id for one in found if one.home_id])
    return tuple(
        CheckRow(
            id=one.id,
            kind=one.kind,
            state=one.state,
            opened_at=one.opened_at,
            still=stillness_of(one.kind, one.finding.get("facts", {})),
            due_at=one.due_at or one.opened_at,
            coming=coming(one),
            by_hand="console" in asked.get(one.id, ()),
            people=people.get(one.home_id or "", ()),
            place=homes.get(one.home_id or "", ""),
            area_id=one.area_id,
        )
        for one in found
    )


def with_checks(rows: Sequence[QueueRow], checks: Sequence[CheckRow]) -> tuple[Any, ...]:
    """Checks stand behind the cases of people, and before devices and what is followed up."""
    later = [row for row in rows if row.severity == "technical" or row.stage == "following_up"]
    sooner = [row for row in rows if row not in later]
    return (*sooner, *checks, *later)


def coming(check: Check) -> str:
    """What Anju does at the check's deadline if nobody answers."""
    if check.until is not None and check.due_at is not None and check.due_at < check.until:
        return "ask" if check.asked < MOST_ROUNDS else "open"
    return "look" if check.state == CheckState.HELD else "open"


async def _channels(session: AsyncSession, ids: Sequence[str]) -> dict[str, set[str]]:
    query = select(Notice.check_id, Notice.channel).where(Notice.check_id.in_(ids)).distinct()
    found: dict[str, set[str]] = {}
    for check_id, channel in (await session.execute(query)).all():
        found.setdefault(check_id or "", set()).add(channel)
    return found


async def _homes(session: AsyncSession, ids: Sequence[str]) -> dict[str, str]:
    rows = await session.execute(select(Home.id, Home.address).where(Home.id.in_(ids)))
    return {row.id: row.address for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckFile:
    """A check with all that the officer needs to phone and to decide."""

    check: Check
    elders: tuple[Elder, ...]
    contacts: tuple[EmergencyContact, ...]
    home: Home | None
    area_name: str | None
    asked: Sequence[Notice]
    still: Stillness | None
    coming: str

    @property
    def icon(self) -> str:
        return icon_of_kind(self.check.kind)

    @property
    def is_over(self) -> bool:
        return self.check.state == CheckState.ENDED


async def load_file(session: AsyncSession, sight: Sight, check_id: str) -> CheckFile:
    """Raises `NotFound` for a check that the reader may not see."""
    check = await check_queries.check(session, sight, check_id)
    elders = await residents(session, check.home_id) if check.home_id else ()
    home = await session.get(Home, check.home_id) if check.home_id else None
    area = await session.get(Area, check.area_id) if check.area_id else None
    contacts = await session.scalars(
        select(EmergencyContact)
        .where(EmergencyContact.elder_id.in_([one.id for one in elders]))
        .order_by(EmergencyContact.rank, EmergencyContact.id)
    )
    return CheckFile(
        check=check,
        elders=elders,
        contacts=tuple(contacts),
        home=home,
        area_name=area.name if area else None,
        asked=await questions.questions_of(session, check.id),
        still=stillness_of(check.kind, check.finding.get("facts", {})),
        coming=coming(check),
    )
