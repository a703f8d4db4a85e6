"""How a home is watched: rules by area, tier and elder, handed down to its devices. Pure.

The narrower rule stands before the wider one, parameter by parameter:

    everywhere < county < town < village < grid < the elder's own < the device's own

and at each of the first five a rule for a tier stands before one for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from care.watch_choices import tighter_of

Scope = tuple[str | None, str | None, str | None]
"""(area id, tier, elder id) that a rule is for; three times None: everybody, everywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule as it was written. Rows are never changed, a newer one takes the scope over."""

    id: str
    area_id: str | None = None
    tier: str | None = None
    elder_id: str | None = None
    rules: Mapping[str, Mapping[str, Any]]  # rule → its parameters
    effective_from: datetime
    ended_at: datetime | None = None  # withdrawn then, or another took its place
    created_at: datetime

    @property
    def scope(self) -> Scope:
        return (self.area_id, self.tier, self.elder_id)

    @property
    def never_was(self) -> bool:
        """Withdrawn before it came into force."""
        return self.ended_at is not None and self.ended_at <= self.effective_from


@dataclass(frozen=True, kw_only=True, slots=True)
class Resident:
    """What rules ask about one of those who live in a home."""

    id: str
    tier: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A home as rules see it: its areas from the county down, and who lives there."""

    areas: tuple[str, ...] = ()
    residents: tuple[Resident, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What holds for a home, and of every parameter which rule it comes from."""

    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[tuple[str, str], Rule] = field(default_factory=dict)  # (rule, parameter)


Book = Mapping[Scope, Rule]
"""The rule in force of every scope that has one."""


def book_of(rules: Iterable[Rule], at: datetime) -> Book:
    """The rules in force at `at`, whatever order they come in.

    Of one scope the newest that has begun counts; where that one has ended meanwhile, the scope
    has no rule of its own any more, and the one before it does not come back.
    """
    newest: dict[Scope, Rule] = {}
    for rule in rules:
        if rule.effective_from > at or rule.never_was:
            continue
        known = newest.get(rule.scope)
        if known is None or _age(rule) > _age(known):
            newest[rule.scope] = rule
    return {
        scope: rule for scope, rule in newest.items() if rule.ended_at is None or rule.ended_at > at
    }


def watch_of(home: Watched, book: Book, tiers: Mapping[str, int]) -> Watch:
    """What holds for a home. `tiers`: tier → its place in the scheme, the most urgent first.

    With several residents the most urgent tier counts for the home, and of their own rules that
    differ the tighter one (`care/watch_choices.py`).
    """
    watch = Watch()
    for rule in _from_the_widest(home, book, tiers):
        for name, parameter, value in _parameters(rule):
            _put(watch, rule, name, parameter, value)
    for rule, name, parameter, value in _of_residents(home, book):
        _put(watch, rule, name, parameter, value)
    return watch


def tier_of(residents: Sequence[Resident], tiers: Mapping[str, int]) -> str | None:
    """The most urgent tier of those who live there; one that the scheme does not know is last."""
    known = [one.tier for one in residents if one.tier is not None]
    return min(known, key=lambda tier: (tiers.get(tier, len(tiers)), tier), default=None)


def merged(inherited: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> dict[str, Any]:
    """The narrower rules over the wider ones, parameter by parameter."""
    result = dict(inherited or {})
    for name, given in (own or {}).items():
        rule = given
        wider = result.get(name)
        if isinstance(wider, dict) and isinstance(rule, dict):
            rule = {**wider, **rule}
        result[name] = rule
    return result


def _age(rule: Rule) -> tuple[datetime, datetime, str]:
    return (rule.effective_from, rule.created_at, rule.id)


def _from_the_widest(home: Watched, book: Book, tiers: Mapping[str, int]) -> Iterator[Rule]:
    tier = tier_of(home.residents, tiers)
    for area in (None, *home.areas):
        for wanted in dict.fromkeys((None, tier)):
            rule = book.get((area, wanted, None))
            if rule is not None:
                yield rule


def _of_residents(home: Watched, book: Book) -> Iterator[tuple[Rule, str, str, Any]]:
    """Elders' own parameters, each once; by id, so that equals come from the same one always."""
    chosen: dict[tuple[str, str], tuple[Rule, Any]] = {}
    for resident in sorted(home.residents, key=lambda one: one.id):
        rule = book.get((None, None, resident.id))
        for name, parameter, value in _parameters(rule) if rule is not None else ():
            other = chosen.get((name, parameter))
            if other is None or tighter_of(name, parameter, other[1], value) != other[1]:
                chosen[name, parameter] = (rule, value)  # type: ignore[assignment]
    for (name, parameter), (rule, value) in chosen.items():
        yield rule, name, parameter, value


def _parameters(rule: Rule) -> Iterator[tuple[str, str, Any]]:
    for name, parameters in rule.rules.items():
        for parameter, value in parameters.items():
            yield name, parameter, value


def _put(watch: Watch, rule: Rule, name: str, parameter: str, value: Any) -> None:
    watch.rules.setdefault(name, {})[parameter] = value
    watch.origins[name, parameter] = rule
