"""A batch of decoded messages becomes readings, states, events, incidents: one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from alerting.commands import note_result
from alerting.detect import DeviceState, alive, dump_state, judge, load_state
from alerting.detectors.assessable import REGISTERS
from alerting.detectors.electric import ROLES, absurd, set_aside
from alerting.detectors.liveness import (
    judge_presence,
    learn_interval,
    offline_grace,
    silent_after,
)
from alerting.detectors.view import DEFAULT_ZONE, DeviceView
from alerting.finding import Finding, Sign
from alerting.handling.opening import apply_finding
from alerting.intake import held_back, relocated, strangers
from alerting.intake.bridges import bridge_changed
from alerting.intake.dedupe import Memory, digest
from alerting.intake.doubts import from_stranger, id_reused, unread, with_clock_fault
from alerting.intake.heard import Child, Heard, Ingested, KnownDevice, Receipt
from alerting.intake.store import load_children, save_proofs, save_readings, save_states
from alerting.intake.test_presses import TestPresses
from alerting.intake.throttle import Folded, TooTalkative
from alerting.intake.whose import whose_is
from alerting.tables import EventRow, QuarantineRow, StreamHint
from care.tables import NATIVE_SOURCE, Source
from core.db import add_hint
from core.metrics import QUARANTINED
from devices.event import (
    CLEARING_KINDS,
    LIFE_SAFETY_KINDS,
    DeviceEvent,
    Presence,
    Reading,
)
from devices.times import settle

KEPT_PAYLOAD = 4096
PROVING_KINDS = LIFE_SAFETY_KINDS | {"test"}
"""What shows that an alarm device still does what it is there for: an alarm, or a test of it."""
_QUIET_KINDS = frozenset(CLEARING_KINDS) | {"heartbeat"}


async def ingest(
    session: AsyncSession,
    batch: Sequence[Heard],
    now: datetime,
    *,
    zone: str = DEFAULT_ZONE,
    folded: Sequence[Folded] = (),
    talkative: Sequence[TooTalkative] = (),
) -> Ingested:
    """Take in one batch, in order of arrival. Nothing here commits or sends.

    `zone` is the homes', which says when it is night there. `folded` and `talkative` are what the
    throttle held back of this batch.
    """
    work = _Batch(session, now, zone)
    held = [*(one.last for one in folded), *(one.last for one in talkative)]
    await work.load([*batch, *held])
    for heard in batch:
        await work.take(heard)
    for one in folded:
        await work.fold(one)
    await work.complain(talkative)
    await work.finish()
    return work.result


class _Batch:
    """The working memory of one batch; lives as long as its transaction."""

    def __init__(self, session: AsyncSession, now: datetime, zone: str) -> None:
        self.session, self.now, self.zone = session, now, zone
        self.result = Ingested()
        self.devices: dict[Child, KnownDevice] = {}
        self.states: dict[str, DeviceState] = {}
        self.memory = Memory()
        self.readings: list[tuple[str, str, datetime, float]] = []
        self.strangers: dict[Child, tuple[str, int]] = {}
        self.tests = TestPresses(session)
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
        await self.tests.load()
        unknown = children - self.devices.keys()
        if unknown:
            self.elsewhere = await relocated.registered_as(self.session, unknown)
        if events:
            await self.memory.load(self.session, events, self.now)

    async def take(self, heard: Heard) -> None:
        """One message: events first, they are what cannot wait."""
        decoded, source_id = heard.decoded, heard.source_id
        for event in decoded.events:
            await self._event(heard, event)
        if decoded.readings:
            await self._readings(heard)
        for child_id in decoded.heard:
            await self._alive(source_id, child_id, heard)
        for presence in decoded.presences:
            await self._presence(source_id, presence, heard.message.received_at)
        if decoded.inventory:
            await strangers.take_inventory(self.session, source_id, decoded.inventory, self.now)
        if decoded.quarantined is not None:
            await self._quarantine(heard, decoded.quarantined)
        if self.elsewhere and not heard.message.retained:
            self.relocated |= relocated.speakers(source_id, decoded) & self.elsewhere.keys()

    async def fold(self, folded: Folded) -> None:
        """Alarms that were too many: a count beside their running incident. Where none is running
        any more, the last of them is an alarm like any other."""
        child = folded.child
        device, at = self.devices.get(child), folded.last.message.received_at
        whose = await whose_is(self.session, child, device, at)
        if await held_back.count_folded(self.session, folded, folded.count, whose, self.now):
            return
        await self.take(folded.last)
        if folded.count > 1:
            more = folded.count - 1
            await held_back.count_folded(self.session, folded, more, whose, self.now)

    async def complain(self, talkative: Sequence[TooTalkative]) -> None:
        """Devices that said more than they may, once an hour each."""
        for said in talkative:
            device = self.devices.get(said.child)
            if device is not None:
                finding = held_back.too_talkative(said, self.now)
                await self._apply(finding, said.child, device, self.now)
        self.session.add_all(held_back.of_strangers(talkative, self.devices))

    async def finish(self) -> None:
        """Write everything that was gathered."""
        self.result.rang = self.tests.rang
        await save_readings(self.session, self.readings)
        for device in self.devices.values():
            state = self.states.get(device.id)
            if state is not None:
                device.state = dump_state(state)
        await save_states(self.session, self.devices.values())
        await save_proofs(self.session, self.proven)
        if self.strangers:
            await strangers.note_strangers(self.session, self.strangers, self.now)
        for child in sorted(self.relocated):
            asked = await relocated.suspect(self.session, child, self.elsewhere[child], self.now)
            if asked is not None:
                self.result.incidents.append(asked.id)

    # ── events ────────────────────────────────────────────────────────────────────────────────

    async def _event(self, heard: Heard, event: DeviceEvent) -> None:
        child = (heard.source_id, event.child_id)
        device = self.devices.get(child)
        received_at = heard.message.received_at
        was_silent = device is not None and device.online is False
        if device is not None:
            await self._heard_from(device, received_at)
        else:
            self._stranger(child, heard)
        if heard.source_id == NATIVE_SOURCE and event.event_id is not None:
            self.result.receipts.append(Receipt(device_id=event.child_id, event_id=event.event_id))
        mark = digest(event)
        enrolled_at = device.view.enrolled_at if device else None
        verdict = self.memory.judge(child, event, mark, received_at, enrolled_at)
        if verdict.is_duplicate:
            self.result.duplicates += 1
            return
        if event.kind == "command_result" and device is not None:
            await note_result(self.session, device.id, event, self.now)
        settled = settle(event.at, received_at, not_before=enrolled_at)
        if device is not None and event.kind in PROVING_KINDS and not event.retained:
            self.proven[device.id] = settled.at
        found = self._judge(device, event, settled.at)
        if settled.clock_fault is not None:
            found = tuple(with_clock_fault(finding, settled.clock_fault) for finding in found)
        if verdict.id_reused and device is not None:
            found = (*found, id_reused(event, self.now))
        data = event.data
        if device is None:
            found = tuple(relocated.named(one, self.elsewhere.get(child)) for one in found)
        else:
            found, test_id = await self.tests.press(device, heard, event, found)
            data = event.data if test_id is None else {**event.data, "installation_test": test_id}
            found += await relocated.in_cell(
                self.session, device, event, settled.at, after_silence=was_silent
            )
        touched = [await self._apply(finding, child, device, settled.at) for finding in found]
        incident_id = next((ident for ident in touched if ident is not None), None)
        is_quiet = event.kind in _QUIET_KINDS and event.event_id is None and not event.retained
        if is_quiet and incident_id is None:
            return  # a bridge repeats "all is well" with every update: the state says it already
        self.memory.remember(child, event, mark, received_at)
        self.session.add(
            EventRow(
                source_id=heard.source_id,
                child_id=event.child_id,
                device_id=device.id if device else None,
                event_id=event.event_id,
                digest=mark,
                kind=event.kind,
                at=settled.at,
                received_at=received_at,
                retained=event.retained,
                late_s=int(settled.late_s),
                data=data,
                incident_id=incident_id,
            )
        )

    def _judge(
        self, device: KnownDevice | None, event: DeviceEvent, at: datetime
    ) -> tuple[Finding, ...]:
        if device is None:
            view = DeviceView(id=event.child_id, role=None, family="")
            found = judge(DeviceState(), [(at, event)], view, self.now).findings
            return tuple(map(from_stranger, (f for f in found if f.kind in LIFE_SAFETY_KINDS)))
        state = self._state(device)
        judged = judge(state, [(at, event)], device.view, self.now)
        self._keep(device, judged.state, judged.judge_at)
        if event.data.get("level"):
            # A press told as a lasting state is re-stated in every later message (Zigbee2MQTT).
            return tuple(
                replace(f, sign=Sign.HELD) if f.sign is Sign.EDGE else f for f in judged.findings
            )
        return judged.findings

    # ── readings ──────────────────────────────────────────────────────────────────────────────

    async def _readings(self, heard: Heard) -> None:
        source_id, received_at = heard.source_id, heard.message.received_at
        said: dict[str, list[tuple[datetime, DeviceEvent | Reading]]] = {}
        unknown: set[str] = set()
        for reading in await self._without_absurd(source_id, heard.decoded.readings):
            device = self.devices.get((source_id, reading.child_id))
            if device is None:
                unknown.add(reading.child_id)
                continue
            at = settle(reading.at, received_at, not_before=device.view.enrolled_at).at
            self.readings.append((device.id, reading.register, at, reading.value))
            if reading.register == "battery_pct":
                device.battery_pct = reading.value
            elif reading.register == "rssi_dbm":
                device.rssi_dbm = reading.value
            said.setdefault(reading.child_id, []).append((at, reading))
        for child_id in unknown - {event.child_id for event in heard.decoded.events}:
            self._stranger((source_id, child_id), heard)
        for child_id, items in said.items():
            device = self.devices[(source_id, child_id)]
            await self._heard_from(device, received_at)
            await self.tests.readings(device, heard, (r for _, r in items if type(r) is Reading))
            judged = judge(self._state(device), items, device.view, self.now)
            self._keep(device, judged.state, judged.judge_at)
            for finding in judged.findings:
                await self._apply(finding, (source_id, child_id), device, finding.at)

    async def _without_absurd(
        self, source_id: str, readings: Sequence[Reading]
    ) -> Sequence[Reading]:
        """Electric figures that no home has are kept under a name that nothing trusts."""
        for child_id in {reading.child_id for reading in readings if reading.register == "voltage"}:
            device = self.devices.get((source_id, child_id))
            if device is None or device.role not in ROLES:
                continue
            finding = absurd(readings, child_id, self.now)
            if finding is not None:
                await self._apply(finding, (source_id, child_id), device, self.now)
                readings = set_aside(readings, child_id)
        return readings

    # ── signs of life ─────────────────────────────────────────────────────────────────────────

    async def _heard_from(self, device: KnownDevice, received_at: datetime) -> None:
        """The device lives: its silence starts anew, and an "offline" is over."""
        device.dirty = True
        was_offline = device.online is False
        before = device.last_heard_at
        if before is None or received_at > before:
            device.interval_s = learn_interval(device.interval_s, before, received_at, device.view)
            device.last_heard_at = received_at
        device.silent_after = silent_after(device.last_heard_at, device.view, device.interval_s)
        if was_offline:
            device.online = True
            await self._back_online(device, received_at)

    async def _back_online(self, device: KnownDevice, at: datetime) -> None:
        cleared = judge_presence(True, at, device.view, self.now)
        await self._apply(cleared, (device.source_id, device.child_id), device, at)

    async def _alive(self, source_id: str, child_id: str, heard: Heard) -> None:
        device = self.devices.get((source_id, child_id))
        if device is None:
            self._stranger((source_id, child_id), heard)
        else:
            await self._heard_from(device, heard.message.received_at)
            if device.role in REGISTERS:  # a sign of life without its register
                judged = alive(self._state(device), device.view, self.now)
                self._keep(device, judged.state, judged.judge_at)
                for finding in judged.findings:
                    await self._apply(finding, (source_id, child_id), device, finding.at)

    async def _presence(self, source_id: str, presence: Presence, received_at: datetime) -> None:
        if presence.child_id is None:
            await self._bridge(source_id, presence, received_at)
            return
        device = self.devices.get((source_id, presence.child_id))
        if device is None:
            words = "online" if presence.online else "offline"
            self._count_stranger((source_id, presence.child_id), words)
        elif presence.online:
            if presence.retained:
                # A retained "online" is the broker's memory, not a word of the device now.
                device.online, device.dirty = True, True
                device.silent_after = device.silent_after or silent_after(
                    device.last_heard_at, device.view, device.interval_s
                )
            else:
                await self._heard_from(device, received_at)
                device.online = True
        elif device.view.supervised:  # of others nobody can say that they are away
            device.dirty = True
            soon = received_at + offline_grace(
                device.last_heard_at, device.view, retained=presence.retained
            )
            if device.silent_after is None or soon < device.silent_after:
                device.silent_after = soon

    async def _bridge(self, source_id: str, presence: Presence, received_at: datetime) -> None:
        """A bridge is gone: all its children are unsupervised, and that is one incident."""
        source = await self.session.get(Source, source_id)
        if source is None or source.online is presence.online:
            return
        await bridge_changed(self.session, source, presence.online, received_at, self.now)

    # ── what cannot be read ───────────────────────────────────────────────────────────────────

    async def _quarantine(self, heard: Heard, reason: str) -> None:
        message, culprit = heard.message, heard.decoded.culprit
        self.session.add(
            QuarantineRow(
                source_id=heard.source_id or None,
                child_id=culprit,
                # Some brokers let a NUL through, and PostgreSQL has no text with one.
                topic=message.topic.replace("\0", "\N{REPLACEMENT CHARACTER}")[:400],
                payload=message.payload[:KEPT_PAYLOAD],
                reason=reason[:100],
                received_at=message.received_at,
            )
        )
        self.result.quarantined += 1
        QUARANTINED.labels(reason.partition(":")[0]).inc()
        if culprit is None or any(e.kind in LIFE_SAFETY_KINDS for e in heard.decoded.events):
            return  # nobody to name, or the alarm was understood and only a detail was not
        child = (heard.source_id, culprit)
        device = self.devices.get(child)
        if device is not None:
            await self._heard_from(device, message.received_at)
        finding = unread(device, message, reason, heard.lane, self.now)
        if finding is not None:
            await self._apply(finding, child, device, message.received_at)

    # ── helpers ───────────────────────────────────────────────────────────────────────────────

    def _state(self, device: KnownDevice) -> DeviceState:
        state = self.states.get(device.id)
        return load_state(device.state) if state is None else state

    def _keep(self, device: KnownDevice, state: DeviceState, judge_at: datetime | None) -> None:
        self.states[device.id] = state
        device.judge_at, device.dirty = judge_at, True

    def _stranger(self, child: Child, heard: Heard) -> None:
        self._count_stranger(child, strangers.said(heard.decoded, child[1]))

    def _count_stranger(self, child: Child, words: str) -> None:
        self.strangers[child] = (words, self.strangers.get(child, ("", 0))[1] + 1)

    async def _apply(
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
