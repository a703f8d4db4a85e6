"""Rules for areas, tiers and elders: from when they hold, whom they reach, what they would find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from alerting.detect import load_state
from alerting.tables import DeviceStateRow, ReadingRow
from care.tables import Binding, Device, WatchRule
from care.watch_rules import unchosen_meters
from gateway import rulekeeper
from gateway.rulekeeper import RuleKeeper
from tests.detection.test_adaptive import Home, meter, ordinary
from tests.support.world import World

ADAPTIVE = {"no_water_use": {"preset": "adaptive"}}
TIGHT = {"no_water_use": {"preset": "adaptive-tight"}}
QUIET = {"no_water_use": {"preset": "adaptive-quiet"}}
FIXED = {"no_water_use": {"preset": "fixed-24h-10l"}}


async def area(world: World, name: str, level: str, parent: str | None = None) -> str:
    made = await world.admin.post("areas", {"name": name, "level": level, "parent_id": parent})
    return str(made["id"])


async def metered(world: World, ident: str, **fields: Any) -> dict[str, Any]:
    """An elder whose home has a water meter."""
    elder = await world.elder(**fields)
    await world.device(ident, "water_meter", home_id=elder["home_id"])
    return elder


async def preset_of(world: World, ident: str) -> str | None:
    """What the meter was told."""
    device: Device = await world.row(Device, ident)
    preset: str | None = device.inherited.get("no_water_use", {}).get("preset")
    return preset


async def keep(world: World) -> int:
    return await world.anju.rules.step()


async def say(world: World, rules: dict[str, Any], **scope: Any) -> dict[str, Any]:
    made: dict[str, Any] = await world.admin.post("watch-rules", {"rules": rules, **scope})
    await keep(world)
    return made


async def test_a_village_s_rule_reaches_its_meters_at_its_time_and_not_before(
    world: World,
) -> None:
    village = await area(world, "城关村", "village")
    await metered(world, "here", area_id=village)
    await metered(world, "elsewhere")
    begins = world.clock.now() + timedelta(days=2)
    made = await say(world, ADAPTIVE, area_id=village, effective_from=begins.isoformat())
    assert await preset_of(world, "here") is None
    world.clock.advance(hours=47)
    assert await keep(world) == 0
    assert await preset_of(world, "here") is None
    world.clock.advance(hours=1)
    assert await keep(world) == 1
    assert await preset_of(world, "here") == "adaptive"
    assert await preset_of(world, "elsewhere") is None
    stored = await world.admin.get(f"watch-rules/{made['id']}")
    assert stored["applied_at"] is not None
    await world.reads("here", 10.0)
    state = load_state((await world.device_state("here")).state)
    assert state.water is not None
    assert state.water.habit is not None


async def test_the_narrower_rule_holds_and_the_page_says_where_it_comes_from(world: World) -> None:
    county = await area(world, "城关县", "county")
    town = await area(world, "城关镇", "town", county)
    elder = await metered(world, "water-1", area_id=town, tier="key")
    steps: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        (FIXED, {}, {"area_name": None, "tier": None}),
        (QUIET, {"area_id": county}, {"area_name": "城关县", "tier": None}),
        (ADAPTIVE, {"area_id": town}, {"area_name": "城关镇", "tier": None}),
        (TIGHT, {"area_id": town, "tier": "key"}, {"area_name": "城关镇", "tier": "key"}),
        (QUIET, {"elder_id": elder["id"]}, {"elder_id": elder["id"], "area_id": None}),
    ]
    made = []
    for rules, scope, origin in steps:
        made.append(await say(world, rules, **scope))
        watch = await world.admin.get(f"elders/{elder['id']}/watch-rules")
        (parameter,) = watch["parameters"]
        assert parameter["value"] == rules["no_water_use"]["preset"]
        assert parameter["origin"]["rule_id"] == made[-1]["id"]
        assert origin.items() <= parameter["origin"].items()
        assert [one["rules"] for one in watch["devices"]] == [rules]
    for rule, (rules, _, _) in zip(made[:0:-1], steps[-2::-1], strict=True):
        await world.admin.post(f"watch-rules/{rule['id']}/withdraw")
        await keep(world)
        assert await preset_of(world, "water-1") == rules["no_water_use"]["preset"]


async def test_the_meter_s_own_rule_stays_on_top(world: World) -> None:
    elder = await metered(world, "water-1")
    own = {"no_water_use": {"preset": "off"}}
    await world.admin.expect(200, "PATCH", "devices/water-1", json={"rules": own})
    await say(world, ADAPTIVE)
    watch = await world.admin.get(f"elders/{elder['id']}/watch-rules")
    assert [(one["rules"], one["own"]) for one in watch["devices"]] == [(own, own)]


async def test_moving_house_another_tier_and_a_new_resident_change_the_rule_at_once(
    world: World,
) -> None:
    there = await area(world, "河东村", "village")
    await say(world, QUIET)
    await say(world, ADAPTIVE, area_id=there)
    await say(world, TIGHT, tier="key")
    elder = await metered(world, "water-1")
    assert await preset_of(world, "water-1") == "adaptive-quiet"
    patch = f"elders/{elder['id']}"
    await world.admin.expect(200, "PATCH", patch, json={"tier": "key"})
    assert await preset_of(world, "water-1") == "adaptive-tight"
    home = f"homes/{elder['home_id']}"
    await world.admin.expect(200, "PATCH", home, json={"area_id": there})
    assert await preset_of(world, "water-1") == "adaptive", "a village stands before everywhere"
    await world.admin.expect(200, "PATCH", home, json={"area_id": None})
    await world.admin.expect(200, "PATCH", patch, json={"tier": "general"})
    assert await preset_of(world, "water-1") == "adaptive-quiet"
    wife = await world.elder("张福生", home_id=elder["home_id"], tier="key")
    assert await preset_of(world, "water-1") == "adaptive-tight", "the most urgent of both"
    other = await world.elder("王建国")
    move = {"home_id": other["home_id"]}
    await world.admin.expect(200, "PATCH", f"elders/{wife['id']}", json=move)
    assert await preset_of(world, "water-1") == "adaptive-quiet"
    assert await keep(world) == 0, "nothing was forgotten"


async def test_an_area_that_moves_is_watched_as_the_new_place_is(world: World) -> None:
    old = await area(world, "城关镇", "town")
    new = await area(world, "河东镇", "town")
    village = await area(world, "城关村", "village", old)
    await say(world, QUIET, area_id=old)
    await say(world, TIGHT, area_id=new)
    await metered(world, "water-1", area_id=village)
    assert await preset_of(world, "water-1") == "adaptive-quiet"
    await world.admin.expect(200, "PATCH", f"areas/{village}", json={"parent_id": new})
    assert await preset_of(world, "water-1") == "adaptive-tight"


async def test_what_a_place_forgot_to_hand_down_is_mended(world: World) -> None:
    await say(world, ADAPTIVE)
    await metered(world, "water-1")
    async with world.services.db.transaction() as session:
        (await session.get_one(Device, "water-1")).inherited = {}
    assert await keep(world) == 0, "not yet looked at again"
    world.clock.advance(minutes=10)
    assert await keep(world) == 1
    assert await preset_of(world, "water-1") == "adaptive"


async def test_a_check_of_the_installation_counts_meters_that_nobody_chose_a_rule_for(
    world: World,
) -> None:
    await metered(world, "water-1")
    async with world.services.db.reading() as session:
        assert await unchosen_meters(session) == 1
    await say(world, ADAPTIVE)
    await keep(world)
    async with world.services.db.reading() as session:
        assert await unchosen_meters(session) == 0


class Killed(BaseException):
    """The process ended here."""


class Dying(RuleKeeper):
    """Ends after it told so many times."""

    left = 2

    async def _tell(self, ids: Any) -> int:
        if not self.left:
            raise Killed
        self.left -= 1
        return await super()._tell(ids)


async def test_a_process_that_ends_while_handing_down_leaves_nobody_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulekeeper, "MOST_AT_ONCE", 1)
    names = [f"water-{number}" for number in range(5)]
    for name in names:
        await metered(world, name)
    await world.admin.post("watch-rules", {"rules": QUIET})
    await keep(world)
    world.clock.advance(hours=1)
    made = await world.admin.post("watch-rules", {"rules": ADAPTIVE})
    with pytest.raises(Killed):
        await Dying(world.services).step()
    assert sorted([await preset_of(world, name) or "" for name in names]) == [
        *["adaptive"] * 2,
        *["adaptive-quiet"] * 3,
    ]
    assert (await world.row(WatchRule, made["id"])).applied_at is None
    assert await RuleKeeper(world.services).step() == 3, "the others, and nobody twice"
    assert {await preset_of(world, name) for name in names} == {"adaptive"}
    rules = (await world.admin.get("watch-rules"))["items"]
    assert [(one["id"] == made["id"], one["ended_at"] is None) for one in rules] == [
        (True, True),
        (False, False),
    ]


async def test_of_two_rules_that_begin_together_the_one_written_later_stands(
    world: World,
) -> None:
    await metered(world, "water-1")
    begins = (world.clock.now() + timedelta(hours=1)).isoformat()
    await say(world, ADAPTIVE, effective_from=begins)
    world.clock.advance(seconds=5)
    later = await say(world, QUIET, effective_from=begins)
    world.clock.advance(hours=2)
    await keep(world)
    listed = (await world.admin.get("watch-rules", current_only=True))["items"]
    assert [one["id"] for one in listed] == [later["id"]]
    assert await preset_of(world, "water-1") == "adaptive-quiet"


async def test_a_rule_withdrawn_before_its_time_is_never_heard_of(world: World) -> None:
    await metered(world, "water-1")
    begins = (world.clock.now() + timedelta(days=1)).isoformat()
    made = await say(world, ADAPTIVE, effective_from=begins)
    await world.admin.post(f"watch-rules/{made['id']}/withdraw")
    await world.admin.post(f"watch-rules/{made['id']}/withdraw", status=409)
    world.clock.advance(hours=25)
    assert await keep(world) == 0
    assert await preset_of(world, "water-1") is None


async def test_a_meter_that_becomes_adaptive_knows_its_home_and_judges_the_gap_that_runs(
    world: World,
) -> None:
    """The weeks before are in its readings; a home still since this morning is not lost."""
    past, readings = await a_past(world)
    await metered(world, "water-1")
    async with world.services.db.transaction() as session:
        (await session.scalars(select(Binding))).one().valid_from = readings[0][0]
    await known(world, "water-1", past, readings)
    async with world.services.db.transaction() as session:
        (await session.get_one(DeviceStateRow, "water-1")).state = ""
    for number in range(18):  # from midnight; up at six, and still since eight
        world.clock.advance(hours=1)
        past.litres += ordinary(0, number) if number < 8 else 0
        await world.reads("water-1", past.litres / 1000)
    assert await world.incidents() == []
    await say(world, TIGHT)
    state = load_state((await world.device_state("water-1")).state)
    assert state.water is not None
    assert state.water.habit is not None
    assert state.water.habit.days > 80
    await world.anju.watcher.watch_devices()
    assert (await world.incident())["kind"] == "no_water_use"
    world.clock.advance(minutes=11)
    assert await keep(world) == 0
    await world.reads("water-1", past.litres / 1000)
    assert len(await world.incidents()) == 1, "found once"


# ── the back-test ────────────────────────────────────────────────────────────────────────────────


def still_at(day: int, since: int, until: int) -> Callable[[int, int], float]:
    """Days like any other, but for some hours of one."""

    def use(number: int, hour: int) -> float:
        return 0.0 if number == day and since <= hour < until else ordinary(number, hour)

    return use


GAP = still_at(88, 8, 22)


async def known(
    world: World, ident: str, past: Home, readings: list[tuple[datetime, float]]
) -> None:
    """The home's readings of weeks, and what its detectors made of them."""
    async with world.services.db.transaction() as session:
        session.add_all(
            ReadingRow(device_id=ident, register="water_total", at=at, value=value)
            for at, value in readings
        )
        session.add(
            DeviceStateRow(device_id=ident, state=past.watch.text, last_heard_at=world.clock.now())
        )


@pytest.mark.parametrize(
    ("lived", "days", "stored"),
    [
        ("adaptive", 10, 2 * 24),  # has learnt ten days, of which two are in the readings
        ("fixed-24h-10l", 3, 0),  # nothing learnt, and nothing to learn from
        ("fixed-24h-10l", 3, 24),  # the newest readings are missing
    ],
)
async def test_a_rule_takes_nothing_from_a_meter_that_its_readings_would_not_give_back(
    world: World, lived: str, days: int, stored: int
) -> None:
    past, readings = Home(meter(lived, zone="Asia/Shanghai")), []
    for number in range(days * 24 + 8):
        past.passes(ordinary(number // 24, number % 24))
        readings.append((past.now, past.litres / 1000))
    world.clock.advance(seconds=(past.now - world.clock.now()).total_seconds())
    await metered(world, "water-1")
    kept = readings[-stored:] if lived == "adaptive" else readings[:stored]
    await known(world, "water-1", past, kept)
    before = await world.device_state("water-1")
    await say(world, TIGHT)
    await say(world, ADAPTIVE)
    after = await world.device_state("water-1")
    assert after.state == before.state
    past.litres += 5
    world.clock.advance(hours=1)
    await world.reads("water-1", past.litres / 1000)
    water = load_state((await world.device_state("water-1")).state).water
    assert water is not None and water.habit is not None
    assert water.habit.days == (days if lived == "adaptive" else 0)


async def a_past(world: World) -> tuple[Home, list[tuple[datetime, float]]]:
    """87 days of a home under the tight rule; the clock is set to their end."""
    past, readings = Home(meter("adaptive-tight", zone="Asia/Shanghai")), []
    for number in range(87 * 24):
        past.passes(ordinary(number // 24, number % 24))
        readings.append((past.now, past.litres / 1000))
    world.clock.advance(seconds=(past.now - world.clock.now()).total_seconds())
    return past, readings


async def test_the_back_test_names_the_very_alarm_that_happens_live(world: World) -> None:
    """Two homes with the same readings: one under the rule, the other asks what it would do."""
    past, readings = await a_past(world)
    village = await area(world, "城关村", "village")
    await say(world, TIGHT, area_id=village)
    watched = await metered(world, "live", area_id=village)
    asking = await metered(world, "asking")
    await known(world, "live", past, readings)
    await known(world, "asking", Home(meter()), readings)
    for number in range(87 * 24, 90 * 24):
        world.clock.advance(hours=1)
        past.litres += GAP(number // 24, number % 24)
        await world.reads("live", past.litres / 1000)
        readings.append((world.clock.now(), past.litres / 1000))
    async with world.services.db.transaction() as session:
        session.add_all(
            ReadingRow(device_id="asking", register="water_total", at=at, value=value)
            for at, value in readings[87 * 24 :]
        )
    incident = await world.incident(kind="no_water_use")
    assert incident["home_id"] == watched["home_id"]
    said = await world.admin.post(
        "watch-rules/back-test", {"rules": TIGHT, "elder_id": asking["id"]}
    )
    (alarm,) = (one for one in said["alarms"] if one["side"] != "gone")
    assert alarm["at"] == incident["opened_at"]
    assert (alarm["kind"], alarm["sort"]) == ("no_water_use", "incident")
    assert (alarm["elder_ids"], alarm["device_id"]) == ([asking["id"]], "asking")
    assert alarm["gap_s"] >= 14 * 3600
    assert said["proposed"]["alarms"] == said["proposed"]["incidents"] == 1
    assert (said["homes"], said["covered"], said["changed"]) == (1, 1, 1)
    assert said["delay_s"] < 16 * 3600
    kept = await world.admin.post(
        "watch-rules", {"rules": TIGHT, "elder_id": asking["id"], "back_test": said["seal"]}
    )
    assert kept["forecast"]["proposed"] == said["proposed"]
    assert (await world.admin.get(f"watch-rules/{kept['id']}"))["forecast"] == kept["forecast"]
    wrong = {"rules": QUIET, "elder_id": asking["id"], "back_test": said["seal"]}
    await world.admin.post("watch-rules", wrong, status=422)


async def test_the_forecast_counts_homes_that_cannot_follow_and_asks_the_staff(
    world: World,
) -> None:
    past, readings = await a_past(world)
    village = await area(world, "城关村", "village")
    for name in ("speaks", "silent"):
        await metered(world, name, area_id=village)
    await world.elder("王建国", area_id=village)
    shifted = [(at - timedelta(days=7), value) for at, value in readings]
    await known(world, "speaks", past, shifted)
    body = {"rules": ADAPTIVE, "area_id": village}
    said = await world.admin.post("watch-rules/back-test", body)
    assert (said["homes"], said["no_meter"], said["silent"]) == (3, 1, 1)
    assert said["grades"]["fine"] == 1
    assert (said["shifts_a_day"], said["staff_from"]) == (3.0, "assumed")
    assert (said["unanswered_share"], said["real_checks"]) == (0.3, 0)
    typed = await world.admin.post("watch-rules/back-test", body | {"officers": 2})
    assert (typed["shifts_a_day"], typed["staff_from"]) == (6.0, "typed")
    begun = (world.clock.now() - timedelta(days=7)).isoformat()
    officer = await world.sign_in("wang", phone="+8613900000088")
    await world.admin.post("shifts", {"user_id": officer.id, "starts_at": begun})
    rostered = await world.admin.post("watch-rules/back-test", body)
    assert rostered["staff_from"] == "shifts"
    assert rostered["shifts_a_day"] == pytest.approx(1.5), "a week of 14 days, day and night"
    assert await world.count(WatchRule) == 0, "nothing is saved"


async def test_a_supervisor_rules_their_own_area_and_sees_what_holds_there(world: World) -> None:
    town = await area(world, "城关镇", "town")
    village = await area(world, "城关村", "village", town)
    other = await area(world, "河东镇", "town")
    everywhere = await say(world, QUIET)
    far = await say(world, QUIET, area_id=other)
    head = await world.sign_in("head", "supervisor", area_id=town)
    seen = {one["id"] for one in (await head.get("watch-rules"))["items"]}
    assert seen == {everywhere["id"]}
    for path in ("watch-rules", "watch-rules/back-test"):
        await head.post(path, {"rules": QUIET}, status=403)
        await head.post(path, {"rules": QUIET, "area_id": other}, status=404)
    await head.post(f"watch-rules/{everywhere['id']}/withdraw", status=403)
    await head.post(f"watch-rules/{far['id']}/withdraw", status=404)
    mine = await head.post("watch-rules", {"rules": TIGHT, "area_id": village})
    assert (await head.get("watch-rules", area_id=town))["items"][0]["id"] == mine["id"]
    stranger = await world.elder("河东人", area_id=other)
    await head.post("watch-rules", {"rules": QUIET, "elder_id": stranger["id"]}, status=404)
    officer = await world.sign_in("wang", area_id=town)
    await officer.post("watch-rules", {"rules": QUIET, "area_id": village}, status=403)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rules": {}}, "rules"),
        ({"rules": {"no_water_use": {"preset": "loud"}}}, "rules.no_water_use.preset"),
        ({"rules": QUIET, "tier": "urgent"}, "tier"),
        ({"rules": QUIET, "effective_from": "2026-02-01T00:00:00Z"}, "effective_from"),
        ({"rules": QUIET, "effective_from": "2028-02-01T00:00:00Z"}, "effective_from"),
        ({"rules": QUIET, "back_test": "nonsense"}, "back_test"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused_by_its_field(
    world: World, body: dict[str, Any], field: str
) -> None:
    problem = await world.admin.post("watch-rules", body, status=422)
    assert [one["field"] for one in problem["errors"]] == [field]
    assert await world.count(WatchRule) == 0
