"""What lies in the checkout, without what tools and demos leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "devices", "care", "alerting", "api", "console", "gateway", "simulators")
_LEFT_BEHIND = {"__pycache__", "demo-data", "dist", "build", "tmp", "node_modules"}
_OURS_THOUGH_HIDDEN = {".ci", ".gitignore", ".dockerignore", ".pre-commit-config.yaml"}


def files(*suffixes: str) -> Iterator[Path]:
    """Every file of the project; with `suffixes` only those that end so."""
    yield from (one for one in _below(ROOT) if not suffixes or one.suffix in suffixes)


def _below(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        hidden = entry.name.startswith(".") and entry.name not in _OURS_THOUGH_HIDDEN
        if hidden or entry.name in _LEFT_BEHIND or entry.name.endswith(".egg-info"):
            continue
        if entry.is_dir():
            yield from _below(entry)
        elif entry.suffix not in {".db", ".db-wal", ".db-shm", ".env"}:
            yield entry


def name(path: Path) -> str:
    """As a person would say it, from the top of the project."""
    return path.relative_to(ROOT).as_posix()
