"""The open installation tests of one batch: one press is the test, all others are alarms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alerting import commissioning
from alerting.commissioning import READING, Press, Verdict, Window, accepted
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from alerting.fleet import testing
from alerting.handling.current import running_incident
from alerting.intake.heard import Heard, KnownDevice
from alerting.intake.whose import whose_is
from alerting.telling.drills import ring
from care.tables import DeviceTest
from devices.event import CLEARING_KINDS, LEVEL_KINDS, DeviceEvent, Reading

Findings = tuple[Finding, ...]


class InstallationPresses:
    """Lives as long as its batch's transaction. Nearly always empty."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._open: dict[str, DeviceTest] = {}
        self.rang = False

    async def load(self, devices: Iterable[KnownDevice]) -> None:
        """The tests of those devices that have one; loading a device told whether it has."""
        tested = [device.id for device in devices if device.is_tested]
        if not tested:
            return
        query = select(DeviceTest).where(
            DeviceTest.device_id.in_(tested), DeviceTest.ended_at.is_(None)
        )
        self._open = {row.device_id: row for row in await self._session.scalars(query)}

    async def press(
        self, device: KnownDevice, heard: Heard, event: DeviceEvent, found: Findings
    ) -> tuple[Findings, str | None]:
        """What remains to be acted on, and the test's id when this event is its press."""
        row = self._open.get(device.id)
        if row is None:
            return found, None
        if row.consumed_at is not None:
            return await self._while_level_lasts(row, heard.message.received_at, event, found), None
        press = Press(
            kind=_kind_in(heard, event, row.kind),
            received_at=heard.message.received_at,
            at=event.at,
            retained=event.retained or _is_old(heard),
            was_on=await self._was_on(device, heard, event, found),
        )
        level = commissioning.level_of(event.kind, told_as_level=bool(event.data.get("level")))
        said = {"said": event.kind, "level": level, "delay_s": _delay_s(press)}
        if not await self._judge(row, device, press, said):
            return found, None
        return tuple(one for one in found if one.kind != row.kind), row.id

    async def _was_on(
        self, device: KnownDevice, heard: Heard, event: DeviceEvent, found: Findings
    ) -> bool:
        """Said again, not begun. A press told as a level is remembered by no detector, but by its
        incident while that runs and the device has not taken it back."""
        if event.kind in LEVEL_KINDS:
            return not _rises(found, event.kind)
        severity = SEVERITY_OF_KIND.get(event.kind)
        if severity is None or not event.data.get("level"):
            return False
        child = (device.source_id, device.child_id)
        whose = await whose_is(self._session, child, device, heard.message.received_at)
        running = await running_incident(self._session, whose, event.kind, severity)
        return running is not None and whose.child in running.alarming

    async def readings(
        self, device: KnownDevice, heard: Heard, readings: Iterable[Reading]
    ) -> None:
        """A meter's own registers are its press; dated back or not, it spoke just now."""
        row = self._open.get(device.id)
        if row is None or row.consumed_at is not None or row.kind != READING:
            return
        proof = next(
            (r for r in readings if commissioning.proves_reading(device.role, r.register)), None
        )
        if proof is None:
            return
        at = heard.message.received_at
        press = Press(kind=READING, received_at=at, retained=_is_old(heard))
        said = f"{proof.register}={proof.value:g} {proof.unit}"
        await self._judge(row, device, press, {"said": said})

    async def _judge(
        self, row: DeviceTest, device: KnownDevice, press: Press, data: dict[str, Any]
    ) -> bool:
        window = Window(kind=row.kind, opened_at=row.opened_at, expires_at=row.expires_at)
        verdict = commissioning.judge_press(window, press)
        if verdict is Verdict.PASSED:
            kept = {name: value for name, value in data.items() if value is not None}
            at = press.received_at
            if await testing.consume(self._session, row, device.id, at, kept):
                await ring(self._session, row, at)
                self.rang = True
                if row.ended_at is not None:
                    del self._open[device.id]
                return True
            del self._open[device.id]
        elif verdict is not Verdict.AFTER:
            # For the tester, who pressed and wonders why nothing turned green.
            other = {"said": data["said"], "at": press.received_at.isoformat(), "why": verdict}
            row.data = {**row.data, "other": other}
        return False

    async def _while_level_lasts(
        self, row: DeviceTest, at: datetime, event: DeviceEvent, found: Findings
    ) -> Findings:
        """The level that was the press is no news while it lasts, for LEVEL_ENDS_WITHIN; smoke
        that grows denser is, and so is everything after the level's first end."""
        level = row.data.get("level")
        if CLEARING_KINDS.get(event.kind) == level:
            await self._end(row, at)
            return found
        if event.kind != level:
            return found
        if at < row.expires_at:
            return tuple(one for one in found if one.kind != level or one.sign is not Sign.HELD)
        await self._end(row, at)
        return tuple(
            replace(one, sign=Sign.ROSE) if one.kind == level and one.sign is Sign.HELD else one
            for one in found
        )

    async def _end(self, row: DeviceTest, at: datetime) -> None:
        await testing.end_if(self._session, row, ended_at=at)
        self._open.pop(row.device_id, None)


def _is_old(heard: Heard) -> bool:
    """The broker had it in its memory, or kept it while we were away: it may have been said before
    anybody opened a window, and then it was no test."""
    return heard.message.retained or heard.kept


def _delay_s(press: Press) -> float | None:
    """From the press, by the device's clock, to its arrival; None where it does not say."""
    if press.at is None or press.at > press.received_at:
        return None
    return round((press.received_at - press.at).total_seconds(), 1)


def _rises(found: Findings, kind: str) -> bool:
    return any(one.kind == kind and one.sign is Sign.ROSE for one in found)


def _kind_in(heard: Heard, event: DeviceEvent, awaited: str) -> str:
    """A message that says both `test` and the alarm itself is one press: the alarm's."""
    kinds = {other.kind for other in heard.decoded.events}
    if event.kind == "test" and event.kind in accepted(awaited) and awaited in kinds:
        return ""
    return event.kind
