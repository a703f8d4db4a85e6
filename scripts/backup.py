"""Copies Anju's SQLite database while it is in use, checks the copy, and forgets old ones.

    python scripts/backup.py /var/lib/anju/anju.db /var/backups/anju --keep 14

For PostgreSQL use pg_dump, see docs/install.md.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from core.clock import SystemClock


class BackupError(Exception):
    """The copy was not made, or is not sound; `str(error)` says why in one line."""


def copy(database: Path, target: Path) -> None:
    """A consistent copy of a database that others write to. Raises `BackupError`."""
    if not database.is_file():
        raise BackupError(f"{database}: no such database")
    unfinished = target.with_name(f"{target.name}.part")
    unfinished.unlink(missing_ok=True)
    try:
        # One snapshot, and in WAL mode nobody waits for it. The page-by-page backup of SQLite
        # begins anew whenever another process writes, and here one always does.
        with closing(sqlite3.connect(database)) as source:
            source.execute("VACUUM INTO ?", (str(unfinished),))
        with closing(sqlite3.connect(unfinished)) as made:
            verdict = made.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupError(f"{database}: {error}") from error
    if verdict != "ok":
        raise BackupError(f"{database}: the copy is damaged: {verdict}")
    unfinished.replace(target)


def forget(folder: Path, stem: str, keep: int) -> list[Path]:
    """Remove all but the newest `keep` copies; returns what was removed."""
    old = sorted(folder.glob(f"{stem}-*.db"))[: -keep or None]
    for one in old:
        one.unlink()
    return old


def name_of(database: Path, stamp: str) -> str:
    return f"{database.stem}-{stamp}.db"


def main(arguments: list[str]) -> int:
    """Exit status 0, or 1 with one line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", type=int, default=14, help="how many copies stay")
    options = parser.parse_args(arguments)
    if options.keep < 1:
        parser.error("--keep: at least 1")
    stamp = SystemClock().now().strftime("%Y%m%dT%H%M%SZ")
    target = options.folder / name_of(options.database, stamp)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        copy(options.database, target)
        forget(options.folder, options.database.stem, options.keep)
    except (BackupError, OSError) as error:
        print(f"backup: {error}", file=sys.stderr)
        return 1
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
