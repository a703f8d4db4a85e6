"""An invented home's electricity: what is drawn, and the meter that counts it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from alerting.detectors import supply
from alerting.detectors.supply import Power
from alerting.finding import Finding
from tests.detection.support import Watch, device, reading

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
SEED = 3  # goes to the children on one weekend
Draw = Callable[[datetime], float]  # watts drawn from then on


def refrigerator(at: datetime) -> float:
    """100 W for a quarter of every hour, and 6 W that never stop."""
    return 106.0 if at.minute < 15 else 6.0


def kettle_at(*times: tuple[int, int]) -> Draw:
    """The refrigerator, and a kettle of 2 kW for four minutes at each (hour, minute) of a day."""

    def draw(at: datetime) -> float:
        minute = at.hour * 60 + at.minute
        boils = any(0 <= minute - (hour * 60 + first) < 4 for hour, first in times)
        return refrigerator(at) + (2000.0 if boils else 0.0)

    return draw


ORDINARY = kettle_at((6, 40), (11, 10), (14, 50), (19, 20))


def meter(preset: str | None = None, role: str = "electricity_meter", zone: str = "UTC") -> Watch:
    rules = {"no_power_use": {"preset": preset}} if preset else {}
    return Watch(device(role, rules=rules, zone=zone))


class Counter:
    """A home's meter: a register in steps of `step_wh`, read every `every_min`."""

    def __init__(self, watch: Watch, *, every_min: int = 15, step_wh: int = 10) -> None:
        self.watch, self.every_min, self.step_wh = watch, every_min, step_wh
        self.now, self.wh = START, 4_120_000.0
        self.found: list[tuple[datetime, Finding]] = []

    def lives(self, draw: Draw = ORDINARY, *, days: float = 0, h: float = 0) -> list[Finding]:
        """Time passes and readings come; what was found."""
        found = []
        for _ in range(round((days * 24 + h) * 60 / self.every_min)):
            self.draws(draw)
            found += self.reads()
        return found

    def silent(self, draw: Draw, *, h: float) -> None:
        """Time passes without a reading."""
        for _ in range(round(h * 60 / self.every_min)):
            self.draws(draw)

    def draws(self, draw: Draw) -> None:
        """The time until the next reading passes."""
        for _ in range(self.every_min):
            self.wh += draw(self.now) / 60
            self.now += timedelta(minutes=1)

    def reads(self, late: timedelta = timedelta()) -> list[Finding]:
        said = [(self.now, reading("energy_total", self.kwh, "kWh"))]
        found = self.watch.hears(said, self.now + late)
        self.found += [(self.now, one) for one in found]
        return list(found)

    @property
    def kwh(self) -> float:
        """What the register shows."""
        return int(self.wh) // self.step_wh * self.step_wh / 1000

    @property
    def power(self) -> Power:
        part = self.watch.state.power
        assert part is not None
        return part

    @property
    def active_at(self) -> datetime | None:
        at = supply.last_activity(self.power)
        return datetime.fromtimestamp(at, UTC) if at else None

    @property
    def doubt(self) -> str:
        return supply.doubt(self.power, self.watch.device.role)


class Samples(Counter):
    """A device without a counter: it samples the power."""

    def draws(self, draw: Draw) -> None:
        self.now += timedelta(minutes=self.every_min)
        self.watts = draw(self.now)

    def reads(self, late: timedelta = timedelta()) -> list[Finding]:
        said = [(self.now, reading("power", self.watts, "W"))]
        return list(self.watch.hears(said, self.now + late))


def known(home: Counter, days: int = 10) -> Counter:
    """The same, once it has been lived in for so many days; it is midnight."""
    home.lives(days=days)
    return home


def kinds(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.kind, one.sign.value) for one in found]
