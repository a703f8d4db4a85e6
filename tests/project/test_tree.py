"""The project as it lies there: packages, paths, one commit site, texts in both languages."""

from __future__ import annotations

import ast
import importlib
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from alerting import wording
from care.policy import known_regions, load_policy
from devices import parts
from devices.registry import FAMILIES
from tests.project.tree import PACKAGES, ROOT, files, name

TEXT = {
    *(".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".conf", ".acl", ".lock", ".service"),
    *(".html", ".css", ".js", ".svg", ".txt", ".example", ".path", ".timer", ".json", ".jsonl"),
    "",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_with_a_common_name_is_ours(package: str) -> None:
    """`core` or `api` may also be somebody else's: an import must find the checkout's."""
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).resolve().parent == ROOT / package


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    # Put together here, so that this file does not find itself.
    folders = "|".join(("work/main", "work/shared", "root", "opt/pypi", "tmp/anju", "home/[a-z]+"))
    hosts = "|".join((r"pythonhosted\.org", r"pypi\.org/simple", r"tuna\.tsinghua", r"aliyun\.com"))
    forbidden = re.compile(rf"(?<![\w.])/({folders})\b|{hosts}|localhost:\d+/simple")
    found = [
        f"{name(path)}: {hit.group()}"
        for path in files()
        if path.suffix in TEXT and "vendor" not in path.parts
        for hit in forbidden.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_every_file_is_text_that_ends_with_one_line_break() -> None:
    untidy = [
        name(path)
        for path in files(*TEXT)
        if (text := path.read_bytes()) and (not text.endswith(b"\n") or b"\r\n" in text)
    ]
    assert [one for one in untidy if "/vendor/" not in one] == []


def _calls(tree: ast.AST, method: str) -> Iterator[int]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == method
        ):
            yield node.lineno


def test_one_place_commits() -> None:
    """One request, one batch, one due item is one transaction: only `core/db.py` ends it."""
    sites = [
        name(path)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for _ in _calls(ast.parse(path.read_text("utf-8")), "commit")
    ]
    assert sites == ["core/db.py"]


def test_nobody_waits_in_a_way_that_may_swallow_a_cancellation() -> None:
    """In Python 3.11 `asyncio.wait_for` does, when both come at once: a stop would hang."""
    sites = [
        name(path)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "asyncio.wait_for(" in path.read_text("utf-8")
    ]
    assert sites == [], "use asyncio.timeout"


def test_every_module_begins_with_a_caption() -> None:
    silent = [
        name(path)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations/versions" not in name(path)
        and (text := path.read_text("utf-8"))
        and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


# ── texts in both languages ──────────────────────────────────────────────────────────────────────


def _pairs() -> Iterator[tuple[str, tuple[str, str]]]:
    for module in (wording, parts):
        for table, content in vars(module).items():
            if table.isupper() and isinstance(content, Mapping):
                for key, pair in content.items():
                    if isinstance(pair, tuple) and all(isinstance(one, str) for one in pair):
                        yield f"{module.__name__}.{table}[{key}]", pair
    texts = tomllib.loads((ROOT / "console" / "texts.toml").read_text("utf-8"))
    for where, pair in _leaves(texts, "console/texts.toml"):
        yield where, (pair.get("zh", ""), pair.get("en", ""))
    for family in FAMILIES.values():
        yield f"family {family.name}", (family.title_zh, family.title_en)
    for region in known_regions():
        policy = load_policy(region)
        yield f"region {region}", (policy.title_zh, policy.title_en)


def _leaves(table: dict[str, object], where: str) -> Iterator[tuple[str, dict[str, str]]]:
    for key, value in table.items():
        assert isinstance(value, dict), f"{where} {key}: neither a section nor a text"
        if set(value) & {"zh", "en"}:
            yield f"{where} {key}", value
        else:
            yield from _leaves(value, f"{where} {key}")


def _fields(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def test_every_text_exists_in_both_languages_and_says_as_much_in_each() -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    bad = []
    for where, (zh, en) in _pairs():
        # A switch of language is named in the language that it switches to.
        if not zh or not en or (chinese.search(en) and "language" not in where):
            bad.append(where)
        elif _fields(zh) != _fields(en):
            bad.append(f"{where}: {_fields(zh) ^ _fields(en)}")
    assert bad == []


def test_there_are_texts_to_compare() -> None:
    assert len(list(_pairs())) > 300
