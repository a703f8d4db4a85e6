"""What an incident about unused water says of the supply where it arose."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from care.interruption_queries import holding

KIND = "no_water_use"


async def supply_facts(
    session: AsyncSession, kind: str, area_id: str | None, now: datetime
) -> dict[str, Any]:
    """`{"supply": …}` where an interruption is recorded or suspected; nothing for other kinds.

    It belongs to the incident's title, and such a case teaches the home's rule nothing.
    """
    found = await holding(session, area_id, now) if kind == KIND else ()
    if not found:
        return {}
    row = found[0]
    return {"supply": {"id": row.id, "state": row.state, "since": row.begins_at.isoformat()}}
