"""The common body of the schemes' visit record, as a form: three grades wherever they ask for them.

Source: the record tables attached to the five schemes (Guangdong 粤民发〔2023〕95号 附件2 and its
siblings): 家庭状况、健康状况、精神状态、安全情况、卫生状况、居住环境、服务需求、建议、满意度.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.texts import Words

CHANGE = ("unchanged", "better", "worse")
SAFETY = ("safe", "fairly_safe", "unsafe")
PREFIX = "record_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One question. `options` are its grades; without any it is answered in words.

    "Unchanged" is filled in beforehand; safety is not, so that somebody has to look.
    """

    key: str
    options: tuple[str, ...] = ()
    default: str = ""
    short: bool = False

    def labelled(self, t: Words) -> list[tuple[str, str]]:
        return [(option, t(f"grade.{option}")) for option in self.options]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    name: str
    parts: tuple[Part, ...]


def _change(*keys: str) -> tuple[Part, ...]:
    return tuple(Part(key=key, options=CHANGE, default="unchanged") for key in keys)


GROUPS = (
    Group(
        name="household",
        parts=(Part(key="members", options=("unchanged", "more", "fewer"), default="unchanged"),),
    ),
    Group(
        name="health",
        parts=(
            *_change("expression", "mobility"),
            Part(key="illness", options=("unchanged", "worse", "better"), default="unchanged"),
            Part(key="illness_name", short=True),
        ),
    ),
    Group(name="spirit", parts=_change("mood")),
    Group(
        name="safety",
        parts=tuple(
            Part(key=key, options=SAFETY)
            for key in ("gas_safety", "water_heating_safety", "electricity_safety")
        ),
    ),
    Group(name="hygiene", parts=_change("personal_hygiene", "home_hygiene")),
    Group(name="housing", parts=_change("indoor_environment")),
    Group(
        name="care",
        parts=(
            Part(key="needs"),
            Part(key="advice"),
            Part(key="care_given"),
            Part(key="satisfaction", options=("satisfied", "fair", "dissatisfied")),
        ),
    ),
)
PARTS = {part.key: part for group in GROUPS for part in group.parts}


def answers(fields: Mapping[str, str]) -> dict[str, Any]:
    """What a submitted form says, for `care/visit_record.py` to check, without empty answers."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in fields.items()
        if value and name.startswith(PREFIX) and name.removeprefix(PREFIX) in PARTS
    }
