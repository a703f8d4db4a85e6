"""A script of what happens in the town, as TOML; wrong ones are refused with their line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from core.errors import AnjuError
from simulators.town import Town

SCENARIOS = Path(__file__).parent / "scenarios"
Act = Literal["press", "fall", "smoke", "smoke_clear", "battery_low", "offline", "online"]
Past = Literal["water_stopped", "nears_limit", "passed_limit", "tap_left_on"]

_SPAN = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):([0-5]\d)")
_ROLES_OF: dict[str, frozenset[str]] = {
    "press": frozenset({"sos_button"}),
    "fall": frozenset({"fall_detector"}),
    "smoke": frozenset({"smoke_detector"}),
    "smoke_clear": frozenset({"smoke_detector"}),
    "water_stopped": frozenset({"water_meter"}),
    "nears_limit": frozenset({"water_meter"}),
    "passed_limit": frozenset({"water_meter"}),
    "tap_left_on": frozenset({"water_meter"}),
}
"""What only devices of certain roles can do; anything else every device can."""


class ScenarioError(AnjuError):
    """A scenario cannot be played; the message begins with `file:line:`."""

    code = "scenario"


def _span(value: object) -> timedelta:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('write minutes and seconds as "12:30", or hours too as "1:12:30"')
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    if found[1] is not None and minutes >= 60:
        raise ValueError("minutes after hours go up to 59")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


Span = Annotated[timedelta, BeforeValidator(_span)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Before(_Strict):
    """Something that began before the demo does, and shows in the meter's history."""

    device: str
    does: Past
    ago: Span | None = None  # of `passed_limit`: since when the home is past its last limit
    left: Span | None = None  # of `nears_limit`: how long until the home's first limit is passed
    or_else: tuple[str, ...] = ()  # meters that take its part at hours at which it cannot

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        wanted, other = ("left", "ago") if self.does == "nears_limit" else ("ago", "left")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"{self.does} takes `{wanted}` and not `{other}`")
        return self


class Step(_Strict):
    """One thing that happens, `at` so long after the console is up."""

    at: Span
    device: str
    does: Act
    zh: str = Field(min_length=1)  # what the live view says
    en: str = Field(min_length=1)


class PhoneRule(_Strict):
    """How the telephone of a home's elder or contact behaves without anybody at the fake phone."""

    home: int = Field(ge=1)
    rank: int = Field(1, ge=0)  # 0: the elder's own
    answers: bool | None = None
    key: str | None = Field("1", pattern=r"^[0-9*#]$")
    busy: bool = False
    fails: bool = False


class Scenario(_Strict):
    """A whole script, its steps in order of time."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    before: tuple[Before, ...] = ()
    phone: tuple[PhoneRule, ...] = ()
    step: tuple[Step, ...] = Field(min_length=1)

    def past_of(self, device_id: str) -> dict[Past, timedelta]:
        """What began before the demo for a device, and how long ago."""
        mine = (past for past in self.before if past.device == device_id)
        return {past.does: past.ago for past in mine if past.ago is not None}


def load_scenario(name_or_path: str, town: Town) -> Scenario:
    """The scenario of that name in `simulators/scenarios/`, or of a `.toml` file.

    Raises `ScenarioError` when there is none, when it is not TOML, or when a line of it cannot
    be played in `town`.
    """
    path = _find(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read ({error})") from error
    return parse_scenario(text, town, path.name)


def parse_scenario(text: str, town: Town, name: str = "scenario") -> Scenario:
    """The scenario in a TOML text. Raises `ScenarioError` naming `name` and the line."""
    try:
        scenario = Scenario.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        number = int(line[1]) if line else len(text.splitlines())
        raise ScenarioError(f"{name}:{number}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        problem = first["msg"].removeprefix("Value error, ")
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{name}:{_line_of(text, first['loc'])}: {where}: {problem}") from error
    for loc, problem in _misfits(scenario, town):
        raise ScenarioError(f"{name}:{_line_of(text, loc)}: {problem}")
    return scenario.model_copy(update={"step": tuple(sorted(scenario.step, key=lambda s: s.at))})


def scenario_names() -> tuple[str, ...]:
    """The scenarios that come with Anju."""
    return tuple(sorted(path.stem for path in SCENARIOS.glob("*.toml")))


def _find(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    path = SCENARIOS / f"{name_or_path}.toml"
    if not path.is_file():
        known = ", ".join(scenario_names())
        raise ScenarioError(f"no scenario is called {name_or_path!r}; there are: {known}")
    return path


def _misfits(scenario: Scenario, town: Town) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(place, problem) of everything that the town's devices cannot do."""
    acts: list[tuple[str, Sequence[Before | Step]]] = [
        ("before", scenario.before), ("step", scenario.step),
    ]  # fmt: skip
    for table, rows in acts:
        for index, row in enumerate(rows):
            others = row.or_else if isinstance(row, Before) else ()
            for name in (row.device, *others):
                device = town.device(name)
                if device is None:
                    yield (table, index, "device"), f"the town has no device {name!r}"
                elif device.role not in _ROLES_OF.get(row.does, {device.role}):
                    yield (table, index, "does"), f"a {device.role} cannot do {row.does!r}"
    homes = {home.number for home in town.homes}
    for index, rule in enumerate(scenario.phone):
        if rule.home not in homes:
            yield ("phone", index, "home"), f"the town has no home {rule.home}"


def _line_of(text: str, loc: Sequence[str | int]) -> int:
    """The line of `("step", 2, "at")`: the third `[[step]]`, and in it the key `at`."""
    lines = text.splitlines()
    tables = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    table = re.compile(rf"\s*\[\[?\s*{re.escape(str(loc[0]))}\s*\]")
    named = [number for number in tables if table.match(lines[number])]
    index = loc[1] if len(loc) > 1 and isinstance(loc[1], int) else 0
    if index < len(named):
        start = named[index]
        end = next((number for number in tables if number > start), len(lines))
    else:  # a key above all tables; of an array written inline, its first line will do
        start, end = 0, tables[0] if tables else len(lines)
        loc = loc[:1]
    key = re.compile(rf"\s*[\"']?{re.escape(str(loc[-1]))}[\"']?\s*=")
    return next((number for number in range(start, end) if key.match(lines[number])), start) + 1
