"""Old firmware: devices that run an older version than another of the same model does."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, false, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from care.tables import Device


async def outdated_devices(session: AsyncSession) -> ColumnElement[bool]:
    """Devices whose firmware is older than the newest that another of the same model has."""
    query = select(Device.model, Device.firmware).where(
        Device.model != "", Device.firmware != "", Device.active.is_(True)
    )
    pairs = (await session.execute(query.distinct())).all()
    old = outdated([(model, firmware) for model, firmware in pairs])
    return tuple_(Device.model, Device.firmware).in_(old) if old else false()


def outdated(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of (model, firmware) pairs those that are not their model's newest."""
    newest: dict[str, tuple[tuple[int, int, str], ...]] = {}
    for model, firmware in pairs:
        newest[model] = max(newest.get(model, ()), version_key(firmware))
    return [(model, firmware) for model, firmware in pairs if version_key(firmware) < newest[model]]


def version_key(firmware: str) -> tuple[tuple[int, int, str], ...]:
    """Orders versions as people read them: 1.9 before 1.10, numbers after words."""
    parts = re.findall(r"\d{1,18}|[^\d.\-_ ]+", firmware)
    return tuple((1, int(part), "") if part[0].isdecimal() else (0, 0, part) for part in parts)
