"""Stored readings of one device, as a replay wants them: seconds and values, by the thousand."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, cast, extract, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.tables import ReadingRow


class Series(NamedTuple):
    """Times in seconds, rising, and the register's values in its own unit."""

    times: list[int]
    values: list[float]


async def load_series(
    session: AsyncSession, device_id: str, register: str, since: datetime, until: datetime
) -> Series:
    """A device's stored values of a register from `since` to `until`.

    The times come as numbers: making a hundred thousand times of them and numbers of those again
    would take longer than the replay.
    """
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    rows = await session.execute(
        select(
            type_coerce(ReadingRow.at, BigInteger)
            if is_sqlite
            else cast(func.floor(extract("epoch", ReadingRow.at)), BigInteger),
            ReadingRow.value,
        )
        .where(
            ReadingRow.device_id == device_id,
            ReadingRow.register == register,
            ReadingRow.at.between(since, until),
        )
        .order_by(ReadingRow.at)
    )
    found = rows.all()
    per_second = 1_000_000 if is_sqlite else 1
    return Series([row[0] // per_second for row in found], [row[1] for row in found])
