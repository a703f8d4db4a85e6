"""Follow-ups and hazards: what is still to be done for an elder, until somebody did it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care.model import Actor
from care.queries import Sight, one_seen, visible_elder_ids, visible_hazards
from care.tables import Elder, FollowUp, Hazard, User
from core.errors import Conflict, InvalidInput
from core.ids import new_id

_FARTHEST = timedelta(days=366)


async def add_follow_up(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    elder: Elder,
    text: str,
    due_at: datetime,
    incident_id: str | None = None,
) -> FollowUp:
    """Something to be done by `due_at` (跟踪回访). A due date that has passed is due at once.

    Raises `InvalidInput` for a due date more than a year from now, either way.
    """
    if abs(due_at - now) > _FARTHEST:
        raise InvalidInput("due_at", "is more than a year from now")
    follow_up = FollowUp(
        id=new_id("fup"),
        elder_id=elder.id,
        incident_id=incident_id,
        text=text,
        due_at=due_at,
        created_by=actor.id,
        created_at=now,
    )
    session.add(follow_up)
    await session.flush()
    return follow_up


async def complete_follow_up(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    follow_up_id: str,
    *,
    sight: Sight,
    result: str | None = None,
    handed_over_to: str | None = None,
) -> FollowUp:
    """Done, with what came of it; or handed over to whom it belongs (转介).

    Raises `Conflict` naming who was first.
    """
    if not result and not handed_over_to:
        raise InvalidInput("result", "say what came of it, or who it was handed over to")
    follow_up = await find_follow_up(session, sight, follow_up_id, lock=True)
    if follow_up.completed_at is not None:
        who = await _name(session, follow_up.completed_by)
        raise Conflict(
            f"{who or 'somebody'} has completed this follow-up already",
            winner=who,
            at=follow_up.completed_at.isoformat(),
        )
    follow_up.result, follow_up.handed_over_to = result, handed_over_to
    follow_up.completed_at, follow_up.completed_by = now, actor.id
    await session.flush()
    return follow_up


async def find_follow_up(
    session: AsyncSession, sight: Sight, follow_up_id: str, *, lock: bool = False
) -> FollowUp:
    """A follow-up of an elder the caller may see; raises `NotFound` for any other."""
    visible = FollowUp.elder_id.in_(visible_elder_ids(sight))
    return await one_seen(session, FollowUp, follow_up_id, visible, lock=lock, name="follow-up")


async def add_hazard(
    session: AsyncSession,
    now: datetime,
    *,
    home_id: str,
    text: str,
    elder_id: str | None = None,
    visit_id: str | None = None,
    incident_id: str | None = None,
    found_at: datetime | None = None,
    device_id: str | None = None,
    code: str | None = None,
) -> Hazard:
    """A danger seen in a home; it stays open until somebody remedied it.

    The caller has looked the home up before; `elder_id` must live there. Raises `InvalidInput`
    otherwise, and for a `found_at` in the future.
    """
    at = found_at or now
    if at > now:
        raise InvalidInput("found_at", "lies in the future")
    if elder_id is not None:
        lives_in = await session.scalar(select(Elder.home_id).where(Elder.id == elder_id))
        if lives_in != home_id:  # also for an elder whom the caller may not see: nothing is told
            raise InvalidInput("elder_id", "does not live in this home; leave it out")
    hazard = Hazard(
        id=new_id("hazard"),
        home_id=home_id,
        elder_id=elder_id,
        visit_id=visit_id,
        incident_id=incident_id,
        text=text,
        device_id=device_id,
        code=code,
        found_at=at,
        created_at=now,
    )
    session.add(hazard)
    await session.flush()
    return hazard


async def remedy_hazard(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    hazard_id: str,
    *,
    sight: Sight,
    remedy: str,
) -> Hazard:
    """The danger is gone, and how. Raises `Conflict` naming who was first."""
    hazard = await find_hazard(session, sight, hazard_id, lock=True)
    if hazard.remedied_at is not None:
        who = await _name(session, hazard.remedied_by)
        raise Conflict(
            f"{who or 'somebody'} has remedied this hazard already",
            winner=who,
            at=hazard.remedied_at.isoformat(),
        )
    hazard.remedied_at, hazard.remedied_by, hazard.remedy = now, actor.id, remedy
    await session.flush()
    return hazard


async def find_hazard(
    session: AsyncSession, sight: Sight, hazard_id: str, *, lock: bool = False
) -> Hazard:
    """A hazard in a home the caller may see; raises `NotFound` for any other."""
    return await one_seen(session, Hazard, hazard_id, visible_hazards(sight), lock=lock)


async def _name(session: AsyncSession, user_id: str | None) -> str | None:
    if user_id is None:
        return None
    return await session.scalar(select(User.name).where(User.id == user_id))
