"""Where in a document a value is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.mapping import paths, templates
from devices.mapping.paths import ABSENT

DOCUMENT = {"a": {"b": [{"c": 1}, {"c": 2}]}, "smoke state": "on", "n": None, "电池": 9, "x-1": 3}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.a.b[0].c", 1),
        ("a.b[1].c", 2),
        ("a.b[-1].c", 2),
        ("$['a']['b'][0][\"c\"]", 1),
        ("$['smoke state']", "on"),
        ("smoke state", "on"),
        ("$['smoke state ']", "on"),
        ("$.n", None),
        ("$.电池", 9),
        ("x-1", 3),
        ("$.a.b[2]", ABSENT),
        ("$.a.b[-3]", ABSENT),
        ("$.a.c", ABSENT),
        ("$.a[0]", ABSENT),
        ("$.n.m", ABSENT),
        ("$.a.b.c", ABSENT),
    ],
)
def test_what_stands_there(path: str, value: Any) -> None:
    assert paths.parse(path).find(DOCUMENT) == value


@pytest.mark.parametrize(
    "path",
    [
        *("", " ", ".a", "$.", "$..a", "$.a[", "$.a[x]", "$.a[*]", "$.a[?@.b]", "$['a", "a."),
        *("$.a[1]b", "$x[0]y", "$[]", "$.a[0][", ".".join("a" * 17)),
    ],
)
def test_what_is_no_path_says_so(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|deeper"):
        paths.parse(path)


steps = st.one_of(
    st.integers(0, 9), st.text(min_size=1, max_size=5).filter(lambda s: s == s.strip())
)


@given(way=st.lists(steps, max_size=6), value=st.integers())
def test_a_written_path_leads_back(way: list[str | int], value: int) -> None:
    if any(isinstance(step, str) and "'" in step and '"' in step for step in way):
        return  # no quotes are left to write it with
    document: Any = value
    for step in reversed(way):
        document = [None] * step + [document] if isinstance(step, int) else {step: document}
    assert paths.parse(paths.write(*way)).find(document) == value


@pytest.mark.parametrize(
    ("template", "topic", "matches", "device", "prefix"),
    [
        ("{prefix}/{device}/state", "p/d/state", True, "d", "p"),
        ("{prefix}/{device}/state", "a/b/d/state", False, None, "a/b"),
        ("{prefix}/{device}/state", "p/d/status", False, None, None),
        ("{prefix}/+/{device}", "p/x/卧室 1", True, "卧室 1", "p"),
        ("{prefix}/{device}", "p/d/x", False, None, "p/d"),
        ("{prefix}/up", "p/up", True, None, "p"),
        ("{prefix}/{device}", "d", False, None, None),
    ],
)
def test_a_topic_of_a_template(
    template: str, topic: str, matches: bool, device: str | None, prefix: str | None
) -> None:
    parsed = templates.parse(template)
    levels = topic.removeprefix("p/").split("/")
    assert (topic.startswith("p/") and parsed.match(levels)) is matches
    assert not matches or parsed.device(levels) == device
    assert parsed.prefix_of(topic) == prefix
    assert parsed.filter("home/x") == template.replace("{prefix}", "home/x").replace(
        "{device}", "+"
    )


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{prefix}", "must begin with"),
        ("bed/{device}", "must begin with"),
        ("{prefix}//x", "empty level"),
        ("{prefix}/{device}/{device}", "twice"),
        ("{prefix}/x-{device}", "neither a word"),
        ("{prefix}/#", "neither a word"),
        ("{prefix}/{id}", "neither a word"),
        ("{prefix}/a\nb", "printed"),
    ],
)
def test_what_is_no_template_says_so(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        templates.parse(template)
