"""Which rules are in force, chosen by the database as the pure part chooses."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy import select

from care.handing_down import load_book, rule_of
from care.model import UserRole
from care.tables import WatchRule
from care.watch import book_of
from core.db import Database
from tests.care.town import a_user, an_elder
from tests.support.clock import ManualClock


def some_rules(now: datetime, elder_id: str, user_id: str, seed: int) -> list[WatchRule]:
    """Rules of three scopes that begin, end and were written on the same few days."""
    chance = random.Random(seed)

    def day() -> datetime:
        return now + timedelta(days=chance.randint(-4, 2))

    return [
        WatchRule(
            id=f"rule-{number}",
            tier=chance.choice((None, "key")) if number % 3 else None,
            elder_id=None if number % 3 else elder_id,
            rules={"no_water_use": {"preset": "adaptive"}},
            effective_from=day(),
            ended_at=chance.choice((None, day())),
            forecast={},
            created_by=user_id,
            created_at=day(),
        )
        for number in range(chance.randint(1, 12))
    ]


async def test_the_database_chooses_as_the_pure_part_does(db: Database, clock: ManualClock) -> None:
    now = clock.now()
    async with db.transaction() as session:
        elder = await an_elder(session, now)
        user = await a_user(session, now, UserRole.ADMIN, "wang")
    for seed in range(30):
        async with db.transaction() as session:
            for old in await session.scalars(select(WatchRule)):
                await session.delete(old)
            await session.flush()
            session.add_all(some_rules(now, elder.id, user.id, seed))
            await session.flush()
            stored = await session.scalars(select(WatchRule))
            expected = book_of(map(rule_of, stored), now)
            assert await load_book(session, now) == expected
