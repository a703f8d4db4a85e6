"""Hands watch rules down to the devices they concern, a few homes at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from alerting.fleet.rebuilding import rebuild
from alerting.fleet.warming import NOT_AGAIN_FOR, cold_meters
from alerting.handling.absences import counting_anew
from care.handing_down import MOST_AT_ONCE, outdated, refresh_homes, rule_of
from care.tables import Home, WatchRule
from care.watch_rules import home_ids_after, mark_applied, next_to_apply
from core.logging import get_logger
from core.services import Services

log = get_logger("rules")

RULES_EVERY_S = 60.0
MEND_EVERY = timedelta(minutes=10)


class RuleKeeper:
    """Rules that came into force or ended are told to their devices.

    A rule is marked only when all its homes were told. Whatever ends the process before begins
    it again, and telling a device what it knows changes nothing.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._mended_at: datetime | None = None

    async def step(self) -> int:
        """Everything that is due; returns how many devices were told something new."""
        told = 0
        while (rule := await self._next()) is not None:
            told += await self._hand_down(rule)
        now = self._services.clock.now()
        if self._mended_at is None or now - self._mended_at >= MEND_EVERY:
            told += await self._mend()
            self._mended_at = now
        return told

    async def _next(self) -> WatchRule | None:
        async with self._services.db.reading() as session:
            return await next_to_apply(session, self._services.clock.now())

    async def _hand_down(self, row: WatchRule) -> int:
        services, rule = self._services, rule_of(row)
        told, after = 0, ""
        while True:
            async with services.db.reading() as session:
                ids = await home_ids_after(session, rule, after, MOST_AT_ONCE)
            if not ids:
                break
            told += await self._tell(ids)
            await self._warm(ids)
            after = ids[-1]
        async with services.db.transaction(patient=True) as session:
            await mark_applied(session, row, services.clock.now())
        log.info("rule handed down", rule=row.id, devices=told)
        return told

    async def _tell(self, ids: Sequence[str]) -> int:
        async with self._services.db.transaction(patient=True) as session:
            now = self._services.clock.now()
            async with counting_anew(session, ids, now):  # where a place forgot who is back
                return await refresh_homes(session, ids, now)

    async def _warm(self, ids: Sequence[str], unless_since: datetime | None = None) -> None:
        """Meters that became adaptive learn from their readings, each by itself."""
        services = self._services
        async with services.db.reading() as session:
            cold = await cold_meters(session, ids, unless_since=unless_since)
        for device_id in cold:
            try:
                zone = services.settings.timezone
                await rebuild(services.db, device_id, services.clock, zone=zone)
            except Exception:  # it is watched all the same, as a new home is
                log.exception("meter not warmed up", device=device_id)

    async def _mend(self) -> int:
        """Homes whose devices were told something else, for whatever reason."""
        services = self._services
        told, after = 0, ""
        while True:
            async with services.db.reading() as session:
                page = select(Home.id).where(Home.id > after).order_by(Home.id)
                ids = (await session.scalars(page.limit(MOST_AT_ONCE))).all()
                differs = bool(await outdated(session, ids, services.clock.now()))
            if not ids:
                return told
            if differs:
                told += await self._tell(ids)
            await self._warm(ids, unless_since=services.clock.now() - NOT_AGAIN_FOR)
            after = ids[-1]
            await asyncio.sleep(0)
