"""scripts/backup.py: a copy of a database that is in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scripts import backup


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """A database with one row that is stored, one that is not yet, and everything in its WAL."""
    path = tmp_path / "anju.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE presses (id TEXT)")
        connection.execute("INSERT INTO presses VALUES ('stored')")
    return path


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM presses")]


def test_a_copy_holds_what_is_committed_and_nothing_else(busy: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(busy, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO presses VALUES ('under way')")
        assert backup.main([str(busy), str(tmp_path / "copies")]) == 0
        writer.execute("COMMIT")
    (copy,) = (tmp_path / "copies").iterdir()
    assert rows(copy) == ["stored"]
    assert rows(busy) == ["stored", "under way"]


def test_only_the_newest_copies_stay(busy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    for day in range(1, 6):
        (folder / f"anju-2026030{day}T024000Z.db").touch()
    (folder / "other-20200101T000000Z.db").touch()
    assert backup.main([str(busy), str(folder), "--keep", "2"]) == 0
    kept = sorted(one.name for one in folder.iterdir())
    assert kept[0] == "anju-20260305T024000Z.db"
    assert len(kept) == 3
    assert kept[-1].startswith("other-")


def test_a_database_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup.main([str(tmp_path / "none.db"), str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("backup: ") and "no such database" in said
    assert said.count("\n") == 1


def test_a_file_that_is_no_database_is_one_line_and_leaves_no_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "anju.db").write_bytes(b"this is not a database, whatever its name" * 100)
    folder = tmp_path / "copies"
    assert backup.main([str(tmp_path / "anju.db"), str(folder)]) == 1
    assert "not a database" in capsys.readouterr().err
    assert list(folder.glob("*.db")) == []
