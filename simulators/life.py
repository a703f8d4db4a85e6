"""What goes on in the town: meters report, devices show that they live, the script is played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from core.clock import Clock
from simulators.devices import Fleet, Heard
from simulators.homes import BRIDGE_PREFIX
from simulators.messages import (
    Outgoing,
    native_status,
    native_telemetry,
    zigbee_availability,
    zigbee_bridge_state,
    zigbee_inventory,
    zigbee_state,
)
from simulators.meters import Meters, rssi
from simulators.scenario import Scenario, Step
from simulators.town import DemoDevice, DemoHome, Town

_READING_S, _HEARTBEAT_S, _TICK_S = 60.0, 600.0, 0.5
_FULL, _FLAT = 96, 6  # battery, %
_STAGES = {
    "acknowledged": ("值班员已接单", "the desk has taken it"),
    "accepted": ("有人正在赶来", "help is coming"),
    "open": ("重新等待接单", "waiting for somebody again"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One line of the live view."""

    at: datetime
    device_id: str
    home: int | None
    zh: str
    en: str
    kind: Literal["script", "reading", "alive", "ack", "heard"]


class TownLife:
    """Publishes, by its clock, everything that the town's devices have to say."""

    def __init__(
        self,
        town: Town,
        scenario: Scenario,
        meters: Meters,
        fleet: Fleet,
        clock: Clock,
    ) -> None:
        """Nothing happens before `announce`, `start_script` and `tick` or `live` are called."""
        self.town, self.scenario, self._meters = town, scenario, meters
        self._fleet, self._clock = fleet, clock
        self.on_happening: Callable[[Happening], None] = lambda _: None
        self._ticked = clock.now()
        self._started: datetime | None = None
        self._played = 0  # steps of the script
        self._gone: set[str] = set()  # devices that are offline
        self._smoking: set[str] = set()
        self._flat: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()
        self.untold: set[str] = set()  # meters whose past is still on its way: they wait with news

    @property
    def upcoming(self) -> tuple[tuple[datetime, Step], ...]:
        """What the script does next, and when; nothing before `start_script`."""
        if self._started is None:
            return ()
        return tuple((self._started + step.at, step) for step in self.scenario.step[self._played :])

    async def announce(self) -> None:
        """Every device and the bridge say that they are there (retained)."""
        now = self._clock.now()
        for home in self.town.homes:
            for device in home.devices:
                if device.child is None:
                    await self._fleet.publish(native_status(device.id, online=True, at=now))
        await self._fleet.publish(zigbee_bridge_state(BRIDGE_PREFIX, online=True))
        await self._fleet.publish(zigbee_inventory(BRIDGE_PREFIX, self.town.zigbee_children()))
        for child in self.town.zigbee_children():
            await self._fleet.publish(zigbee_availability(BRIDGE_PREFIX, child.name, online=True))

    def start_script(self) -> None:
        """From now on the script's times count."""
        self._started = self._clock.now()

    async def tick(self) -> None:
        """Everything that is due by the clock's present and was not yet done."""
        now, before = self._clock.now(), self._ticked
        self._ticked = now
        while self.upcoming and self.upcoming[0][0] <= now:
            step = self.upcoming[0][1]
            self._played += 1
            await self._play(step, now)
        for home in self.town.homes:
            every_s = home.meter.every_h * 3600.0 if home.meter.every_h > 1 else _READING_S
            if _fell_due(before, now, every_s, home.number * _READING_S / 40):
                await self._read_meter(home, now)
            for index, device in enumerate(home.devices):
                offset = home.number * _HEARTBEAT_S / 40 + index * 5
                if _fell_due(before, now, _HEARTBEAT_S, offset):
                    await self._show_alive(home, device)

    async def told(self, meters: set[str]) -> None:
        """The past of these meters is known: they speak of the present, once at once."""
        done = meters & self.untold
        self.untold -= done
        for home in self.town.homes:
            if home.water_meter in done and home.meter.every_h == 1:
                await self._read_meter(home, self._clock.now())

    async def live(self) -> None:
        """Tick until cancelled."""
        try:
            while True:
                await self.tick()
                await asyncio.sleep(_TICK_S)
        finally:
            for task in self._running:
                task.cancel()

    def heard(self, word: Heard) -> None:
        """A device was told something about its incident: the fleet's `on_heard`."""
        zh, en = _STAGES.get(word.stage, (word.stage, word.stage))
        self._say(word.device_id, f"按钮灯：{zh}", f"light on the device: {en}", "heard")

    # -- inside -------------------------------------------------------------------------------

    async def _read_meter(self, home: DemoHome, now: datetime) -> None:
        if home.water_meter in self._gone or home.water_meter in self.untold:
            return
        await self._fleet.publish(self._meters.live(home, now))
        cubic = f"{self._meters.register_l(home, now) / 1000:.3f} m³"
        self._say(home.water_meter, f"水表 {cubic}", f"water {cubic}", "reading")

    async def _show_alive(self, home: DemoHome, device: DemoDevice) -> None:
        if device.id in self._gone or device.role == "water_meter":
            return
        if device.child is not None:
            await self._fleet.publish(self._child_state(device))
        else:
            message = native_telemetry(
                device.id,
                [],
                message_id=f"alive-{int(self._clock.now().timestamp())}",
                battery_pct=self._battery(device),
                rssi_dbm=rssi(home),
            )
            await self._fleet.publish(message)
        self._say(device.id, f"电量 {self._battery(device)} %", "still there", "alive")

    async def _play(self, step: Step, now: datetime) -> None:
        device = self.town.device(step.device)
        if device is None:
            return
        self._say(device.id, step.zh, step.en, "script")
        if step.does in ("offline", "online"):
            await self._come_or_go(device, step.does == "online", now)
            return
        if step.does == "smoke":
            self._smoking.add(device.id)
        elif step.does == "smoke_clear":
            self._smoking.discard(device.id)
        elif step.does == "battery_low":
            self._flat.add(device.id)
        if device.child is not None:
            await self._play_child(step, device)
        else:
            self._report(device, "sos" if step.does == "press" else step.does)

    async def _play_child(self, step: Step, device: DemoDevice) -> None:
        if step.does == "press":  # as Tuya buttons do: the action, then an empty one
            await self._fleet.publish(self._child_state(device, action="emergency"))
            await self._fleet.publish(self._child_state(device, action=""))
        else:
            await self._fleet.publish(self._child_state(device))

    def _report(self, device: DemoDevice, kind: str) -> None:
        """Report an event and insist in the background, while life goes on."""

        async def insist() -> None:
            receipt = await self._fleet.report(device.id, kind, {"room": device.room})
            times = f"{receipt.waited_s:.1f} s"
            if receipt.accepted:
                self._say(
                    device.id, f"安居已收到并存好（{times}）", f"stored by Anju ({times})", "ack"
                )
            else:
                self._say(device.id, "一天没有收到确认", "no ack in a day", "ack")

        task = asyncio.create_task(insist(), name=f"{device.id} {kind}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _come_or_go(self, device: DemoDevice, online: bool, now: datetime) -> None:
        if online:
            self._gone.discard(device.id)
        else:
            self._gone.add(device.id)
        if device.child is not None:
            message = zigbee_availability(BRIDGE_PREFIX, device.child.name, online=online)
        else:
            message = native_status(device.id, online=online, at=now)
        await self._fleet.publish(message)

    def _child_state(self, device: DemoDevice, **fields: object) -> Outgoing:
        assert device.child is not None
        state: dict[str, object] = {"battery": self._battery(device), "linkquality": 120}
        if device.role == "smoke_detector":
            state["smoke"] = device.id in self._smoking
            state["battery_low"] = device.id in self._flat
        return zigbee_state(BRIDGE_PREFIX, device.child.name, state | fields)

    def _battery(self, device: DemoDevice) -> int:
        return _FLAT if device.id in self._flat else _FULL

    def _say(
        self,
        device_id: str,
        zh: str,
        en: str,
        kind: Literal["script", "reading", "alive", "ack", "heard"],
    ) -> None:
        home = self.town.home_of(device_id)
        self.on_happening(
            Happening(
                at=self._clock.now(),
                device_id=device_id,
                home=home.number if home else None,
                zh=zh,
                en=en,
                kind=kind,
            )
        )


def _fell_due(before: datetime, now: datetime, every_s: float, offset_s: float) -> bool:
    """Was there a moment `offset_s` into a period of `every_s` after `before`, up to `now`?"""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)

    def periods(at: datetime) -> float:
        return ((at - epoch).total_seconds() - offset_s) // every_s

    return periods(now) > periods(before)
