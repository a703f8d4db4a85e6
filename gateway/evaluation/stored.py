"""Readings for an evaluation from the database: one device after the other."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from alerting.detectors.assessable import REGISTERS
from alerting.intake.store import view_of
from alerting.trial.stored import load_series
from care.tables import Area, Device
from core.clock import SystemClock
from core.db import Database
from core.errors import InvalidInput, SettingsError
from core.settings import StoreSettings
from gateway.evaluation.home import Home, zone_of
from gateway.evaluation.source import Source

ROLE = "water_meter"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)


@contextmanager
def from_database(
    settings: StoreSettings, *, area: str | None, days: int | None, zone: str | None
) -> Iterator[Source]:
    """Stored `water_total` readings of every water meter, of an area and those below it or of all.

    `days`: only of so many last days. One device at a time is in memory. Raises `InvalidInput` for
    an area that there is not, `SettingsError` for a database that cannot be read.
    """
    zone = zone or settings.timezone
    zone_of(zone)
    until = SystemClock().now() + _ONE_DAY
    since = _EVER if days is None else until - _ONE_DAY - timedelta(days=days)
    database = Database(settings.database_url)
    with asyncio.Runner() as runner:
        try:
            _must_be_there(settings)
            meters = runner.run(_meters(database, area))
            homes = (runner.run(_home(database, meter, since, until, zone)) for meter in meters)
            yield Source(homes=(home for home in homes if home.times), count=len(meters))
        except (SQLAlchemyError, sqlite3.Error) as error:
            first = str(error).splitlines()[0]
            raise SettingsError("ANJU_DATABASE_URL", f"cannot be read: {first}") from error
        finally:
            runner.run(database.close())


def _must_be_there(settings: StoreSettings) -> None:
    """SQLite would make an empty file of a name with a typing error in it."""
    path = settings.database_url.removeprefix("sqlite+aiosqlite:///")
    if settings.is_sqlite and not Path(path).is_file():
        raise SettingsError("ANJU_DATABASE_URL", f"there is no database {path}")


async def _meters(database: Database, area: str | None) -> Sequence[Device]:
    query = select(Device).where(Device.role == ROLE).order_by(Device.id)
    async with database.reading() as session:
        if area is not None:
            top = await session.get(Area, area)
            if top is None:
                raise InvalidInput("--area", f"there is no area {area}")
            inside = select(Area.id).where(Area.path.startswith(top.path, autoescape=True))
            query = query.where(Device.area_id.in_(inside))
        return (await session.scalars(query)).all()


async def _home(
    database: Database, meter: Device, since: datetime, until: datetime, zone: str
) -> Home:
    async with database.reading() as session:
        times, values = await load_series(session, meter.id, REGISTERS[ROLE], since, until)
    view = replace(view_of(meter), zone=zone, resting=False)
    litres = [value * 1000 for value in values]
    return Home(name=meter.id, zone=zone, times=times, litres=litres, device=view)
