"""Devices behind bridges and servers, as they are found in homes; for stories of fleets.

Stories share one world, which takes longer to build than any of them to tell. Each has a home, and
sources below a topic prefix, of its own, and looks at nobody else's incidents. The ladder does not
run: it would go on for every story told before.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import func, or_, select

from alerting.intake import watching
from alerting.tables import EventRow, Incident, ReadingRow
from care.tables import Device
from devices.registry import FAMILIES
from gateway.pipeline import Handled
from tests.support.world import World

_places = count(1)


class Fleet:
    """One home, and whatever sources and devices its story gives it."""

    def __init__(self, world: World, elder: dict[str, Any]) -> None:
        self.world, self.home_id = world, str(elder["home_id"])
        self._place = f"place{next(_places)}"
        self._sources: dict[str, str] = {}
        self._devices = 0

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    async def add(self, family: str, child: str, role: str) -> str:
        """Register `child` of a source of that family; returns the device's id."""
        if family not in self._sources:
            prefix = f"{self._place}/{FAMILIES[family].default_prefix}"
            source = {"name": self._place, "family": family, "prefix": prefix}
            self._sources[family] = (await self.world.admin.post("sources", source))["id"]
        self._devices += 1
        device = {
            "id": f"{self._place}-{self._devices}",
            "family": family,
            "source_id": self._sources[family],
            "child_id": child,
            "role": role,
            "home_id": self.home_id,
        }
        return str((await self.world.admin.post("devices", device))["id"])

    async def says(self, topic: str, payload: Any, *, retained: bool = False) -> Handled:
        """A message comes in; its topic is written as below the family's default prefix."""
        return await self.world.hears(f"{self._place}/{topic}", payload, retained=retained)

    async def passes(self, **span: float) -> None:
        """Time goes by in which we listened; silent devices are judged, as the watcher does."""
        self.world.clock.advance(**span)
        async with self.world.services.db.transaction() as session:
            due = await watching.due_devices(session, self.now, judge_silent=True)
            await watching.watch(session, due, self.now, judge_silent=True)

    async def incidents(self, kind: str = "", stage: str = "") -> list[Incident]:
        """Those of this home and of its sources, the oldest first."""
        mine = or_(Incident.home_id == self.home_id, Incident.source_id.in_(self._sources.values()))
        async with self.world.services.db.reading() as session:
            rows = await session.scalars(
                select(Incident).where(mine).order_by(Incident.opened_at, Incident.kind)
            )
            return [
                row
                for row in rows
                if row.kind == (kind or row.kind) and row.stage == (stage or row.stage)
            ]

    async def incident(self, kind: str = "", stage: str = "") -> dict[str, Any]:
        """The only one there is, whole, as a duty officer reads it."""
        found = await self.incidents(kind, stage)
        assert len(found) == 1, [(each.kind, each.stage) for each in found]
        whole: dict[str, Any] = await self.world.admin.get(f"incidents/{found[0].id}")
        return whole

    async def stored(self, kind: str = "") -> Incident:
        (row,) = await self.incidents(kind)
        return row

    async def kinds(self) -> list[str]:
        return sorted(each.kind for each in await self.incidents())

    async def ends(self, kind: str) -> None:
        """People handled the open incident of that kind and recorded an outcome."""
        (row,) = await self.incidents(kind, "open")
        await self.world.admin.post(f"incidents/{row.id}/acknowledge")
        outcome = {"outcome": "false_alarm", "reason": "电话核实"}
        await self.world.admin.post(f"incidents/{row.id}/outcome", outcome)

    async def events(self) -> int:
        """How many events were kept."""
        async with self.world.services.db.reading() as session:
            mine = EventRow.source_id.in_(self._sources.values())
            found = await session.scalar(select(func.count()).select_from(EventRow).where(mine))
            return int(found or 0)

    async def readings(self, device: str, register: str) -> list[float]:
        """The values of a register in order of time."""
        return [value for _, value in await self.dated(device, register)]

    async def dated(self, device: str, register: str) -> list[tuple[datetime, float]]:
        async with self.world.services.db.reading() as session:
            rows = await session.execute(
                select(ReadingRow.at, ReadingRow.value)
                .where(ReadingRow.device_id == device, ReadingRow.register == register)
                .order_by(ReadingRow.at)
            )
            return [(at, value) for at, value in rows]

    async def device(self, ident: str) -> Device:
        row: Device = await self.world.row(Device, ident)
        return row
