"""The documents say what is there: links lead somewhere, names exist, examples hold."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import typer.main

import core.metrics
from alerting.detectors.fixed import PRESETS
from alerting.incident import MOVES
from alerting.telling.links import sign
from core.clock import SystemClock
from core.settings import Settings
from devices.event import DEVICE_ROLES, EVENT_KINDS, REGISTER_UNITS
from devices.preview import preview
from gateway.cli import app
from tests.project.tree import PACKAGES, ROOT

DOCS = ROOT / "docs"
ADRS = sorted((DOCS / "adr").glob("[0-9]*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("benchmarks/*.md")])
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_IN_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
_FOLDERS = "|".join((*PACKAGES, "deploy", "scripts", "tests", "benchmarks", "docs"))
_PATH = re.compile(rf"(?<![\w/.-])((?:{_FOLDERS})/[\w/.-]*\w/?)(?![\w*{{/])")
_PLACEHOLDERS = {"care/policies/NAME.toml"}
_OWN_TWO = {"motion", "button"}  # kinds that only Anju itself makes of a bridge's words


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def in_code(text: str) -> str:
    """Fenced blocks and `inline code`, a line each: what a reader takes literally."""
    return "\n".join(_IN_CODE.findall(text))


def slug(heading: str) -> str:
    """The anchor that a heading gets on the usual forges."""
    words = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text("utf-8"))
    return {slug(found) for found in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def rows(page: str) -> Iterator[list[str]]:
    """The cells of every table row of a page."""
    for line in text_of(page).splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


# ── links and names ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", NAMES)
def test_every_link_and_picture_leads_somewhere(page: str) -> None:
    here = ROOT / page
    lost = []
    for target in _LINK.findall(_FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (here.parent / path).resolve() if path else here
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("page", NAMES)
def test_every_path_named_exists(page: str) -> None:
    named = set(_PATH.findall(in_code(text_of(page)))) - _PLACEHOLDERS
    made_by_make_secrets = {f"deploy/{one.stem}" for one in (ROOT / "deploy").glob("*.env.example")}
    assert {one for one in named - made_by_make_secrets if not (ROOT / one).exists()} == set()


def test_every_page_is_in_the_index() -> None:
    linked = set(_LINK.findall(text_of("docs/index.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= linked


def test_every_picture_is_shown() -> None:
    shown = {target.rsplit("/", 1)[-1] for page in NAMES for target in _LINK.findall(text_of(page))}
    assert {picture.name for picture in (DOCS / "images").iterdir()} <= shown


@pytest.mark.parametrize("page", NAMES)
def test_every_make_target_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", in_code(text_of(page)))) <= targets


# ── decisions ────────────────────────────────────────────────────────────────────────────────────


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(adr.name[:4]) for adr in ADRS] == list(range(1, len(ADRS) + 1))


@pytest.mark.parametrize("adr", ADRS, ids=lambda adr: adr.stem)
def test_a_decision_has_its_parts_and_is_in_the_index(adr: Path) -> None:
    text = adr.read_text("utf-8")
    number, title = re.findall(r"\A# (\d{4}) (.+)$", text, re.MULTILINE)[0]
    assert number == adr.name[:4]
    assert f"[{number}]({adr.name}) {title}" in text_of("docs/adr/README.md")
    for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
        assert part in text


# ── settings, commands, metrics ──────────────────────────────────────────────────────────────────


def test_settings_are_those_there_are_with_their_defaults() -> None:
    documented = {cells[0]: cells[1] for cells in rows("docs/settings.md") if "ANJU_" in cells[0]}
    fields = Settings.model_fields
    assert set(documented) == {f"`ANJU_{field.upper()}`" for field in fields}
    for name, field in fields.items():
        default = documented[f"`ANJU_{name.upper()}`"]
        if field.is_required():
            assert "required" in default, name
        elif field.default == "":
            assert default.startswith("empty"), name
        else:
            assert default == f"`{field.default}`", name


@pytest.mark.parametrize("page", NAMES)
def test_no_setting_is_invented(page: str) -> None:
    named = set(re.findall(r"\bANJU_([A-Z_]+)\b", text_of(page)))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def commands() -> set[str]:
    """Every command as it is typed, without `anju`."""

    def below(group: Any, prefix: str) -> Iterator[str]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from below(command, f"{prefix}{name} ")
            else:
                yield f"{prefix}{name}"

    return set(below(typer.main.get_command(app), ""))


def test_every_command_is_described() -> None:
    everything = "\n".join(text_of(page) for page in NAMES)
    everything = everything.replace("press, fall, silence", "simulate press simulate fall silence")
    missing = {one for one in commands() if not re.search(rf"\b{one.split()[-1]}\b", everything)}
    assert missing == set()
    assert all(f"anju {one}" in everything for one in commands() if not one.startswith("simulate"))


@pytest.mark.parametrize("page", [name for name in NAMES if name.startswith("docs/")])
def test_no_command_is_invented(page: str) -> None:
    first_words = {one.split()[0] for one in commands()}
    typed = set(re.findall(r"(?:bin/|\$ |anju |^`?)anju ([a-z]+)", in_code(text_of(page)), re.M))
    assert typed <= first_words


def metric_names() -> set[str]:
    """As Prometheus sees them: counters end with _total."""
    kinds = (prometheus_client.Counter, prometheus_client.Gauge, prometheus_client.Histogram)
    found = [one for one in vars(core.metrics).values() if isinstance(one, kinds)]
    return {
        f"{one._name}_total" if isinstance(one, prometheus_client.Counter) else one._name
        for one in found
    }


def test_metrics_are_those_there_are() -> None:
    cells = [row[0] for row in rows("docs/operations.md")]
    listed = {cell.strip("`") for cell in cells if re.fullmatch(r"`anju_\w+`", cell)}
    assert listed == metric_names()
    mentioned = set(re.findall(r"\banju_[a-z_]+", text_of("docs/operations.md")))
    assert mentioned <= metric_names()


# ── words and examples ───────────────────────────────────────────────────────────────────────────


def test_the_device_page_names_every_kind_register_role_and_preset() -> None:
    words = set(re.findall(r"[\w-]+", in_code(text_of("docs/devices.md"))))
    assert words >= EVENT_KINDS - _OWN_TWO
    assert words >= set(REGISTER_UNITS) - {"link_quality"}
    assert words >= DEVICE_ROLES
    assert words >= set(PRESETS)


def test_the_stage_table_is_the_code_s() -> None:
    table = {
        cells[0].strip("`"): (
            set(cells[1].split(", ")),
            re.match(r"\w+", cells[2])[0],  # type: ignore[index]
        )
        for cells in rows("docs/rest.md")
        if len(cells) == 3 and cells[0].strip("`") in set(MOVES)
    }
    assert table == {
        move.value: ({stage.value for stage in sources}, target.value)
        for move, (sources, target) in MOVES.items()
    }


def test_the_example_verifies_what_anju_signs() -> None:
    code = re.findall(r"```python\n(.*?)```", text_of("docs/channels.md"), re.DOTALL)[0]
    example: dict[str, Any] = {}
    exec(code, example)  # what a reader copies
    is_from_anju = example["is_from_anju"]
    body = '{"type":"incident.opened","text":"安居"}'.encode()
    assert is_from_anju("s3cret-of-a-channel", body, sign("s3cret-of-a-channel", body))
    assert not is_from_anju("s3cret-of-a-channel", body + b" ", sign("s3cret-of-a-channel", body))
    assert not is_from_anju("another secret", body, sign("s3cret-of-a-channel", body))
    assert not is_from_anju("s3cret-of-a-channel", body, None)


def test_devices_try_prints_what_the_page_shows() -> None:
    block = re.findall(r"```\n(\$ anju devices try.*?)```", text_of("docs/devices.md"), re.DOTALL)[
        0
    ]
    shown: list[tuple[list[str], list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            shown.append((shlex.split(line), []))
        else:
            shown[-1][1].append(line.partition("  (")[0])
    assert len(shown) == 2
    for words, lines in shown:
        given = dict(zip(words[4::2], words[5::2], strict=True))
        made = preview(
            given["--topic"],
            given["--payload"].encode(),
            given.get("--role"),
            SystemClock().now(),
        )
        said = [
            f"{e['device']}: {e.get('kind') or e['register']}"
            + ("" if e.get("value") is None else f" {e['value']} {e['unit']}")
            for e in made["events"]
        ]
        assert said == lines
