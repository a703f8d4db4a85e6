"""docs/mappings.md is true: its commands print what it shows, its tables hold every key."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import registry
from devices.mapping.model import FieldTable, MappingTable, SampleTable, WhenTable
from tests.gateway import cli
from tests.project.tree import ROOT

PAGE = (ROOT / "docs" / "mappings.md").read_text("utf-8")
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, list[str]]]:
    """(language, lines) of every fenced block, without the list's indentation."""
    for indent, language, content in _BLOCK.findall(PAGE):
        yield language, [line.removeprefix(indent) for line in content.splitlines()]


def calls(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """(command, what it prints)."""
    shown: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            shown.append((line[2:], []))
        else:
            shown[-1][1].append(line)
    yield from shown


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "mappings").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    registry.use_own(())


def test_a_reader_who_follows_the_page_sees_what_it_shows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = []
    for language, lines in blocks():
        if language == "toml":
            Path(lines[0].removeprefix("# ")).write_text("\n".join(lines) + "\n", "utf-8")
            continue
        for command, printed in calls(lines):
            words = shlex.split(command)
            done.append(" ".join(words[:4]))
            if words[0] == "sed":
                _edit(*words[1:])
                continue
            ran = cli.run_here(monkeypatch, capsys, *words[1:], settings={})
            said = [line.partition("  (confirmed")[0] for line in (ran.out + ran.err).splitlines()]
            assert said == printed, command
    assert done == [
        "anju devices mapping new",
        "anju devices mapping check",
        "anju devices try --mapping",
        "anju devices try --mapping",
        "sed -i s/\"battery_pct\"/\"batery_pct\"/ mappings/gas.toml",
        "anju devices mapping check",
        "anju devices mapping from-discovery",
    ]  # fmt: skip


def _edit(_in_place: str, script: str, file: str) -> None:
    """`sed -i s/was/is/ FILE`."""
    _, was, instead, _ = script.split("/")
    text = Path(file).read_text("utf-8")
    assert was in text
    Path(file).write_text(text.replace(was, instead), "utf-8")


def test_the_draft_of_the_page_is_what_its_finished_file_grew_from(folder: Path) -> None:
    """The prefix and the topics that were guessed are those that are kept."""
    (draft, file) = [lines for language, lines in blocks()][:2]
    assert {line for line in draft if line.startswith(("prefix", "topics", "time"))} <= set(file)


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("### The file", MappingTable),
        ("### `[[fields]]`", FieldTable),
        ("### `[[samples]]`", SampleTable),
    ],
)
def test_the_tables_name_every_key_and_no_other(
    heading: str, table: type[MappingTable | FieldTable | SampleTable]
) -> None:
    section = PAGE.partition(f"{heading}\n")[2].partition("\n### ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    bold = {name for cell in cells for name in re.findall(r"\*\*`(\w+)`\*\*", cell)}
    fields = {field.alias or name: field for name, field in table.model_fields.items()}
    assert named == set(fields)
    needed = {name for name, field in fields.items() if field.is_required()}
    assert bold - {"topics", "prefix"} == needed


def test_the_keys_of_when_are_named() -> None:
    (sentence,) = re.findall(r"^`when` has the keys .*$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", sentence)) == {"when", *WhenTable.model_fields}
