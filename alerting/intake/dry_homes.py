"""Homes whose water does not come, for people who ring or visit: who lives there, what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.incident import FINAL
from alerting.intake.watched import works
from alerting.supervision import COUNTED_ROLES
from alerting.tables import Check, DeviceStateRow, Incident
from care.listing import within
from care.model import ElderStatus, VisitMode
from care.queries import Sight, visible_elders
from care.tables import Binding, Device, Elder, Home, Source, User, Visit

ONLY_WHEN_ASKED = frozenset({"sos_button"})
"""Watches over whoever can still press it: nothing notices by itself."""

_OTHERS = COUNTED_ROLES - {"water_meter", "electricity_meter"}
"""Electricity notices stillness only under a rule that is off by default: nobody counts on it."""

_HEARD = ("well", "spoken")
_HEARD_FOR = timedelta(hours=12)
"""An answer of yesterday says nothing of today."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DryHome:
    """One home. `left` are the roles that still work there, the water meter aside."""

    home_id: str
    address: str
    elders: tuple[Elder, ...]
    visitors: tuple[User, ...]
    left: tuple[str, ...]
    case_id: str | None = None  # a welfare case that runs
    asked: str = ""  # the last question since the water stopped: its result, or "asking"
    heard_at: datetime | None = None  # they answered that they are well, or were visited

    @property
    def unnoticed(self) -> bool:
        """Nothing notices by itself that somebody there needs help."""
        return not set(self.left) - ONLY_WHEN_ASKED

    @property
    def heard(self) -> bool:
        """Somebody heard or saw them within the last hours, since the water stopped."""
        return self.heard_at is not None


async def dry_homes(
    session: AsyncSession, sight: Sight, now: datetime, area_id: str | None = None
) -> tuple[DryHome, ...]:
    """Homes with a meter that rests because no water comes: unanswered first, then those that
    nothing else watches, then the others; where somebody was heard from last."""
    dry = await session.execute(
        _meters(area_id)
        .with_only_columns(Binding.home_id, func.min(Device.dry_since))
        .where(Device.dry_since.is_not(None), Binding.home_id.in_(_at_home(sight)))
        .group_by(Binding.home_id)
    )
    since = {home_id: at for home_id, at in dry if home_id is not None and at is not None}
    if not since:
        return ()
    homes = await session.execute(
        select(Home.id, Home.address).where(Home.id.in_(since)).order_by(Home.address, Home.id)
    )
    elders = await _elders(session, list(since))
    named = {one.responsible_visitor_id for some in elders.values() for one in some}
    rows = await session.scalars(select(User).where(User.id.in_(named - {None})))
    visitors = {one.id: one for one in rows}
    left = await _left(session, list(since), now)
    cases, asked = await _cases(session, list(since)), await _asked(session, since)
    heard = await _heard(session, since, now)
    found = [
        DryHome(
            home_id=home_id,
            address=address,
            elders=elders[home_id],
            visitors=_visitors_of(elders[home_id], visitors),
            left=left.get(home_id, ()),
            case_id=cases.get(home_id),
            asked=asked.get(home_id, ""),
            heard_at=heard.get(home_id),
        )
        for home_id, address in homes
        if home_id in elders
    ]
    return tuple(sorted(found, key=_urgency))


async def count_unnoticed(session: AsyncSession, sight: Sight, now: datetime) -> tuple[int, int]:
    """(homes without water, of them those that nothing else notices and nobody heard from)."""
    dry = (
        _meters(None)
        .with_only_columns(Binding.home_id, func.min(Device.dry_since).label("since"))
        .where(Device.dry_since.is_not(None), Binding.home_id.in_(_at_home(sight)))
        .group_by(Binding.home_id)
        .subquery()
    )
    noticed = _working(now).where(
        Binding.home_id == dry.c.home_id, Device.role.in_(_OTHERS - ONLY_WHEN_ASKED)
    )
    seen = _words(now).subquery()
    heard = select(seen.c.home_id).where(seen.c.home_id == dry.c.home_id, seen.c.at >= dry.c.since)
    alone = case((or_(noticed.exists(), heard.exists()), 0), else_=1)
    row = (await session.execute(select(func.count(), func.sum(alone)).select_from(dry))).one()
    return int(row[0]), int(row[1] or 0)


def _urgency(home: DryHome) -> tuple[bool, bool, bool]:
    return home.heard, home.asked != "unanswered" and home.case_id is None, not home.unnoticed


def _visitors_of(elders: Sequence[Elder], known: Mapping[str, User]) -> tuple[User, ...]:
    ids = dict.fromkeys(one.responsible_visitor_id for one in elders)
    return tuple(known[ident] for ident in ids if ident is not None and ident in known)


def _meters(area_id: str | None) -> Select[Any]:
    query = (
        select(Device.id)
        .join(Binding, and_(Binding.device_id == Device.id, Binding.valid_to.is_(None)))
        .where(Device.active)
    )
    return query if area_id is None else query.where(within(Device.area_id, area_id))


def _at_home(sight: Sight) -> Select[Any]:
    """Homes where somebody whom the caller may see is at home."""
    return select(Elder.home_id).where(visible_elders(sight), Elder.status == ElderStatus.HOME)


async def _elders(session: AsyncSession, homes: Sequence[str]) -> dict[str, tuple[Elder, ...]]:
    """Those who are at home; a home where nobody is waits for nobody."""
    found: dict[str, tuple[Elder, ...]] = {}
    rows = await session.scalars(
        select(Elder)
        .where(Elder.home_id.in_(homes), Elder.status == ElderStatus.HOME)
        .order_by(Elder.created_at, Elder.id)
    )
    for one in rows:
        found[one.home_id] = (*found.get(one.home_id, ()), one)
    return found


async def _left(
    session: AsyncSession, homes: Sequence[str], now: datetime
) -> dict[str, tuple[str, ...]]:
    rows = await session.execute(
        _working(now)
        .where(Binding.home_id.in_(homes), Device.role.in_(_OTHERS))
        .distinct()
        .order_by(Device.role)
    )
    found: dict[str, tuple[str, ...]] = {}
    for home_id, role in rows:
        found[home_id] = (*found.get(home_id, ()), role)
    return found


def _working(now: datetime) -> Select[Any, Any]:
    """(home, role) of every device that works."""
    return (
        select(Binding.home_id, Device.role)
        .join(Device, Device.id == Binding.device_id)
        .join(DeviceStateRow, DeviceStateRow.device_id == Device.id)
        .join(Source, Source.id == Device.source_id)
        .where(Binding.valid_to.is_(None), works(now))
    )


async def _cases(session: AsyncSession, homes: Sequence[str]) -> dict[str, str]:
    rows = await session.execute(
        select(Incident.home_id, Incident.id).where(
            Incident.home_id.in_(homes),
            Incident.severity != "technical",
            Incident.stage.not_in([stage.value for stage in FINAL]),
        )
    )
    return {home_id: ident for home_id, ident in rows if home_id is not None}


async def _asked(session: AsyncSession, since: Mapping[str, datetime]) -> dict[str, str]:
    rows = await session.execute(
        select(Check.home_id, Check.opened_at, Check.state, Check.result)
        .where(
            Check.home_id.in_(since),
            Check.kind == "no_water_use",
            or_(Check.opened_at >= min(since.values()), Check.state != "ended"),
        )
        .order_by(Check.opened_at)
    )
    found: dict[str, str] = {}
    for home_id, opened_at, state, result in rows:
        if home_id is None:
            continue
        if state != "ended":
            found[home_id] = "asking"
        elif opened_at >= since[home_id]:
            found[home_id] = result or ""
    return found


async def _heard(
    session: AsyncSession, since: Mapping[str, datetime], now: datetime
) -> dict[str, datetime]:
    words = _words(now).subquery()
    rows = await session.execute(select(words).where(words.c.home_id.in_(since)))
    found: dict[str, datetime] = {}
    for home_id, at in rows:
        if at >= since[home_id]:
            found[home_id] = max(at, found.get(home_id, at))
    return found


def _words(now: datetime) -> Select[Any]:
    """(home, when) of every answer that they are well and every visit of the last hours."""
    answers = select(Check.home_id.label("home_id"), Check.ended_at.label("at")).where(
        Check.result.in_(_HEARD), Check.ended_at > now - _HEARD_FOR
    )
    visits = (
        select(Elder.home_id, Visit.visited_at)
        .join(Elder, Elder.id == Visit.elder_id)
        .where(Visit.visited_at > now - _HEARD_FOR, Visit.mode != VisitMode.REMOTE_MONITORING.value)
    )
    return select(union_all(answers, visits).subquery())
