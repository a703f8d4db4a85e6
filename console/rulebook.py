"""What the page of watch rules shows: a tree of areas, with what holds in each and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from care.handing_down import rule_of
from care.model import Actor
from care.policy import load_policy, tier_ranks
from care.queries import Sight
from care.tables import Area, Elder, User, WatchRule
from care.watch import Book, Resident, Rule, Watched, book_of, watch_of
from care.watch_rules import visible_rules
from console.context import PageContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One parameter that holds in an area; `own`: this very area says so."""

    name: str
    parameter: str
    value: object
    rule: Rule
    own: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What holds for everybody of an area, or for one tier of it."""

    tier: str | None
    said: tuple[Said, ...]
    rule: Rule | None  # the scope's own rule in force, which may be withdrawn


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """An area of the tree; `area` None: everywhere."""

    area: Area | None
    depth: int
    lines: tuple[Line, ...]
    planned: tuple[WatchRule, ...]

    @property
    def area_id(self) -> str | None:
        return self.area.id if self.area is not None else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rulebook:
    """Everything the page lists."""

    branches: tuple[Branch, ...]
    of_elders: tuple[tuple[WatchRule, Elder], ...]
    ended: tuple[WatchRule, ...]
    area_names: dict[str, str]
    authors: dict[str, str]


ENDED_SHOWN = 20


async def load_rulebook(
    session: AsyncSession, sight: Sight, now: datetime, actor: Actor
) -> Rulebook:
    """The rules of the caller's areas and those above that hold there."""
    areas = await _areas(session, actor)
    rows = (await session.scalars(select(WatchRule).where(visible_rules(sight)))).all()
    book = book_of(map(rule_of, rows), now)
    current = [row for row in rows if row.ended_at is None or row.ended_at > now]
    planned = [row for row in current if row.effective_from > now]
    elders = {row.elder_id for row in current if row.elder_id is not None}
    found = await session.scalars(select(Elder).where(Elder.id.in_(elders)))
    by_id = {elder.id: elder for elder in found}
    authors = await session.execute(
        select(User.id, User.name).where(User.id.in_({row.created_by for row in rows}))
    )
    ended = sorted(
        (row for row in rows if row.ended_at is not None and row.ended_at <= now),
        key=lambda row: (row.ended_at or now, row.id),
        reverse=True,
    )
    above = await _above(session, areas)
    return Rulebook(
        branches=_tree(areas, book, planned, everywhere=not actor.scope.path),
        of_elders=tuple((row, by_id[row.elder_id]) for row in current if row.elder_id in by_id),
        ended=tuple(ended[:ENDED_SHOWN]),
        area_names={area.id: area.name for area in (*areas, *above)},
        authors={row.id: row.name for row in authors},
    )


async def _areas(session: AsyncSession, actor: Actor) -> Sequence[Area]:
    """The caller's areas, parents before what lies in them."""
    query = select(Area)
    if actor.scope.path:
        query = query.where(Area.path.startswith(actor.scope.path, autoescape=True))
    areas = {area.id: area for area in await session.scalars(query)}
    return sorted(areas.values(), key=lambda area: _place(area, areas))


def _place(area: Area, areas: dict[str, Area]) -> tuple[str, ...]:
    """Sorts by names along the path, so that an area stands under its parent."""
    parts = [part for part in area.path.split("/") if part]
    return tuple(f"{areas[part].name}\0{part}" for part in parts if part in areas)


async def _above(session: AsyncSession, areas: Sequence[Area]) -> Sequence[Area]:
    """Areas above the caller's, only for their names."""
    known = {area.id for area in areas}
    ids = {part for area in areas for part in area.path.split("/") if part} - known
    return (await session.scalars(select(Area).where(Area.id.in_(ids)))).all()


def tier_names(page: PageContext) -> dict[str, str]:
    """Tier of the region's scheme → its name in the reader's language."""
    tiers = load_policy(page.services.settings.region).tiers
    return {tier.key: tier.name_en if page.lang == "en" else tier.name_zh for tier in tiers}


async def rule_to_note(session: AsyncSession, sight: Sight, rule_id: str) -> WatchRule | None:
    """The rule that an address says was just saved or withdrawn; None for one unknown here."""
    if not rule_id:
        return None
    return await session.scalar(
        select(WatchRule).where(WatchRule.id == rule_id, visible_rules(sight))
    )


def _tree(
    areas: Sequence[Area], book: Book, planned: Sequence[WatchRule], *, everywhere: bool
) -> tuple[Branch, ...]:
    least = min((area.path.count("/") for area in areas), default=2)
    branches = [_branch(None, (), 0, book, planned)] if everywhere else []
    for area in areas:
        path = tuple(part for part in area.path.split("/") if part)
        depth = area.path.count("/") - least + (1 if everywhere else 0)
        branches.append(_branch(area, path, depth, book, planned))
    return tuple(branches)


def _branch(
    area: Area | None,
    path: tuple[str, ...],
    depth: int,
    book: Book,
    planned: Sequence[WatchRule],
) -> Branch:
    here = area.id if area is not None else None
    lines = [_line(None, here, path, book)]
    everybody = {(one.name, one.parameter, one.rule.id) for one in lines[0].said}
    for tier in tier_ranks():
        line = _line(tier, here, path, book)
        if {(one.name, one.parameter, one.rule.id) for one in line.said} != everybody:
            lines.append(line)
    return Branch(
        area=area,
        depth=depth,
        lines=tuple(lines),
        planned=tuple(row for row in planned if row.area_id == here and row.elder_id is None),
    )


def _line(tier: str | None, here: str | None, path: tuple[str, ...], book: Book) -> Line:
    residents = (Resident(id="", tier=tier),) if tier is not None else ()
    watch = watch_of(Watched(areas=path, residents=residents), book, tier_ranks())
    said = tuple(
        Said(
            name=name,
            parameter=parameter,
            value=watch.rules[name][parameter],
            rule=rule,
            own=rule.area_id == here and rule.tier == tier,
        )
        for (name, parameter), rule in sorted(watch.origins.items(), key=lambda item: item[0])
    )
    return Line(tier=tier, said=said, rule=book.get((here, tier, None)))
