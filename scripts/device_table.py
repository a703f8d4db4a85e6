"""Writes the tables of docs/devices.md from the families themselves; a test compares.

Run it after a family was added or changed: `.venv/bin/python -m scripts.device_table`.
"""

from __future__ import annotations

from pathlib import Path

from devices.event import CLEARING_KINDS, EVENT_KINDS, REGISTER_UNITS
from devices.family import DeviceFamily
from devices.registry import FAMILIES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "devices.md"
BEGIN = "<!-- written by scripts/device_table.py: begin -->"
END = "<!-- end -->"


def tables() -> str:
    """Everything between the two marks: a row a family, then what is odd about each."""
    rows = "\n".join(_row(each) for each in FAMILIES.values())
    quirks = "\n\n".join(_quirks(each) for each in FAMILIES.values() if each.quirks)
    return (
        "| family | topics, by default | understood | how one knows that it lives |\n"
        f"|---|---|---|---|\n{rows}\n\n## Known quirks\n\n{quirks}\n"
    )


def _row(family: DeviceFamily) -> str:
    topics = " ".join(f"`{each}`" for each in family.subscriptions(family.default_prefix))
    cells = (
        f"**{family.title_en}** `{family.name}`",
        topics or "HTTP push",
        _understood(family),
        f"{family.liveness}. {_silence(family)}".removeprefix(". "),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _understood(family: DeviceFamily) -> str:
    """Kinds without those that end them, then registers; a native device may say anything."""
    if not family.capabilities:
        return "an inventory: suggestions for registering"
    if set(family.capabilities) >= EVENT_KINDS:
        return "every kind and register below"
    kinds = [one for one in family.capabilities if one in EVENT_KINDS and one not in CLEARING_KINDS]
    registers = [one for one in family.capabilities if one in REGISTER_UNITS]
    return "; ".join(", ".join(words) for words in (kinds, registers) if words)


def _silence(family: DeviceFamily) -> str:
    if not family.supervised:
        return "Its silence means nothing: unsupervisable"
    if family.reports_every_s is None:
        return "Normal silence: by role"
    return f"Normal silence: {family.reports_every_s / 3600:g} h"


def _quirks(family: DeviceFamily) -> str:
    lines = "\n".join(f"- {quirk}" for quirk in family.quirks)
    return f"### {family.title_en}\n\n{lines}"


def written(page: str) -> str:
    """The page with the present tables in it. Raises `ValueError` when a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/devices.md has lost its marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
