"""Rows of the queue that a cut of the water explains together: one heading, nothing hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.check import Purpose
from alerting.incident import Stage
from alerting.tables import Check
from care.listing import within
from care.tables import Area, Interruption

KIND = "no_water_use"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """What stands above the rows of one area. Counts are of homes since its water stopped."""

    ident: str  # of the interruption
    state: str
    area: str
    todo: int  # incidents that nobody has in hand
    asking: int  # questions that run
    heard: int  # answered well, or somebody spoke with them
    unanswered: int

    is_heading = True


async def with_headings(
    session: AsyncSession, rows: Sequence[Any], cuts: Sequence[tuple[Interruption, str]]
) -> tuple[Any, ...]:
    """The rows, those about unused water in these areas behind all other cases and questions.

    In their group the order of the desk stays: incidents before questions. An elder who asked for
    help, and a question that the desk has to put by hand, are never part of a group; nor is whoever
    was late while water still came: that is no cut.
    """
    if not cuts or not any(_may_belong(row) for row in rows):
        return tuple(rows)
    rest, groups = list(rows), []
    for cut, name in cuts:
        inside = set(await session.scalars(select(Area.id).where(within(Area.id, cut.area_id))))
        before = await _asked_before(session, rest, cut)
        mine = [
            row
            for row in rest
            if _may_belong(row)
            and row.area_id in inside
            and row.opened_at >= cut.begins_at
            and row.id not in before
        ]
        if len(mine) < 2:
            continue
        rest = [row for row in rest if row not in mine]
        groups += [await _heading(session, cut, name, mine), *mine]
    later = [row for row in rest if _is_later(row)]
    return (*(row for row in rest if not _is_later(row)), *groups, *later)


async def _asked_before(session: AsyncSession, rows: Sequence[Any], cut: Interruption) -> set[str]:
    """Incidents of questions that were put before the water stopped."""
    found = await session.scalars(
        select(Check.incident_id).where(
            Check.incident_id.in_([row.id for row in rows if row.opened_at >= cut.begins_at]),
            Check.opened_at < cut.begins_at,
        )
    )
    return {ident for ident in found if ident is not None}


def _may_belong(row: Any) -> bool:
    if row.kind != KIND or row.area_id is None:
        return False
    if hasattr(row, "is_check"):
        return not row.by_hand
    return row.stage != Stage.FOLLOWING_UP and not row.facts.get("help")


def _is_later(row: Any) -> bool:
    is_case = not hasattr(row, "is_check")
    return is_case and (row.severity == "technical" or row.stage == Stage.FOLLOWING_UP)


async def _heading(
    session: AsyncSession, cut: Interruption, name: str, rows: Sequence[Any]
) -> Heading:
    counted = await session.execute(
        select(Check.result, func.count(func.distinct(Check.home_id)))
        .where(
            Check.kind == KIND,
            Check.purpose == Purpose.WELLBEING.value,
            Check.state == "ended",
            Check.opened_at >= cut.begins_at,
            within(Check.area_id, cut.area_id),
        )
        .group_by(Check.result)
    )
    ended = {row[0]: row[1] for row in counted}
    return Heading(
        ident=cut.id,
        state=cut.state,
        area=name,
        todo=sum(getattr(row, "stage", "") == Stage.OPEN for row in rows),
        asking=sum(hasattr(row, "is_check") for row in rows),
        heard=ended.get("well", 0) + ended.get("spoken", 0),
        unanswered=ended.get("unanswered", 0),
    )
