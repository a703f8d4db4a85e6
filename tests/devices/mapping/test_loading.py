"""Every mistake in a mapping is named with the line it is on."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.mapping.lines import line_at, lines_of
from devices.mapping.loading import MAX_FILE, load
from devices.mapping.shipped import shipped
from devices.registry import built_in
from tests.project.tree import ROOT

GOOD = """\
# a comment
name = "bed"
title_zh = "床"
title_en = "Bed"
prefix = "bed"
topics = [
  "{prefix}/{device}/state",
  "{prefix}/{device}/status",
]

[[fields]]
topic = "{prefix}/{device}/state"
path = "$.state"
values = { "out" = "out_of_bed", "in" = "motion" }

[[fields]]
path = "$.total"
register = "water_total"
unit = "L"

[fields.when]
path = "$.type"
equals = ["a", "b"]

[[samples]]
topic = "bed/b1/state"
payload = '''
{"type": "a",
 "state": "out", "total": 1500}'''
means = ["out_of_bed", "water_total=1.50"]
"""


def test_a_good_one_has_no_problems() -> None:
    loaded = load(GOOD, "bed.toml", built_in().values())
    assert loaded.problems == () and loaded.family is not None
    assert loaded.family.capabilities == ("out_of_bed", "motion", "water_total")


MISTAKES = [
    # (what was, what is there instead, the line, the key, words of the message)
    ('name = "bed"', 'name = "Bed 1"', 2, "name", "small letters"),
    ('name = "bed"', 'name = "tasmota"', 2, "name", "taken by family tasmota"),
    ('name = "bed"', "", 1, "name", "is missing"),
    ('title_zh = "床"', "title_zh = 5", 3, "title_zh", "a text in quotes"),
    ('title_en = "Bed"', 'title_en = ""', 4, "title_en", "1 to 80"),
    ('prefix = "bed"', 'prefix = "bed/#"', 5, "prefix", "wildcards"),
    ('prefix = "bed"', 'prefix = "anju/bed"', 5, "prefix", "native"),
    ('prefix = "bed"', 'prefix = "tele/x"', 5, "prefix", "overlaps 'tele' of family tasmota"),
    ('prefix = "bed"', 'prefix = "watermeter"', 5, "prefix", "devices/mappings/water-meter-json"),
    ('prefix = "bed"', 'prefix = "bed"\nadaptor = "push"', 6, "adaptor", "mean 'adapter'?"),
    ('prefix = "bed"', 'prefix = "bed"\nadapter = "mqt"', 6, "adapter", "'mqt' is none of mqtt"),
    ('prefix = "bed"', 'prefix = "bed"\npayload = "xml"', 6, "payload", "none of json, number, t"),
    ('prefix = "bed"', 'prefix = "bed"\nroles = ["bed"]', 6, "roles[0]", "mean 'bed_sensor'?"),
    ('prefix = "bed"', 'prefix = "bed"\ntime = "$["', 6, "time", "is no path"),
    ('prefix = "bed"', 'prefix = "bed"\ntime_form = "ms"', 6, "time_form", "epoch_ms"),
    ('prefix = "bed"', 'prefix = "bed"\ntime_form = "%Y%Y"', 6, "time_form", "no pattern"),
    ('prefix = "bed"', 'prefix = "bed"\ntime_zone = "Mars"', 6, "time_zone", "no time zone"),
    ('prefix = "bed"', 'prefix = "bed"\nreports_every_s = 0', 6, "reports_every_s", "greater"),
    ('prefix = "bed"', 'prefix = "bed"\nreports_every_s = 1.5', 6, "reports_every_s", "whole"),
    ('"{prefix}/{device}/status",', '"{prefix}/{device}/state",', 6, "topics[1]", "twice"),
    ('"{prefix}/{device}/status",', '"{prefix}/status",', 6, "topics[1]", "names no {device}"),
    ('"{prefix}/{device}/status",', '"bed/{device}",', 6, "topics[1]", "must begin with"),
    ('path = "$.state"', 'path = "$.state["', 13, "fields[0].path", "is no path"),
    ('path = "$.state"', 'pth = "$.state"', 13, "fields[0].pth", "did you mean 'path'?"),
    ('path = "$.state"', "path = true", 13, "fields[0].path", "a text in quotes"),
    ('"out_of_bed"', '"out_off_bed"', 14, "fields[0].values.out", "mean 'out_of_bed'?"),
    ('path = "$.state"', 'unit = "L"', 13, "fields[0].unit", "belongs to a register"),
    ('"water_total"', '"water_totl"', 18, "fields[1].register", "mean 'water_total'?"),
    ('unit = "L"', 'unit = "litre"', 19, "fields[1].unit", "no unit of water_total (m3, m^3, L"),
    ('unit = "L"', "scale = 0.0", 19, "fields[1].scale", "the same"),
    ('unit = "L"', "scale = nan", 19, "fields[1].scale", "out of range"),
    ('unit = "L"', "held = true", 19, "fields[1].held", "this field is a number"),
    ('unit = "L"', 'own_register = "x"', 16, "fields[1]", "has register and own_register"),
    ('register = "water_total"\nunit = "L"', "", 16, "fields[1]", "has nothing"),
    ('register = "water_total"', 'own_register = "power"', 18, "fields[1].own_register", "write"),
    ('path = "$.type"', 'path = "$.a b c["', 22, "fields[1].when.path", "is no path"),
    ('equals = ["a", "b"]', "equals = {}", 23, "fields[1].when.equals", ""),
    ('equals = ["a", "b"]', "equal = 1", 23, "fields[1].when.equal", "mean 'equals'?"),
    ('topic = "bed/b1/state"', 'topic = "bad/b1/state"', 26, "samples[0].topic", "not below"),
    ('topic = "bed/b1/state"', 'topic = "bed/b1/x"', 26, "samples[0].topic", "none of the forms"),
    ('["out_of_bed", ', '["in_bed", ', 30, "samples[0].means", "means out_of_bed, water_total=1.5"),
    ('"$.state"', '"$.stat"', 30, "samples[0].means", "path `$.stat` is not in the payload"),
    ('"total": 1500', '"total": "x"', 30, "samples[0].means", "which is no usable number in L"),
    ("means = [", "role = 'bed'\nmeans = [", 30, "samples[0].role", "mean 'bed_sensor'?"),
    ('topic = "{prefix}/{device}/state"', 'topic = "{prefix}/x"', 12, "fields[0].topic", "none of"),
    ('topic = "{prefix}/{device}/state"', 'payload = "text"', 12, "fields[0].payload", "`topic`"),
    ('path = "$.state"', 'payload = "text"\npath="$.state"', 14, "fields[0].path", "no paths"),
    ('unit = "L"', 'unit = "L', 19, "", "is not TOML"),
    ("[[samples]]", "[[samples]", 25, "", "is not TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("was", "instead", "line", "where", "words"), MISTAKES)
def test_a_mistake_is_named_with_its_line(
    was: str, instead: str, line: int, where: str, words: str
) -> None:
    assert GOOD.count(was) >= 1
    loaded = load(GOOD.replace(was, instead, 1), "mappings/bed.toml", built_in().values())
    assert loaded.family is None and loaded.problems
    hits = [one for one in loaded.problems if (one.line, one.where) == (line, where)]
    assert hits and words in hits[0].text, [str(one) for one in loaded.problems]
    assert str(hits[0]).startswith(f"mappings/bed.toml:{line}: {where}")


def test_all_mistakes_are_named_in_the_order_of_their_lines() -> None:
    text = GOOD.replace('"L"', '"l/h"').replace('"motion"', '"moton"').replace("bed/#", "")
    lines = [problem.line for problem in load(text, "bed.toml").problems]
    assert lines == [14, 19]


@pytest.mark.parametrize("kind", ["sos", "smoke", "press"])
def test_an_alarm_cannot_be_declared_away(kind: str) -> None:
    text = GOOD.replace('"out_of_bed"', f'"{kind}"', 1)
    loaded = load(text.replace('path = "$.state"', 'retained = "ignore"'), "bed.toml")
    assert "must never be ignored" in loaded.problems[0].text
    assert (loaded.problems[0].line, loaded.problems[0].where) == (13, "fields[0].retained")


def test_a_file_that_is_too_long_is_refused() -> None:
    loaded = load(GOOD + "#" * MAX_FILE, "bed.toml")
    assert [str(one) for one in loaded.problems] == ["bed.toml:1: is longer than 64 kB"]


@pytest.mark.parametrize("key", ["device", "topics"])
def test_what_a_pushed_family_needs(key: str) -> None:
    pushed = GOOD.replace('prefix = "bed"\n', 'adapter = "push"\n')
    if key == "device":
        pushed = pushed.replace(
            'topics = [\n  "{prefix}/{device}/state",\n  "{prefix}/{device}/status",\n]\n', ""
        ).replace('topic = "{prefix}/{device}/state"\n', "")
    missing = {one.where or one.text.split()[0].strip("`") for one in load(pushed, "x").problems}
    assert key in missing and ("topics" in missing) is (key == "topics")


def test_two_fields_must_not_read_the_same() -> None:
    again = "[[fields]]\npath = 'state'\nvalues = { 'x' = 'sos' }\n\n[[samples]]"
    (problem,) = load(GOOD.replace("[[samples]]", again), "bed.toml").problems
    assert (problem.where, problem.text) == ("fields[2]", "reads what fields[0] reads")


def test_a_shipped_mapping_has_no_mistakes() -> None:
    assert len(shipped()) >= 4
    assert [str(one) for each in shipped().values() for one in each.problems] == []


# ── lines ────────────────────────────────────────────────────────────────────────────────────────

keys = st.sampled_from(["a", "b", "c d", "é"])
leaves = st.sampled_from(
    ["1", "'x'", '"""\n\nx\n"""', "[\n 1,\n\n 2 ]", "{ k = [1] }", "'''\n[x]'''"]
)


@given(st.lists(st.tuples(keys, leaves, st.sampled_from(["", "\n", "# [x]\n"])), max_size=5))
def test_the_line_of_a_key_is_where_it_is_written(entries: list[tuple[str, str, str]]) -> None:
    text, wanted = "", {}
    for at in range(2):
        text += "[[t]]\n"
        for name, value, between in {name: (name, v, b) for name, v, b in entries}.values():
            text += between
            wanted["t", at, name] = text.count("\n") + 1
            text += f'"{name}" = {value}\n'
    tomllib.loads(text)
    found = lines_of(text)
    assert {place: found[place] for place in wanted} == wanted


def test_a_place_without_a_line_is_on_the_line_around_it() -> None:
    lines = lines_of("a = 1\n\n[t.u]\nx = { y = 1 }\n")
    assert line_at(lines, ("t", "u", "x", "y", "z")) == 4
    assert line_at(lines, ("t", "u", "missing")) == 3
    assert line_at(lines, ("nowhere",)) == 1


# ── whatever is written ──────────────────────────────────────────────────────────────────────────

TEXTS = [GOOD, *((ROOT / file).read_text("utf-8") for file in shipped())]
SCRAPS = st.sampled_from(
    [
        *("fields = 5", "[fields]", "[[fields]]", "[samples]", "samples = {}", "[fields.values]"),
        *("values = { on = 5 }", "ignore = [[1]]", "time = 1979-05-27", "when = 'x'", "data = []"),
        *("path = '$'", "payload = 'number'", "payload = 'text'", "each = '$'", "device = '$.x'"),
        *("unit = 'L'", "scale = inf", "offset = -nan", "register = 'power'", "prefix = ''"),
        *("topics = ['{prefix}']", "adapter = 'push'", "retained = 'ignore'", "means = [1]"),
        *("equals = []", "equals = [true, 1, 1.5, 'x']", "name.x = 1", "'' = 1", "roles = 'x'"),
        *("time_form = '%'", "time_form = '%q'", "time_zone = '../etc'", "time_zone = ''"),
        *("reports_every_s = 99999999999999999999", '"""', "'''", "]", "# x", "\0", "é = 1"),
    ]
)


@given(data=st.data())
def test_whatever_is_written_is_a_family_or_problems_with_lines(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines)))
        drop = data.draw(st.integers(0, 2))
        lines[at : at + drop] = data.draw(st.lists(SCRAPS, max_size=2))
    loaded = load("\n".join(lines), "x.toml")
    assert (loaded.family is None) is bool(loaded.problems)
    for problem in loaded.problems:
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.text and "\n" not in str(problem)
