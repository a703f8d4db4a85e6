"""What a change of the watch rules means for homes, before it is made: how many, and which stay
without anything that would notice that they go quiet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care.handing_down import as_watched, load_book
from care.policy import tier_ranks
from care.tables import Area, Binding, Device, Elder
from care.watch import Book, Resident, Rule, Watched, merged, watch_of
from care.watch_choices import DEFAULTS, RULES_OF_ROLE, for_role, notices_stillness
from care.watch_rules import homes_of
from core.errors import InvalidInput

AGREED = "unnoticed_at_most"
_AT_ONCE = 100
"""Homes between two looks at what else is to be done: an alarm must not wait for a county's."""


class Effect(NamedTuple):
    """Homes of the scope: in all, of those whose devices would be told something else, and of
    those that would lose the last device that notices a quiet home."""

    homes: int = 0
    changed: int = 0
    unnoticed: int = 0


def agree(effect: Effect, at_most: int | None) -> None:
    """Raises `InvalidInput` when more homes would be left unnoticed than somebody agreed to.

    `at_most` None: nobody was asked.
    """
    if at_most is not None and effect.unnoticed > at_most:
        raise InvalidInput(
            AGREED,
            f"{effect.unnoticed} homes would have nothing left that notices that they go quiet",
        )


async def effect_of(session: AsyncSession, rule: Rule, now: datetime) -> Effect:
    """What saving `rule` would change, at the time from which it would count."""
    at = max(now, rule.effective_from)
    present = await load_book(session, at)
    return await _effect(session, rule, present, {**present, rule.scope: rule})


async def effect_of_withdrawing(session: AsyncSession, rule: Rule, now: datetime) -> Effect:
    """What ending `rule` now would change: nothing where it has not begun, or another stands."""
    present = await load_book(session, now)
    return await _effect(session, rule, present, _without(rule, present))


class Instead(NamedTuple):
    """What holds for one parameter of a rule once it is withdrawn."""

    name: str
    parameter: str
    value: Any
    rule: Rule | None  # which says so; None: nobody does, it is the default


async def instead_of(session: AsyncSession, rule: Rule, now: datetime) -> list[Instead]:
    """What would hold in the scope of `rule` without it, parameter by parameter.

    Where it has not begun, that is what holds now.
    """
    book = _without(rule, await load_book(session, now))
    watch = watch_of(await _scope(session, rule), book, tier_ranks())
    found = []
    for name, parameters in rule.rules.items():
        for parameter in parameters:
            origin = watch.origins.get((name, parameter))
            usual = DEFAULTS.get((name, parameter))
            value = usual if origin is None else watch.rules[name][parameter]
            found.append(Instead(name, parameter, value, origin))
    return found


async def _scope(session: AsyncSession, rule: Rule) -> Watched:
    """A home of the scope with nothing narrower said about it; of an elder's rule their own."""
    if rule.elder_id is not None:
        elder = await session.get_one(Elder, rule.elder_id)
        return (await as_watched(session, [elder.home_id])).get(elder.home_id, Watched())
    area = await session.get(Area, rule.area_id) if rule.area_id is not None else None
    areas = tuple(part for part in area.path.split("/") if part) if area is not None else ()
    residents = (Resident(id="", tier=rule.tier),) if rule.tier is not None else ()
    return Watched(areas=areas, residents=residents)


def _without(rule: Rule, book: Book) -> Book:
    """The rules in force once `rule` is withdrawn."""
    return {scope: one for scope, one in book.items() if one.id != rule.id}


async def _effect(session: AsyncSession, rule: Rule, present: Book, then: Book) -> Effect:
    ids = sorted((await session.scalars(homes_of(rule))).all())
    changed = unnoticed = 0
    for some in _parts(ids):
        await asyncio.sleep(0)
        watched = await as_watched(session, some)
        devices = await _devices(session, some)
        for home_id, theirs in devices.items():
            home = watched.get(home_id, Watched())
            before, after = _rules(home, theirs, present), _rules(home, theirs, then)
            changed += before != after
            lost = _is_noticed(theirs, before) and not _is_noticed(theirs, after)
            unnoticed += lost and bool(home.residents)
    return Effect(homes=len(ids), changed=changed, unnoticed=unnoticed)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


_Own = tuple[str, dict[str, Any]]
"""Role of a device, and the rules that were set for it alone."""


async def _devices(session: AsyncSession, home_ids: Sequence[str]) -> dict[str, list[_Own]]:
    rows = await session.execute(
        select(Binding.home_id, Device.role, Device.rules)
        .join(Device, Device.id == Binding.device_id)
        .where(Binding.home_id.in_(home_ids), Binding.valid_to.is_(None), Device.active)
        .where(Device.role.in_(RULES_OF_ROLE))
    )
    found: dict[str, list[_Own]] = {}
    for home_id, role, own in rows:
        found.setdefault(home_id, []).append((role, own))
    return found


def _rules(home: Watched, devices: Sequence[_Own], book: Book) -> list[dict[str, Any]]:
    """What holds for each of a home's devices."""
    watch = watch_of(home, book, tier_ranks())
    return [merged(for_role(watch.rules, role), own) for role, own in devices]


def _is_noticed(devices: Sequence[_Own], rules: Sequence[dict[str, Any]]) -> bool:
    pairs = zip(devices, rules, strict=True)
    return any(notices_stillness(role, one) for (role, _), one in pairs)
