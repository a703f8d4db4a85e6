"""`anju devices rebuild`: meters' memories made anew, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from alerting.fleet import rebuilding
from core.settings import Settings
from gateway.install import build_services


async def rebuild_all(settings: Settings, ids: Sequence[str] | None) -> list[dict[str, Any]]:
    """One object a meter; `ids` None: every meter in service. Raises for the first wrong id."""
    services = build_services(settings)
    made: list[dict[str, Any]] = []
    try:
        if ids is None:
            async with services.db.reading() as session:
                ids = await rebuilding.meters(session)
        for device_id in ids:
            one = await rebuilding.rebuild(
                services.db, device_id, services.clock, zone=settings.timezone
            )
            since = one.since.isoformat() if one.since else None
            made.append({**asdict(one), "since": since})
    finally:
        await services.db.close()
    return made


def show(made: dict[str, Any]) -> str:
    """One line for people."""
    if not made["readings"]:
        return f"{made['device_id']}: no readings are stored"
    standing = ", ".join(made["standing"]) or "nothing"
    return (
        f"{made['device_id']}: {made['readings']} readings since {made['since']}, "
        f"{made['learnt_days']} days learnt, standing: {standing}"
    )
