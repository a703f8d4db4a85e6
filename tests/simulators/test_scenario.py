"""Scenarios: those that come with Anju fit the town, wrong ones are refused with their line."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from simulators.homes import demo_town
from simulators.scenario import ScenarioError, load_scenario, parse_scenario, scenario_names
from simulators.town import Town

GOOD = """\
zh = "试"
en = "trial"

[[before]]
device = "demo-water-20"
does = "water_stopped"
ago = "27:00:00"

[[step]]
at = "02:00"
device = "demo-smoke-03"
does = "smoke"
zh = "冒烟"
en = "smoke"

[[step]]
at = "00:10"
device = "demo-sos-01"
does = "press"
zh = "按"
en = "press"
"""


@pytest.fixture(scope="module")
def town() -> Town:
    return demo_town()


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_that_comes_with_anju_can_be_played(name: str, town: Town) -> None:
    assert load_scenario(name, town).step


def test_the_hour_holds_what_the_demo_promises(town: Town) -> None:
    hour = load_scenario("hour", town)
    acts = {step.does for step in hour.step}
    assert {"press", "smoke", "fall", "battery_low"} <= acts
    assert {past.does for past in hour.before} == {"passed_limit", "nears_limit", "tap_left_on"}
    assert hour.step[0].does == "press"
    assert hour.step[0].at < timedelta(seconds=20)
    assert hour.step[-1].at <= timedelta(hours=1)
    assert any((town.device(step.device) or hour).child for step in hour.step)  # type: ignore[union-attr]


def test_the_hour_calls_people_by_their_names(town: Town) -> None:
    for step in load_scenario("hour", town).step:
        home = town.home_of(step.device)
        assert home is not None
        for name in re.findall(r".(?:奶奶|爷爷)", step.zh):
            assert f"{name}（演示）" in {elder.name for elder in home.elders}


def test_steps_are_played_in_order_of_time(town: Town) -> None:
    trial = parse_scenario(GOOD, town)
    assert [step.device for step in trial.step] == ["demo-sos-01", "demo-smoke-03"]
    assert trial.past_of("demo-water-20") == {"water_stopped": timedelta(hours=27)}
    assert trial.past_of("demo-water-21") == {}


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (('at = "00:10"', 'at = "10"'), 17, "minutes and seconds"),
        (('at = "00:10"', "at = 10"), 17, "minutes and seconds"),
        (('at = "00:10"', 'at = "1:70:00"'), 17, "up to 59"),
        (('does = "press"', 'does = "jump"'), 19, "step.1.does"),
        (('does = "press"', 'does = "smoke"'), 19, "a sos_button cannot do 'smoke'"),
        (('"demo-sos-01"', '"demo-sos-99"'), 18, "the town has no device 'demo-sos-99'"),
        (('"water_stopped"', '"tap_left_on"\nevery = 1'), 7, "before.0.every"),
        (("demo-water-20", "demo-sos-20"), 6, "a sos_button cannot do 'water_stopped'"),
        (('ago = "27:00:00"', 'left = "27:00:00"'), 4, "water_stopped takes `ago`"),
        (('"water_stopped"', '"nears_limit"'), 4, "nears_limit takes `left`"),
        (('ago = "27', 'or_else = ["demo-water-99"]\nago = "27'), 5, "no device 'demo-water-99'"),
        (('zh = "按"\n', ""), 16, "step.1.zh"),
        (('zh = "试"\n', ""), 1, "zh: Field required"),
        (("[[before]]", "[[befor]]"), 4, "befor"),
        (('en = "smoke"', 'en = "smoke'), 14, "not TOML"),
        (('en = "press"\n', 'en = "press"\n[[phone]]\nhome = 41\n'), 23, "no home 41"),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_line(
    change: tuple[str, str], line: int, problem: str, town: Town
) -> None:
    assert change[0] in GOOD
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(GOOD.replace(*change), town, "trial.toml")
    assert str(caught.value).startswith(f"trial.toml:{line}: ")
    assert problem in str(caught.value)


def test_an_empty_scenario_is_refused(town: Town) -> None:
    with pytest.raises(ScenarioError, match=r"^empty:1: "):
        parse_scenario("", town, "empty")


def test_a_scenario_that_is_not_there_is_named(town: Town, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no scenario is called 'day'; there are: hour"):
        load_scenario("day", town)
    with pytest.raises(ScenarioError, match=r"nowhere\.toml: cannot be read"):
        load_scenario(str(tmp_path / "nowhere.toml"), town)


def test_a_scenario_of_ones_own_can_be_played(town: Town, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(GOOD, encoding="utf-8")
    assert load_scenario(str(mine), town).en == "trial"
