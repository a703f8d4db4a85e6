"""Every text of the pages, from one catalogue, in the reader's language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from alerting.wording import LANGUAGES

DEFAULT_LANGUAGE = "zh"
HTML_LANG = {"zh": "zh-CN", "en": "en"}
"""Language of Anju → the `lang` attribute, which also picks Chinese glyphs of shared fonts."""


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """`"nav.desk"` → language → text, from `texts.toml`."""
    data = tomllib.loads((resources.files("console") / "texts.toml").read_text("utf-8"))
    return {
        f"{section}.{name}": texts
        for section, entries in data.items()
        for name, texts in entries.items()
    }


class Words:
    """The catalogue in one language; templates call it as `t("nav.desk")`."""

    def __init__(self, lang: str) -> None:
        self.lang = lang if lang in LANGUAGES else DEFAULT_LANGUAGE

    def __call__(self, key: str, **values: Any) -> str:
        """The text with its `{values}` filled in; an unknown key raises `KeyError`."""
        template = catalogue()[key][self.lang]
        return template.format(**values) if values else template

    def rich(self, key: str, **values: Any) -> Markup:
        """The same for values that are markup themselves; everything else is escaped."""
        return Markup(escape(catalogue()[key][self.lang])).format(**values)

    def lines(self, key: str) -> list[str]:
        """A text of several lines as a list."""
        return [line.strip() for line in self(key).splitlines() if line.strip()]

    def has(self, key: str) -> bool:
        return key in catalogue()


@cache
def words(lang: str) -> Words:
    """One `Words` a language for the whole process."""
    return Words(lang)


def preferred_language(accept: str | None) -> str:
    """The first language of an `Accept-Language` header that Anju speaks; Chinese otherwise."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept or "").split(",")):
        tag, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            weight = 0.0
        lang = tag.strip().lower().split("-")[0]
        if lang in LANGUAGES and weight > 0:
            ranked.append((-weight, place, lang))
    return min(ranked)[2] if ranked else DEFAULT_LANGUAGE
