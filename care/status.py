"""An elder's status: who is not at home, until when, who said so, and how that ends.

Anything but `home` rests welfare rules only; a press, a fall, smoke and gas stay live. Every other
status has a date: away and hospital end then by themselves, so that watching resumes even if
everybody forgot; moved and deceased stay until a person looks, and are shown as overdue. Nobody
becomes away because they did not answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from care.handing_down import refresh_homes
from care.model import SYSTEM, Actor, ElderStatus, Scope
from care.queries import Sight, in_scope, residents, visible_elders
from care.tables import Elder, ElderStatusEntry, Home
from core.errors import InvalidInput

REVIEW_AFTER: dict[ElderStatus, timedelta] = {
    ElderStatus.AWAY: timedelta(days=3),
    ElderStatus.HOSPITAL: timedelta(days=7),
    ElderStatus.MOVED: timedelta(days=30),
    ElderStatus.DECEASED: timedelta(days=30),
}
"""When a status ends, or is looked at again, if nobody names a date. Not generous on purpose."""

MAX_REVIEW = timedelta(days=366)
ENDING = frozenset({ElderStatus.AWAY, ElderStatus.HOSPITAL})
"""End by themselves at their date, and by use in the home. The others wait for a person."""

REASONS = frozenset(
    {
        "staff",
        "family",
        "answer",  # the elder's own, to a call
        "holiday_question",
        "used_again",
        "until_passed",
        "review",
        "import",
    }
)
"""Why a status was set; keys of the console's `status_reason` texts."""

_SAID = ("status", "status_since", "status_review_at")
_BY_ITSELF = ("used_again", "until_passed")
REVIEW_SOON = timedelta(days=2)
RETURNED_SHOWN_FOR = timedelta(hours=24)
SURPRISED_AGAIN_AFTER = timedelta(days=7)


async def set_status(
    session: AsyncSession,
    elder: Elder,
    status: ElderStatus,
    now: datetime,
    *,
    actor: Actor,
    until: datetime | None = None,
    reason: str,
    text: str | None = None,
) -> None:
    """The one way to change a status, and to confirm it: saying it again moves its date.

    `until` is when an absence ends, or when moved and deceased are looked at again; without one
    `REVIEW_AFTER` decides. Raises `InvalidInput` (field `status_review_at`) for a date that is
    not in the future, lies more than a year ahead, or comes with `home`. Saying that somebody is
    at home who is changes nothing. Callers that may end an absence go through
    `alerting.handling.absences`, which also tells the detectors.
    """
    if reason not in REASONS:
        raise ValueError(f"{reason!r} is no reason for a status")
    until = _until(status, until, now)
    await session.flush()
    # As it is now: somebody else may have said it, or its date may have passed, a moment ago.
    await session.refresh(elder, _SAID, with_for_update={"key_share": True})
    if status is ElderStatus.HOME and elder.status == ElderStatus.HOME:
        return
    if elder.status != status:
        elder.status_since = now
    elder.status, elder.status_review_at = status.value, until
    _note(session, elder, now, actor, reason, text)
    await session.flush()
    await refresh_homes(session, [elder.home_id], now)


def _until(status: ElderStatus, until: datetime | None, now: datetime) -> datetime | None:
    if until is not None and not now < until <= now + MAX_REVIEW:
        raise InvalidInput("status_review_at", "must lie in the future, at most a year ahead")
    if status is ElderStatus.HOME:
        if until is not None:
            raise InvalidInput("status_review_at", "an elder who is at home needs no review date")
        return None
    # Welfare rules rest meanwhile, so an absence never lasts for want of a date.
    return until or now + REVIEW_AFTER[status]


def _note(
    session: AsyncSession, elder: Elder, now: datetime, actor: Actor, reason: str, text: str | None
) -> None:
    """One line of the elder's history, as the elder stands now."""
    session.add(
        ElderStatusEntry(
            elder_id=elder.id,
            at=now,
            status=elder.status,
            until=elder.status_review_at,
            actor=actor.name,
            actor_id=None if actor is SYSTEM else actor.id,
            reason=reason,
            text=text or None,
        )
    )


async def came_home(session: AsyncSession, home_id: str, now: datetime) -> tuple[Elder, ...]:
    """Somebody lives in the home again: its absences end. Returns those who count as back.

    Nobody knows which of several it is, so all of them do: watching resumes, and people see why.
    """
    back: list[Elder] = []
    for elder in await residents(session, home_id):
        if elder.status in ENDING:
            await set_status(
                session, elder, ElderStatus.HOME, now, actor=SYSTEM, reason="used_again"
            )
            back.append(elder)
    return tuple(back)


async def used_while_gone(session: AsyncSession, home_id: str, now: datetime) -> tuple[Elder, ...]:
    """A home is used though its elder moved out or died: nothing ends, people are to look.

    Their review becomes due at once, at most once in `SURPRISED_AGAIN_AFTER`. Returns those it
    became due for.
    """
    surprising: list[Elder] = []
    for elder in await residents(session, home_id):
        if elder.status == ElderStatus.HOME or elder.status in ENDING:
            continue
        if elder.status_review_at is not None and elder.status_review_at <= now:
            continue  # people are to look already
        known = select(func.max(ElderStatusEntry.at)).where(
            ElderStatusEntry.elder_id == elder.id, ElderStatusEntry.reason == "used_again"
        )
        last = await session.scalar(known)
        if last is not None and now - last < SURPRISED_AGAIN_AFTER:
            continue
        elder.status_review_at = now
        _note(session, elder, now, SYSTEM, "used_again", None)
        surprising.append(elder)
    await session.flush()
    return tuple(surprising)


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Somebody who is not at home, and the last that was said of it."""

    elder: Elder
    home: Home
    entry: ElderStatusEntry | None  # None: set before there was a history
    overdue: bool

    @property
    def until(self) -> datetime | None:
        """When it ends or is looked at again; None: nobody ever said, so it is overdue."""
        return self.elder.status_review_at


async def statuses_to_review(
    session: AsyncSession, sight: Sight, now: datetime, *, limit: int = 200
) -> tuple[Review, ...]:
    """Statuses that are overdue or end within two days, the longest overdue first."""
    found = await absent(session, sight, now, limit=limit)
    return tuple(one for one in found if one.until is None or one.until <= now + REVIEW_SOON)


async def absent(
    session: AsyncSession, sight: Sight, now: datetime, *, limit: int = 200
) -> tuple[Review, ...]:
    """Everybody who is not at home, by date; what has none comes first."""
    query = (
        select(Elder, Home, ElderStatusEntry)
        .join(Home, Home.id == Elder.home_id)
        .outerjoin(ElderStatusEntry, ElderStatusEntry.id == _latest())
        .where(Elder.status != ElderStatus.HOME, visible_elders(sight))
        .order_by(Elder.status_review_at.is_not(None), Elder.status_review_at, Elder.name, Elder.id)
        .limit(limit)
    )
    return tuple(
        Review(
            elder=elder,
            home=home,
            entry=entry,
            overdue=elder.status_review_at is None or elder.status_review_at <= now,
        )
        for elder, home, entry in (await session.execute(query)).all()
    )


async def returned(
    session: AsyncSession, sight: Sight, now: datetime, *, limit: int = 50
) -> tuple[Review, ...]:
    """Whose absence ended by itself, by its date or by use, within the last day."""
    query = (
        select(Elder, Home, ElderStatusEntry)
        .join(Home, Home.id == Elder.home_id)
        .join(ElderStatusEntry, ElderStatusEntry.id == _latest())
        .where(
            Elder.status == ElderStatus.HOME,
            Elder.status_since > now - RETURNED_SHOWN_FOR,
            ElderStatusEntry.reason.in_(_BY_ITSELF),
            visible_elders(sight),
        )
        .order_by(ElderStatusEntry.at.desc(), Elder.id)
        .limit(limit)
    )
    return tuple(
        Review(elder=elder, home=home, entry=entry, overdue=False)
        for elder, home, entry in (await session.execute(query)).all()
    )


def _latest() -> ScalarSelect[Any]:
    """The id of an elder's newest entry."""
    newest = select(func.max(ElderStatusEntry.id)).where(ElderStatusEntry.elder_id == Elder.id)
    return newest.correlate(Elder).scalar_subquery()


async def reviews_overdue(session: AsyncSession, scope: Scope, now: datetime) -> int:
    """How many statuses wait for a person: for the desk's line."""
    passed = Elder.status_review_at.is_(None) | (Elder.status_review_at <= now)
    query = (
        select(func.count())
        .select_from(Elder)
        .where(Elder.status != ElderStatus.HOME, passed, in_scope(Elder.area_id, scope))
    )
    return int(await session.scalar(query) or 0)


async def returned_lately(session: AsyncSession, scope: Scope, now: datetime) -> int:
    """How many absences ended by themselves within a day: for the desk's line."""
    query = (
        select(func.count(func.distinct(Elder.id)))
        .join(ElderStatusEntry, ElderStatusEntry.elder_id == Elder.id)
        .where(
            Elder.status == ElderStatus.HOME,
            Elder.status_since > now - RETURNED_SHOWN_FOR,
            ElderStatusEntry.at == Elder.status_since,
            ElderStatusEntry.reason.in_(_BY_ITSELF),
            in_scope(Elder.area_id, scope),
        )
    )
    return int(await session.scalar(query) or 0)


async def history(
    session: AsyncSession, elder_id: str, *, limit: int = 10
) -> tuple[ElderStatusEntry, ...]:
    """The last changes of an elder's status, newest first."""
    query = (
        select(ElderStatusEntry)
        .where(ElderStatusEntry.elder_id == elder_id)
        .order_by(ElderStatusEntry.id.desc())
        .limit(limit)
    )
    return tuple((await session.scalars(query)).all())
