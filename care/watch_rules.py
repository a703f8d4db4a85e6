"""Watch rules in the database: written once, taken over by the next, withdrawn; never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from care import queries
from care.handing_down import as_watched, load_book, rule_of
from care.listing import within
from care.model import Actor
from care.paging import Order, Page, PageRequest, fetch_page
from care.policy import tier_ranks
from care.queries import Sight, serves, visible_elder_ids
from care.tables import Area, Binding, Device, Elder, Home, WatchRule
from care.watch import Rule, Watched, merged, watch_of
from care.watch_choices import PRESETS, RULES_OF_ROLE, checked_rules
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.ids import new_id

FURTHEST = timedelta(days=366)
JUST_NOW = timedelta(minutes=5)
"""A form that was opened a while ago still means now."""

_NEWEST = Order(
    name="watch-rules", key=WatchRule.effective_from, ident=WatchRule.id, newest_first=True
)


async def new_rule(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    rules: Mapping[str, Any],
    area_id: str | None = None,
    tier: str | None = None,
    elder_id: str | None = None,
    effective_from: datetime | None = None,
    note: str | None = None,
) -> WatchRule:
    """A rule that could be saved, checked but not added to the session: for a back-test, too.

    Without area, tier and elder it is for everybody everywhere; without `effective_from` from now
    on. Raises `InvalidInput` naming the field, `NotFound` for what the caller may not see,
    `NotAllowed` for a scope wider than the caller's area.
    """
    await _check_scope(session, actor, area_id, tier, elder_id)
    return WatchRule(
        id=new_id("rule"),
        area_id=area_id,
        tier=tier,
        elder_id=elder_id,
        rules=checked_rules(rules),
        effective_from=_begins(effective_from, now),
        ended_at=None,
        applied_at=None,
        note=note,
        forecast={},
        created_by=actor.id,
        created_at=now,
    )


async def save_rule(
    session: AsyncSession, rule: WatchRule, forecast: Mapping[str, Any] | None = None
) -> WatchRule:
    """Store it beside what its back-test said. It is handed down by a loop, in pieces."""
    rule.forecast = dict(forecast or {})
    session.add(rule)
    await session.flush()
    return rule


async def find_rule(session: AsyncSession, sight: Sight, rule_id: str) -> WatchRule:
    """A rule that concerns the caller's area; raises `NotFound` for any other."""
    query = select(WatchRule).where(WatchRule.id == rule_id, visible_rules(sight))
    found = await session.scalar(query)
    if found is None:
        raise NotFound("watch rule", rule_id)
    return found


async def list_rules(
    session: AsyncSession,
    sight: Sight,
    page: PageRequest,
    *,
    area_id: str | None = None,
    elder_id: str | None = None,
    current_only: bool = False,
    now: datetime,
) -> Page[WatchRule]:
    """Rules that concern the caller's area, the latest to begin first."""
    query = select(WatchRule).where(visible_rules(sight))
    if area_id is not None:
        query = query.where(within(WatchRule.area_id, area_id))
    if elder_id is not None:
        query = query.where(WatchRule.elder_id == elder_id)
    if current_only:
        query = query.where(or_(WatchRule.ended_at.is_(None), WatchRule.ended_at > now))
    return await fetch_page(session, query, _NEWEST, page)


async def withdraw_rule(
    session: AsyncSession, actor: Actor, now: datetime, rule_id: str
) -> WatchRule:
    """End a rule: its scope follows the wider ones again. One that has not begun never does.

    Raises `Conflict` when it has ended already, `NotAllowed` when it is wider than the caller's
    area.
    """
    rule = await find_rule(session, Sight(actor=actor), rule_id)
    await _check_scope(session, actor, rule.area_id, None, rule.elder_id)
    if rule.ended_at is not None and rule.ended_at <= now:
        raise Conflict("this rule has ended already", at=rule.ended_at.isoformat())
    begun = rule.effective_from <= now
    rule.ended_at = now
    rule.applied_at = None if begun else now  # the loop tells its devices; nobody heard of it yet
    await session.flush()
    return rule


def visible_rules(sight: Sight) -> ColumnElement[bool]:
    """Rules of the caller's areas, of those above them, and of the elders the caller may see."""
    if not sight.by_area:
        return WatchRule.elder_id.in_(visible_elder_ids(sight))
    if not sight.actor.scope.path:
        return true()
    of_places = and_(WatchRule.elder_id.is_(None), serves(WatchRule.area_id, sight.actor.scope))
    return or_(of_places, WatchRule.elder_id.in_(visible_elder_ids(sight)))


# ── handing down ─────────────────────────────────────────────────────────────────────────────────


async def next_to_apply(session: AsyncSession, now: datetime) -> WatchRule | None:
    """The rule that has come into force, or ended, and whose devices were not told yet."""
    query = (
        select(WatchRule)
        .where(WatchRule.applied_at.is_(None), WatchRule.effective_from <= now)
        .order_by(WatchRule.effective_from, WatchRule.id)
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


async def mark_applied(session: AsyncSession, rule: WatchRule, now: datetime) -> None:
    """All its devices were told: what stood in its scope before has ended.

    Not when it was withdrawn meanwhile: then they have to be told once more.
    """
    same = (
        WatchRule.ended_at.is_(None)
        if rule.ended_at is None
        else WatchRule.ended_at == rule.ended_at
    )
    await session.execute(
        update(WatchRule).where(WatchRule.id == rule.id, same).values(applied_at=now)
    )
    await session.execute(
        update(WatchRule)
        .where(
            *_same_scope(rule_of(rule)),
            WatchRule.id != rule.id,
            WatchRule.ended_at.is_(None),
            _older_than(rule),
        )
        .values(ended_at=rule.effective_from)
    )


def _older_than(rule: WatchRule) -> ColumnElement[bool]:
    """Began before it; of two that begin together the one written later stands."""
    theirs = (WatchRule.effective_from, WatchRule.created_at, WatchRule.id)
    age: ColumnElement[bool] = tuple_(*theirs) < (rule.effective_from, rule.created_at, rule.id)
    return age


def homes_of(rule: Rule) -> Select[Any]:
    """Ids of the homes that a rule can concern, to be narrowed and ordered."""
    if rule.elder_id is not None:
        return select(Elder.home_id).where(Elder.id == rule.elder_id)
    query = select(Home.id)
    if rule.area_id is not None:
        query = query.where(within(Home.area_id, rule.area_id))
    if rule.tier is not None:
        query = query.where(Home.id.in_(select(Elder.home_id).where(Elder.tier == rule.tier)))
    return query


async def home_ids_after(session: AsyncSession, rule: Rule, after: str, most: int) -> Sequence[str]:
    """The next homes of a rule in order of their ids; empty when all were seen."""
    query = homes_of(rule).where(Home.id > after) if rule.elder_id is None else homes_of(rule)
    if rule.elder_id is not None:
        return [one for one in (await session.scalars(query)).all() if one > after]
    return (await session.scalars(query.order_by(Home.id).limit(most))).all()


def _same_scope(rule: Rule) -> list[ColumnElement[bool]]:
    columns = (WatchRule.area_id, WatchRule.tier, WatchRule.elder_id)
    return [
        column.is_(None) if value is None else column == value
        for column, value in zip(columns, rule.scope, strict=True)
    ]


async def _check_scope(
    session: AsyncSession,
    actor: Actor,
    area_id: str | None,
    tier: str | None,
    elder_id: str | None,
) -> None:
    if elder_id is not None:
        if area_id is not None or tier is not None:
            field = "area_id" if area_id is not None else "tier"
            raise InvalidInput(field, "a rule for one elder has neither area nor tier")
        await queries.elder(session, Sight(actor=actor), elder_id)
        return
    if tier is not None and tier not in tier_ranks():
        raise InvalidInput("tier", f"{tier!r} is none of {', '.join(tier_ranks())}")
    if area_id is not None:
        await queries.area(session, actor.scope, area_id)
    elif actor.scope.path:
        raise NotAllowed("you are limited to an area; name it, or one inside it, as area_id")


def _begins(wanted: datetime | None, now: datetime) -> datetime:
    if wanted is None:
        return now
    if wanted < now - JUST_NOW:
        raise InvalidInput("effective_from", "must not lie in the past")
    if wanted > now + FURTHEST:
        raise InvalidInput("effective_from", "must lie within a year")
    return max(wanted, now)


# ── what holds for one home ──────────────────────────────────────────────────────────────────────


class Line(NamedTuple):
    """One parameter that holds for a home, and where it comes from."""

    name: str
    parameter: str
    value: Any
    rule: Rule
    area_name: str | None


class HomeWatch(NamedTuple):
    """What watches a home; `devices` with the rules in force, their own on top."""

    lines: list[Line]
    devices: list[tuple[Device, dict[str, Any]]]

    def own_water_rules(self) -> list[tuple[str, str]]:
        """(device, preset) of meters for which a rule of their own was set by hand."""
        own = [(one.id, one.rules.get("no_water_use")) for one, _ in self.devices]
        return [
            (ident, rule["preset"])
            for ident, rule in own
            if isinstance(rule, dict) and rule.get("preset") in PRESETS["no_water_use"]
        ]


async def home_watch(session: AsyncSession, home_id: str, now: datetime) -> HomeWatch:
    """What holds for a home now, of each parameter where it comes from, and of its devices."""
    watched = (await as_watched(session, [home_id])).get(home_id, Watched())
    watch = watch_of(watched, await load_book(session, now), tier_ranks())
    areas = {rule.area_id for rule in watch.origins.values() if rule.area_id is not None}
    rows = await session.execute(select(Area.id, Area.name).where(Area.id.in_(areas)))
    names: dict[str | None, str] = {row.id: row.name for row in rows}
    devices = await session.scalars(
        select(Device)
        .join(Binding, Binding.device_id == Device.id)
        .where(Binding.home_id == home_id, Binding.valid_to.is_(None), Device.active)
        .where(Device.role.in_(RULES_OF_ROLE))
        .order_by(Device.id)
    )
    lines = [
        Line(name, parameter, watch.rules[name][parameter], rule, names.get(rule.area_id))
        for (name, parameter), rule in sorted(watch.origins.items(), key=lambda item: item[0])
    ]
    return HomeWatch(lines, [(one, merged(one.inherited, one.rules)) for one in devices])


async def unchosen_meters(session: AsyncSession) -> int:
    """Water meters in service whose rule of use nobody chose: neither by scope nor by hand."""
    rows = await session.execute(
        select(Device.rules, Device.inherited).where(Device.role == "water_meter", Device.active)
    )
    chosen = ("no_water_use" in merged(inherited, own) for own, inherited in rows)
    return sum(not one for one in chosen)
