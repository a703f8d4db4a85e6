"""The second witness: what electricity says of a home whose water stands still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerting import witness
from alerting.detect import DeviceState, dump_state
from alerting.detectors.load import Block
from alerting.detectors.nights import Nights
from alerting.detectors.register import Line
from alerting.detectors.supply import Power
from alerting.finding import SEVERITY_OF_KIND, Finding, Sign
from alerting.handling.witness import SecondLook, second_look
from alerting.intake.whose import Whose
from alerting.tables import Check, DeviceStateRow
from alerting.wording import incident_title
from care.tables import Binding, Device, Home
from core.db import Database
from tests.alerting import rows
from tests.detection.electricity import Counter, kettle_at
from tests.detection.electricity import meter as meter_of_days

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = NOW - timedelta(hours=9)
METER, PLUG = "electricity_meter", "plug"


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def meter(
    active_min: float | None, *, quiet_h: float = 0, heard_min: float = 5, base: int = 225
) -> Power:
    """A meter that saw somebody so many minutes ago (None: never)."""
    active_at = 0 if active_min is None else seconds(NOW - timedelta(minutes=active_min))
    quiet = quiet_h * 60 if active_min is None or quiet_h else active_min
    heard = seconds(NOW - timedelta(minutes=heard_min))
    return Power(
        line=Line(heard, 1_000_000),
        block=Block(heard, 0, 200),
        nights=Nights(base, bytes(20), 20_000),
        active_at=active_at,
        quiet_from=seconds(NOW - timedelta(minutes=quiet)),
    )


def water(**facts: Any) -> Finding:
    """A tight finding: nine hours without water, and the quiet limit is at twelve."""
    known = {
        "level": 1,
        "opens": "check",
        "since": SINCE.isoformat(),
        "idle_s": 9 * 3600,
        "limit_s": 8 * 3600,
        "quiet_limit_s": 12 * 3600,
    }
    kept = {name: value for name, value in (known | facts).items() if value is not None}
    return Finding(
        kind="no_water_use",
        severity=SEVERITY_OF_KIND["no_water_use"],
        sign=Sign.ROSE,
        at=NOW,
        reason="test",
        facts=kept,
    )


# --- the decision


@pytest.mark.parametrize(
    ("witnesses", "says"),
    [
        ([(METER, meter(15))], "active"),
        ([(METER, meter(120))], "active"),
        ([(METER, meter(121))], "silent"),
        ([(METER, meter(600))], "silent"),
        ([(PLUG, meter(15))], "active"),
        ([(PLUG, meter(600))], "cannot_say"),
        ([(METER, meter(600)), (PLUG, meter(15))], "active"),
        ([(METER, meter(600)), (PLUG, meter(600))], "silent"),
        ([(METER, meter(None, quiet_h=5))], "silent"),
        ([(METER, meter(None, quiet_h=1))], "cannot_say"),  # a hole has just ended
        ([(METER, meter(600, quiet_h=1))], "cannot_say"),
        ([(METER, meter(600, heard_min=400))], "cannot_say"),  # nor does it speak
        ([(METER, meter(600, base=-1))], "cannot_say"),
        ([(METER, meter(600, base=0))], "cannot_say"),
        ([], "cannot_say"),
    ],
)
def test_what_a_home_s_electricity_says(witnesses: Sequence[tuple[str, Power]], says: str) -> None:
    assert witness.hear(witnesses, SINCE, NOW).says.value == says


def test_use_before_the_water_stopped_says_nothing_of_the_time_after() -> None:
    heard = witness.hear([(PLUG, meter(60))], NOW - timedelta(minutes=30), NOW)
    assert heard.says is witness.Says.CANNOT_SAY


@pytest.mark.parametrize(
    ("facts", "minutes"),
    [
        ({}, 120),
        ({"quiet_limit_s": 10 * 3600}, 60),  # never past the quiet limit
        ({"quiet_limit_s": 9 * 3600}, None),
        ({"quiet_limit_s": 7 * 3600}, None),
        ({"quiet_limit_s": None}, None),
        ({"opens": "incident"}, None),
        ({"opens": "incident", "profile": "quiet"}, None),
        ({"opens": "incident", "profile": "tight"}, 120),  # nobody is asked before it
        ({"opens": None}, None),  # a fixed rule
        ({"power_waited": True}, None),
        ({"since": None}, None),
    ],
)
def test_how_long_a_finding_waits(facts: dict[str, Any], minutes: int | None) -> None:
    active = witness.hear([(METER, meter(15))], SINCE, NOW)
    until = witness.wait_until(active, water(**facts).facts, NOW, waited=False)
    assert until == (None if minutes is None else NOW + timedelta(minutes=minutes))
    assert witness.wait_until(active, water(**facts).facts, NOW, waited=True) is None
    silent = witness.hear([(METER, meter(600))], SINCE, NOW)
    assert witness.wait_until(silent, water(**facts).facts, NOW, waited=False) is None


# --- with what is stored


class Case:
    """A home, its devices with what is remembered of them, and a second look."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.whose = Whose(
            source_id="native", child_id="water-1", device_id="water-1", home_id="home-1"
        )

    async def begin(self) -> Case:
        await rows.begin(self.db, NOW)
        async with self.db.transaction() as session:
            session.add_all(Home(id=f"home-{n}", created_at=NOW) for n in (1, 2))
        await self.has("water-1", "water_meter", None)
        return self

    async def has(
        self, ident: str, role: str, power: Power | None, home: str = "home-1", **fields: Any
    ) -> None:
        """A device of a home; `left` says that it was taken away again."""
        left = fields.pop("left", None)
        async with self.db.transaction() as session:
            session.add(
                Device(
                    id=ident,
                    family="native",
                    source_id="native",
                    child_id=ident,
                    role=role,
                    enrolled_at=NOW,
                    rules={},
                    inherited={},
                    **fields,
                )
            )
            await session.flush()
            session.add(
                Binding(
                    id=f"bind-{ident}",
                    device_id=ident,
                    home_id=home,
                    valid_from=NOW - timedelta(days=90),
                    valid_to=left,
                )
            )
            state = dump_state(DeviceState(power=power))
            session.add(DeviceStateRow(device_id=ident, state=state))

    async def look(
        self, finding: Finding | None = None, *, after: timedelta = timedelta()
    ) -> SecondLook:
        return await self.look_at(finding or water(), NOW + after)

    async def look_at(self, finding: Finding, now: datetime) -> SecondLook:
        async with self.db.transaction() as session:
            return await second_look(session, finding, self.whose, now)

    async def waits(self, look: SecondLook, *, ended: bool = False) -> None:
        """A check is kept while the finding waits, as the desk's checks are."""
        finding = water(**look.facts)
        async with self.db.transaction() as session:
            session.add(
                Check(
                    id="chk-1",
                    purpose="wellbeing",
                    kind=finding.kind,
                    subject="home:home-1",
                    state="ended" if ended else "held",
                    result="withdrawn" if ended else None,
                    device_id="water-1",
                    finding={"kind": finding.kind, "facts": finding.facts},
                    whose={},
                    opened_at=NOW,
                    due_at=None if ended else look.until,
                )
            )


@pytest.fixture
async def case(db: Database) -> Case:
    return await Case(db).begin()


async def test_a_home_without_electricity_has_nothing_to_add(case: Case) -> None:
    assert await case.look() == SecondLook()


async def test_the_kettle_of_a_quarter_of_an_hour_ago_delays_the_question_by_two_hours(
    case: Case,
) -> None:
    await case.has("power-1", METER, meter(15))
    look = await case.look()
    assert look.until == NOW + timedelta(hours=2)
    assert look.facts == {
        "power_says": "active",
        "power_active_at": (NOW - timedelta(minutes=15)).isoformat(),
        "power_silent_s": 900,
        "power_base_w": 45,
        "power_waited": True,
    }


async def test_silent_too_says_so_and_delays_nothing(case: Case) -> None:
    await case.has("power-1", METER, meter(600))
    look = await case.look()
    assert look.until is None
    assert look.facts["power_says"] == "silent"
    assert look.facts["power_silent_s"] == 36_000


async def test_once_a_gap_and_never_past_the_quiet_limit(case: Case) -> None:
    await case.has("power-1", METER, meter(15))
    first = await case.look()
    await case.waits(first)
    again = await case.look(water(**first.facts), after=timedelta(hours=1))
    assert again.until is None, "what was kept with the check says that it has waited"
    found_anew = await case.look(after=timedelta(hours=1))
    assert found_anew.until is None, "and so does the check, whoever found it again"
    later = water(since=(NOW + timedelta(minutes=1)).isoformat())
    await case.has("plug-1", PLUG, meter(-60))
    next_gap = await case.look(later, after=timedelta(hours=2))
    assert next_gap.until is not None, "the next gap is another one"


async def test_an_ended_check_of_the_same_gap_counts_too(case: Case) -> None:
    await case.has("power-1", METER, meter(15))
    await case.waits(await case.look(), ended=True)
    assert (await case.look()).until is None


@pytest.mark.parametrize(("hours", "says"), [(9.5, "active"), (10.75, "active"), (11, "silent")])
async def test_a_meter_that_was_read_for_ten_days_says_what_it_saw(
    case: Case, hours: float, says: str
) -> None:
    """Its kettle boils at two past nine; water was last used at midnight."""
    home = Counter(meter_of_days())
    home.lives(days=10)
    midnight = home.now
    home.lives(kettle_at((9, 2)), h=hours)
    await case.has("power-1", METER, home.power)
    look = await case.look_at(water(since=midnight.isoformat(), quiet_limit_s=50_000), home.now)
    assert look.facts["power_says"] == says
    seen_at = datetime.fromisoformat(look.facts["power_active_at"])
    assert seen_at == midnight + timedelta(hours=8.75)
    if says == "active":
        assert look.until == min(
            home.now + timedelta(hours=2), midnight + timedelta(seconds=50_000)
        )
    else:
        assert look.until is None


@pytest.mark.parametrize(
    "fields",
    [
        {"home": "home-2"},
        {"active": False},
        {"left": NOW - timedelta(days=1)},
    ],
)
async def test_another_home_s_meter_is_no_witness(case: Case, fields: dict[str, Any]) -> None:
    await case.has("power-1", METER, meter(15), **fields)
    assert await case.look() == SecondLook()


async def test_a_meter_that_never_spoke_is_none_either(case: Case) -> None:
    await case.has("power-1", METER, None)
    assert await case.look() == SecondLook()


async def test_fixed_rules_and_other_matters_are_not_delayed(case: Case) -> None:
    await case.has("power-1", METER, meter(15))
    fixed = await case.look(water(opens=None, quiet_limit_s=None))
    assert fixed.until is None
    assert fixed.facts["power_says"] == "active"
    leak = await case.look(
        Finding(kind="leak", severity=SEVERITY_OF_KIND["leak"], sign=Sign.ROSE, at=NOW, reason="")
    )
    assert leak == SecondLook()


# --- in words


@pytest.mark.parametrize(
    ("power", "chinese", "english"),
    [
        (
            meter(15),
            "；但 15 分前（03-01 19:45）用过电",
            "; but electricity was used 15 min ago (at 03-01 19:45)",
        ),
        (
            meter(600),
            "；用电也没有活动（上次 03-01 10:00）",
            "; no electricity used either (last at 03-01 10:00)",
        ),
        (meter(None, quiet_h=5), "；用电也没有活动", "; no electricity used either"),
        (meter(600, base=-1), "", ""),
    ],
)
def test_the_sentence_of_the_water_says_it(power: Power, chinese: str, english: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    heard = witness.hear([(METER, power)], SINCE, NOW).facts(NOW)
    for lang, words in (("zh", chinese), ("en", english)):
        plain = incident_title("no_water_use", water().facts, lang, zone)
        assert incident_title("no_water_use", water(**heard).facts, lang, zone) == plain + words
