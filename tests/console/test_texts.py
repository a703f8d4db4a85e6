"""The catalogue: both languages say the same things, and pages say nothing else."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import console
from alerting.incident import Move, Outcome, Stage
from alerting.wording import LANGUAGES
from care.model import Category, ElderStatus, UserRole, VisitMode
from care.status import REASONS
from console.away import _DAYS
from console.records import CHANGE, GROUPS, SAFETY
from console.texts import catalogue, preferred_language, words

PACKAGE = Path(console.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").glob("*.html"))
LITERAL = re.compile(r"""\bt(?:\.rich|\.lines)?\(\s*["']([a-z_]+\.[a-zA-Z0-9_-]+)["']\s*[,)]""")
BUILT = re.compile(r"""["'](?:f)?([a-z_]+\.(?:[a-z]+_)?)["']\s*~""")


SIGNS = frozenset(f"list.{sign}" for sign in ("comma", "colon", "stop"))
SIGNS |= {"pref.other_language", "error.invalid", "tried.told"}  # no words, or another language's


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_exists_in_every_language_with_the_same_places_to_fill() -> None:
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
        assert all(text.strip() for text in texts.values()), key
        assert len({frozenset(placeholders(text)) for text in texts.values()}) == 1, key


def test_chinese_texts_are_chinese_and_english_ones_are_not() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for key, texts in catalogue().items():
        if key not in SIGNS:
            assert chinese.search(texts["zh"]), key
            assert not chinese.search(texts["en"]), key


def used_keys() -> set[str]:
    sources = [*TEMPLATES, *PACKAGE.glob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    return set(LITERAL.findall(text))


def test_every_key_that_a_page_names_exists() -> None:
    assert used_keys() - set(catalogue()) == set()


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("move", {*Move, "notes", "heard"} - {Move.CLOSE} | {"close"}),
        ("lede", {*Stage, "pressed_again", "next"}),
        ("did", set(Stage)),
        ("category", set(Category)),
        ("status", set(ElderStatus)),
        ("status_reason", set(REASONS)),
        ("absence", {"tonight", *_DAYS}),
        ("role", set(UserRole)),
        ("mode_visit", set(VisitMode)),
        ("grade", {*CHANGE, *SAFETY}),
        ("record", {group.name for group in GROUPS} | {p.key for g in GROUPS for p in g.parts}),
        ("gate", {"outcome", "visit_record", "visit_or_waiver", "follow_ups"}),
        ("error", {f"{kind}_{status}" for kind in ("title", "text") for status in (403, 404, 500)}),
    ],
)
def test_words_made_of_a_section_and_a_value_exist_for_every_value(
    section: str, names: set[str]
) -> None:
    missing = {str(name) for name in names} - {
        key.partition(".")[2] for key in catalogue() if key.startswith(f"{section}.")
    }
    assert missing == set()


def test_every_target_of_a_ladder_has_a_name() -> None:
    from typing import get_args

    from alerting.escalation import Who

    assert {f"who.{name}" for name in get_args(Who)} <= set(catalogue())


def test_an_outcome_that_the_phone_offers_big_has_its_own_words() -> None:
    from console.phone import BIG_OUTCOMES

    for outcome, _ in BIG_OUTCOMES:
        assert f"my.outcome_{outcome}" in catalogue()
        assert outcome in {one.value for one in Outcome}


COMMENT = re.compile(r"{#.*?#}", re.S)
ATTRIBUTES = re.compile(
    r"{% block (?:body_class|main_attributes) %}.*?{% endblock %}"
    r"|{% macro (?:posting|marked|stands)\b.*?endmacro %}",
    re.S,
)
TAG = re.compile(r"{%.*?%}|{{.*?}}", re.S)
MARKUP = re.compile(r"<[^>]*>", re.S)
ENTITY = re.compile(r"&[a-z]+;")
KEY = re.compile(r"<kbd>.*?</kbd>", re.S)
SPOKEN_ATTRIBUTE = re.compile(r"""\b(?:aria-label|title|placeholder|alt)=["']([^"']*)["']""")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_speaks_by_itself(template: Path) -> None:
    """Words come from the catalogue; 120, 119 and the names of keys are the same everywhere."""
    text = template.read_text("utf-8")
    for pattern in (COMMENT, ATTRIBUTES, TAG):
        text = pattern.sub("", text)
    attributes = " ".join(SPOKEN_ATTRIBUTE.findall(text))
    said = ENTITY.sub("", MARKUP.sub(" ", KEY.sub("", text)))
    said = said.replace("120", "").replace("119", "").replace("<!doctype html>", "")
    assert re.findall(r"\w+", said + attributes) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_script_or_style_inside(template: Path) -> None:
    text = template.read_text("utf-8")
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on|\bhx-vals=.js", text)
    for script in re.findall(r"<script[^>]*>.*?</script>", text, re.S):
        assert re.fullmatch(r"<script src=\"/static/[^\"]+\"[^>]*></script>", script)


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        (None, "zh"),
        ("", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("de-DE,de;q=0.9,en;q=0.5", "en"),
        ("fr, en;q=0.3, zh-TW;q=0.7", "zh"),
        ("en;q=0, zh", "zh"),
        ("nonsense;q=x,;;", "zh"),
    ],
)
def test_the_language_follows_the_browser_where_anju_speaks_it(
    header: str | None, lang: str
) -> None:
    assert preferred_language(header) == lang


def test_markup_in_a_value_is_escaped() -> None:
    said = words("zh").rich("lede.acknowledged", owner="<b>王</b>", at="12:03")
    assert "&lt;b&gt;王&lt;/b&gt;" in said
