"""Tells meters, a few homes at a time, that their water does not come, or that it does again.

Once a minute it also asks whether it stopped somewhere and nobody said so.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alerting.detectors.view import seconds
from alerting.handling.interrupted import announce, tell_homes
from alerting.handling.suspecting import act, areas_to_look_at, meters_of
from alerting.simultaneous import together
from care import interruptions
from care.handing_down import MOST_AT_ONCE
from care.tables import Interruption
from core.logging import get_logger
from core.services import Services

log = get_logger("interruptions")

SUPPLY_EVERY_S = 10.0
LOOK_EVERY = timedelta(minutes=1)


class SupplyKeeper:
    """Interruptions that began, ended or were changed are told to their devices.

    One is marked only when all its homes were told. Whatever ends the process before begins it
    again, and telling a device what it knows changes nothing.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looked_at: datetime | None = None

    async def step(self) -> int:
        """Everything that is due; returns how many devices were told something new."""
        told = 0
        while (row := await self._next()) is not None:
            told += await self._hand_down(row)
        now = self._services.clock.now()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            await self.suspect()
        return told

    async def suspect(self) -> list[str]:
        """Areas whose homes stand still together; ids of the suspicions that changed."""
        services = self._services
        async with services.db.reading() as session:
            now = services.clock.now()
            areas = await areas_to_look_at(session, now)
            meters = await meters_of(session, areas, now) if areas else ()
        if not meters:
            return []
        said = together(meters, seconds(now))
        async with services.db.transaction(patient=True) as session:
            return await act(session, meters, said, now)

    async def _next(self) -> Interruption | None:
        """Ends what is over first: what holds is asked again of the row as it then stands."""
        services = self._services
        async with services.db.reading() as session:
            row = await interruptions.next_due(session, services.clock.now())
        if row is None or row.until is None or row.state != "recorded":
            return row
        if row.until > services.clock.now():
            return row
        async with services.db.transaction() as session:
            await interruptions.pass_date(session, row.id, services.clock.now())
            return await session.get_one(Interruption, row.id)

    async def _hand_down(self, row: Interruption) -> int:
        services, told, after = self._services, 0, ""
        while True:
            async with services.db.reading() as session:
                ids = await interruptions.home_ids_after(session, row.area_id, after, MOST_AT_ONCE)
            if not ids:
                break
            async with services.db.transaction(patient=True) as session:
                told += await tell_homes(session, row, ids, services.clock.now())
            after = ids[-1]
        async with services.db.transaction(patient=True) as session:
            await interruptions.mark_told(session, row)
            announce(session, row, services.clock.now())
        log.info("interruption handed down", interruption=row.id, state=row.state, devices=told)
        return told
