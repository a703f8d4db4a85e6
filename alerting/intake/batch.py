"""The working memory of one batch: what is known of its devices, and what came of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerting.detect import DeviceState, dump_state, load_state
from alerting.finding import Finding
from alerting.handling import lessons
from alerting.handling.opening import apply_finding
from alerting.intake import relocated, strangers
from alerting.intake.dedupe import Memory
from alerting.intake.heard import Child, Heard, Ingested, KnownDevice
from alerting.intake.installation_presses import InstallationPresses
from alerting.intake.store import load_children, save_proofs, save_readings, save_states
from alerting.intake.whose import whose_is
from alerting.tables import StreamHint
from core.db import add_hint
from devices.event import DeviceEvent


class Batch:
    """Lives as long as the batch's transaction."""

    def __init__(self, session: AsyncSession, now: datetime, zone: str) -> None:
        self.session, self.now, self.zone = session, now, zone
        self.result = Ingested()
        self.devices: dict[Child, KnownDevice] = {}
        self.states: dict[str, DeviceState] = {}
        self.memory = Memory()
        self.readings: list[tuple[str, str, datetime, float]] = []
        self.strangers: dict[Child, tuple[str, int]] = {}
        self.tests = InstallationPresses(session)
        self.proven: dict[str, datetime] = {}  # device id → when it last showed that it works
        self.elsewhere: dict[Child, relocated.Registered] = {}
        self.relocated: set[Child] = set()

    async def load(self, batch: Sequence[Heard]) -> None:
        """Devices and states in two queries, earlier events in one more where there are any."""
        children: set[Child] = set()
        events: list[tuple[Child, DeviceEvent]] = []
        for heard in batch:
            source_id, decoded = heard.source_id, heard.decoded
            for event in decoded.events:
                events.append(((source_id, event.child_id), event))
                children.add((source_id, event.child_id))
            children.update((source_id, reading.child_id) for reading in decoded.readings)
            children.update((source_id, child_id) for child_id in decoded.heard)
            children.update((source_id, p.child_id) for p in decoded.presences if p.child_id)
            if decoded.culprit is not None:
                children.add((source_id, decoded.culprit))
        self.devices = await load_children(self.session, children, self.zone)
        await self.tests.load(self.devices.values())
        unknown = children - self.devices.keys()
        if unknown:
            self.elsewhere = await relocated.registered_as(self.session, unknown)
        if events:
            await self.memory.load(self.session, events, self.now)

    async def finish(self) -> None:
        """Write everything that was gathered."""
        self.result.rang = self.tests.rang
        await save_readings(self.session, self.readings)
        for device in self.devices.values():
            state = self.states.get(device.id)
            if state is not None:
                device.state = dump_state(state)
        await save_states(self.session, self.devices.values())
        await lessons.learn(self.session)
        await save_proofs(self.session, self.proven)
        if self.strangers:
            await strangers.note_strangers(self.session, self.strangers, self.now)
        for child in sorted(self.relocated):
            asked = await relocated.suspect(self.session, child, self.elsewhere[child], self.now)
            if asked is not None:
                self.result.incidents.append(asked.id)

    def state(self, device: KnownDevice) -> DeviceState:
        state = self.states.get(device.id)
        return load_state(device.state) if state is None else state

    def keep(self, device: KnownDevice, state: DeviceState, judge_at: datetime | None) -> None:
        self.states[device.id] = state
        device.judge_at, device.dirty = judge_at, True

    def stranger(self, child: Child, heard: Heard) -> None:
        self.count_stranger(child, strangers.said(heard.decoded, child[1]))

    def count_stranger(self, child: Child, words: str) -> None:
        self.strangers[child] = (words, self.strangers.get(child, ("", 0))[1] + 1)

    async def apply(
        self, finding: Finding, child: Child, device: KnownDevice | None, at: datetime
    ) -> str | None:
        whose = await whose_is(self.session, child, device, at)
        incident = await apply_finding(self.session, finding, whose, self.now)
        if device is not None:
            hint = StreamHint(topic="device", ref_id=device.id, area_id=whose.area_id, at=self.now)
            add_hint(self.session, hint)
        if incident is None:
            return None
        self.result.incidents.append(incident.id)
        return incident.id
