"""Rows of a spreadsheet as devices to register, each with what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from alerting.fleet.importing.sheet import Row, Sheet, SheetError
from alerting.wording.words import ROLE
from devices.registry import FAMILIES

NATIVE = "native"
"""The family of devices that speak for themselves, and the source they share."""

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "id": ("编号", "设备编号", "id", "device id", "device"),
    "family": ("类型", "设备类型", "family", "type"),
    "source": ("接入源", "网关", "source", "source id"),
    "child_id": ("设备地址", "imei", "child id", "child"),
    "role": ("用途", "role"),
    "elder": ("老人", "老人姓名", "elder", "elder id"),
    "phone": ("老人电话", "电话", "phone"),
    "home": ("住户", "住址", "home", "home id", "address"),
    "room": ("房间", "room"),
    "model": ("型号", "model"),
    "vendor": ("厂家", "品牌", "vendor"),
}
"""Field → headings that name it, the template's first; compared without case, marks and spaces."""

EXAMPLE_MARKS = ("示例", "例：", "例:", "example")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST = {"child_id": 200, "room": 100, "model": 200, "vendor": 200, "elder": 100, "source": 200}


class Problem(msgspec.Struct, frozen=True):
    """Why one cell cannot be used: `code` is a key of the wording, `values` fill it in."""

    field: str
    value: str
    code: str
    values: dict[str, Any] = {}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One device as the row names it; `values` holds texts by field, "" where nothing stands."""

    row: int
    values: dict[str, str]
    problems: tuple[Problem, ...] = ()
    is_example: bool = False


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, how the file calls each field, and its columns that mean nothing to us."""

    lines: tuple[Line, ...]
    columns: dict[str, str]
    unused: tuple[str, ...]


def read_lines(sheet: Sheet) -> Lines:
    """Judge every row by itself and against those above it. Raises `SheetError` for headings."""
    places, unused = _places(sheet.headings)
    seen: dict[tuple[str, ...], int] = {}
    lines = tuple(_line(row, places, seen) for row in sheet.rows)
    if not lines:
        raise SheetError("empty")
    columns = {field: sheet.headings[place] for field, place in places.items()}
    return Lines(lines=lines, columns=columns, unused=unused)


def _places(headings: tuple[str, ...]) -> tuple[dict[str, int], tuple[str, ...]]:
    known = {plain(name): field for field, names in HEADINGS.items() for name in names}
    places: dict[str, int] = {}
    unused: list[str] = []
    for place, heading in enumerate(headings):
        field = known.get(plain(heading))
        if field is None:
            unused.extend([heading] if heading else [])
        elif field in places:
            raise SheetError("heading_twice", first=headings[places[field]], second=heading)
        else:
            places[field] = place
    missing = [HEADINGS[field][0] for field in ("id", "role") if field not in places]
    if missing:
        raise SheetError("heading_missing", missing=missing, found=list(headings)[:10])
    return places, tuple(unused)


def plain(text: str) -> str:
    """For comparing what people type: no case, spaces, marks or explanations in brackets."""
    return re.sub(r"[（(].*?[)）]|[\s_*＊:：-]", "", text).lower()


def _line(row: Row, places: Mapping[str, int], seen: dict[tuple[str, ...], int]) -> Line:
    values = dict.fromkeys(HEADINGS, "")
    problems: list[Problem] = []
    for field, place in places.items():
        if place >= len(row.cells):
            continue
        cell = row.cells[place]
        values[field] = cell.text
        if cell.doubt is not None:
            problems.append(Problem(field, cell.text, cell.doubt))
        elif len(cell.text) > _LONGEST.get(field, 400):
            problems.append(Problem(field, cell.text, "too_long"))
    if values["id"].lower().startswith(EXAMPLE_MARKS):
        return Line(row=row.number, values=values, is_example=True)
    doubted = {problem.field for problem in problems}
    problems += [one for one in _judge(values) if one.field not in doubted]
    problems += _twice(row.number, values, seen)
    return Line(row=row.number, values=values, problems=tuple(problems))


def _judge(values: dict[str, str]) -> list[Problem]:
    """What is wrong within a row; puts codes in place of the names of roles and families."""
    problems: list[Problem] = []
    if not values["id"]:
        problems.append(Problem("id", "", "missing"))
    elif not _ID.fullmatch(values["id"]):
        problems.append(Problem("id", values["id"], "bad_id"))
    role = _ROLES.get(plain(values["role"]))
    if role is None:
        code = "unknown_role" if values["role"] else "missing_role"
        problems.append(Problem("role", values["role"], code, {"roles": list(ROLE)}))
    values["role"] = role or values["role"]
    family = _FAMILIES.get(plain(values["family"]))
    if values["family"] and family is None:
        known = {"families": sorted(FAMILIES)}
        return [*problems, Problem("family", values["family"], "unknown_family", known)]
    if family is None and plain(values["source"]) in ("", *_NATIVE_WORDS):
        family = NATIVE
    values["family"] = family or ""
    return problems + _origin(values)


def _origin(values: dict[str, str]) -> list[Problem]:
    """A native device is its own child; any other needs a source and its id there."""
    is_native = bool(values["family"]) and not FAMILIES[values["family"]].is_bridge
    problems: list[Problem] = []
    if is_native:
        if values["source"] and plain(values["source"]) not in _NATIVE_WORDS:
            problems.append(Problem("source", values["source"], "native_source"))
        if values["child_id"] not in ("", values["id"]):
            problems.append(Problem("child_id", values["child_id"], "native_child"))
        values["source"], values["child_id"] = NATIVE, values["id"]
        return problems
    for field in ("source", "child_id"):
        if not values[field]:
            problems.append(Problem(field, "", f"missing_{field}"))
    return problems


def _twice(row: int, values: Mapping[str, str], seen: dict[tuple[str, ...], int]) -> list[Problem]:
    problems: list[Problem] = []
    for field, key in (
        ("id", ("id", values["id"])),
        ("child_id", ("child", plain(values["source"]), values["child_id"])),
    ):
        first = seen.setdefault(key, row) if values[field] else row
        if first != row and not (field == "child_id" and problems):
            problems.append(Problem(field, values[field], "twice", {"row": first}))
    return problems


_NATIVE_WORDS = frozenset({"native", "直连"})
_ROLES = {plain(role): role for role in ROLE} | {
    plain(name): role for role, names in ROLE.items() for name in names
}
_FAMILIES = (
    {plain(name): name for name in FAMILIES}
    | {plain(family.title_zh): name for name, family in FAMILIES.items()}
    | {plain(family.title_en): name for name, family in FAMILIES.items()}
    | dict.fromkeys(_NATIVE_WORDS, NATIVE)
)
