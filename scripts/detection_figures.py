"""The table and the plot of docs/detection.md, from a file of readings:

    python scripts/detection_figures.py --readings FILE.csv.gz

Prints the table as Markdown and writes docs/images/detection.svg. The readings that the figures
in this project rest on are those of the DAIAD project, trial A (CC BY-SA 4.0); they are not part
of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from core.errors import AnjuError
from gateway.evaluation.command import Options, evaluate

ROOT = Path(__file__).resolve().parent.parent
PLOT = ROOT / "docs" / "images" / "detection.svg"
RULES = (
    ("fixed-24h-10l", "24 h < 10 L (Taicang)"),
    ("fixed-12h-10l", "12 h < 10 L (Shanghai)"),
    ("adaptive-quiet", "adaptive, quiet"),
    ("adaptive-tight", "adaptive, tight"),
)
COLUMNS = (
    ("false alarms", "routine_false_alarms_per_year"),
    ("absences", "absences_per_year"),
    ("median h", "median_delay_h"),
    ("p90 h", "p90_delay_h"),
)

Found = dict[str, dict[str, Mapping[str, float]]]

WIDTH, HEIGHT, LEFT, BELOW, RIGHT, ABOVE = 720, 420, 64, 56, 24, 24
MOST_H, MOST_ALARMS = 28.0, 60.0


def score(readings: Path, samples: int) -> Found:
    """Rule → figure → its value and 95 % interval."""
    shown = Console(stderr=True)
    found: Found = {}
    for rule, _ in RULES:
        options = Options(readings=readings, rule=rule, score=True, samples=samples)
        found[rule] = evaluate(options, shown)["score"][rule]
    return found


def table(found: Found) -> Iterator[str]:
    """Markdown, a line a rule; intervals are 95 %, over homes."""
    yield "| rule | " + " | ".join(title for title, _ in COLUMNS) + " |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for rule, title in RULES:
        cells = ["{value:.1f} ({low:.1f}–{high:.1f})".format(**found[rule][key])
                 for _, key in COLUMNS]  # fmt: skip
        yield f"| {title} | " + " | ".join(cells) + " |"


def plot(found: Found) -> str:
    """An SVG: median delay to the right, routine false alarms upwards, both with intervals."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="14" role="img">',
        "<title>False alarms and delay of four rules on water meters</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_axes(),
    ]
    for rule, title in RULES:
        parts += _point(title, found[rule]["median_delay_h"], found[rule][COLUMNS[0][1]])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(hours: float) -> float:
    return round(LEFT + hours / MOST_H * (WIDTH - LEFT - RIGHT), 1)


def _y(alarms: float) -> float:
    return round(HEIGHT - BELOW - alarms / MOST_ALARMS * (HEIGHT - BELOW - ABOVE), 1)


def _axes() -> Iterator[str]:
    for hours in range(0, 29, 4):
        yield f'<path d="M{_x(hours)} {_y(0)}V{_y(MOST_ALARMS)}" stroke="#d9dfe3"/>'
        yield f'<text x="{_x(hours)}" y="{_y(0) + 20}" text-anchor="middle">{hours}</text>'
    for alarms in range(0, 61, 10):
        yield f'<path d="M{LEFT} {_y(alarms)}H{WIDTH - RIGHT}" stroke="#d9dfe3"/>'
        yield f'<text x="{LEFT - 8}" y="{_y(alarms) + 5}" text-anchor="end">{alarms}</text>'
    yield (
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
        "median delay, hours</text>"
    )
    yield (
        f'<text transform="translate(18 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        "false alarms a household and year</text>"
    )


def _point(title: str, delay: Mapping[str, float], alarms: Mapping[str, float]) -> Sequence[str]:
    x, y = _x(delay["value"]), _y(alarms["value"])
    ours, is_left = title.startswith("adaptive"), delay["value"] < MOST_H / 2
    colour = "#0b5f66" if ours else "#5b6b79"
    sign = (
        f'<circle cx="{x}" cy="{y}" r="6" fill="{colour}"/>'
        if ours
        else f'<rect x="{x - 5}" y="{y - 5}" width="10" height="10" fill="{colour}"/>'
    )
    across = f"M{_x(delay['low'])} {y}H{_x(delay['high'])}"
    upwards = f"M{x} {_y(alarms['low'])}V{_y(alarms['high'])}"
    return (
        f'<path d="{across}{upwards}" stroke="{colour}" stroke-width="2"/>',
        sign,
        f'<text x="{x + (12 if is_left else -12)}" y="{y - 8}" fill="#12181d" '
        f'text-anchor="{"start" if is_left else "end"}">{title.replace("<", "&lt;")}</text>',
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--readings", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=400, help="emergencies tried in each home")
    options = parser.parse_args(arguments)
    try:
        found = score(options.readings, options.samples)
        PLOT.write_text(plot(found), "utf-8")
    except (AnjuError, OSError) as error:
        print(f"figures: {error}", file=sys.stderr)
        return 1
    print("\n".join(table(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
