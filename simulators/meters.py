"""Every water meter of the town: 35 days of history, and what it shows now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from simulators.messages import DEVICE_ZONE, Measured, Outgoing, native_telemetry
from simulators.scenario import Scenario
from simulators.town import DemoHome, Town
from simulators.water import WaterMeter

HISTORY_DAYS = 35
CALM_DAYS = 3
"""Nobody is away in the last days before the demo: only the script may raise an alarm."""

_BATTERY_PCT = 94
_UNREAD = timedelta(hours=-2, minutes=-5)


class Meters:
    """The meters of all homes, with what the scenario says happened to them before."""

    def __init__(
        self,
        town: Town,
        scenario: Scenario,
        began: datetime,
        *,
        zone: ZoneInfo = DEVICE_ZONE,
        last_uses: Mapping[str, datetime] | None = None,
    ) -> None:
        """`began`: when the demo was first started; the meters were installed 35 days before.

        `last_uses`: meters by which water was used at that moment and not since.
        """
        self._last_uses = dict(last_uses or {})
        self._town, self._zone = town, zone
        self._first_day = began.astimezone(zone).date()
        # The last hour's reading is 45 minutes old when the demo begins, whenever that is: an
        # open tap, which is judged by the hour, is then found at the same point of the script.
        self._minute = (began + timedelta(minutes=15)).minute
        self._began = began
        self._unread = {past.device for past in scenario.before if past.does == "passed_limit"}
        self._special = {past.device for past in scenario.before} | set(self._last_uses)
        self._meters = {home.number: self._meter(home, scenario, began) for home in town.homes}

    def register_l(self, home: DemoHome, at: datetime) -> int:
        """What a home's meter shows at `at`, in litres."""
        return self._meters[home.number].register_l(at)

    def live(self, home: DemoHome, at: datetime) -> Outgoing:
        """The message with one reading, taken at `at`."""
        return native_telemetry(
            home.water_meter,
            [_measured(self.register_l(home, at), at)],
            message_id=f"live-{int(at.timestamp())}",
            battery_pct=_BATTERY_PCT,
            rssi_dbm=rssi(home),
        )

    def history(self, until: datetime, days: int = HISTORY_DAYS) -> Iterator[Outgoing]:
        """Hourly readings up to `until`, one message a home and day, oldest first in each home.

        Homes with a past of their own come first: what is wrong there is found soonest.
        """
        today = until.astimezone(self._zone).date()
        for home in sorted(
            self._town.homes, key=lambda home: home.water_meter not in self._special
        ):
            for back in range(days, -1, -1):
                day = today - timedelta(days=back)
                hours = self.readings(home, day, until)
                if hours:
                    yield native_telemetry(
                        home.water_meter,
                        [_measured(register_l, at) for at, register_l in hours],
                        message_id=f"hourly-{day.isoformat()}-{len(hours)}",
                        battery_pct=_BATTERY_PCT,
                        rssi_dbm=rssi(home),
                    )

    def readings(self, home: DemoHome, day: date, until: datetime) -> list[tuple[datetime, int]]:
        """(time, litres) of every reading of a local day up to `until`, oldest first."""
        if day < self._first_day - timedelta(days=home.meter.known_days):
            return []
        hours = self._meters[home.number].hourly(day, until, self._minute)
        every_h = home.meter.every_h
        hours = [one for one in hours if one[0].hour % every_h == every_h // 2]
        if home.water_meter in self._unread:
            # What is past its limit shall be found by a reading of the present, not by one that is
            # already late: the last hours before the demo were not told.
            hours = [one for one in hours if not _UNREAD <= one[0] - self._began <= timedelta()]
        last = self._last_uses.get(home.water_meter)
        if last is not None and last <= until and last.astimezone(self._zone).date() == day:
            hours = sorted([*hours, (last, self.register_l(home, last))])
        return hours

    def _meter(self, home: DemoHome, scenario: Scenario, began: datetime) -> WaterMeter:
        past = scenario.past_of(home.water_meter)
        stopped, opened = past.get("water_stopped"), past.get("tap_left_on")
        return WaterMeter(
            home=home.household,
            installed=self._first_day - timedelta(days=HISTORY_DAYS),
            start_l=home.register_l,
            zone=self._zone,
            at_home_from=self._first_day - timedelta(days=CALM_DAYS),
            stopped_at=began - stopped if stopped else None,
            last_use_at=self._last_uses.get(home.water_meter),
            tap_opened_at=began - opened if opened else None,
        )


def rssi(home: DemoHome) -> int:
    """How well the radio of a home is heard, dBm."""
    return -60 - home.number % 25


def _measured(register_l: int, at: datetime) -> Measured:
    return Measured(register="water_total", value=register_l / 1000, at=at)
