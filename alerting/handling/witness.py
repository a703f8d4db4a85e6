"""A second witness: what the home's electricity says while its water stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.finding import Finding
from alerting.intake.whose import Whose


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondLook:
    """What the other meter says. `until`: wait so long before a look is taken again; None: go on.
    `facts` go beside the finding's own."""

    until: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)


async def second_look(
    session: AsyncSession, finding: Finding, whose: Whose, now: datetime
) -> SecondLook:
    """Ask the electricity meters of the home; a home without one has nothing to add."""
    del session, finding, whose, now
    return SecondLook()
