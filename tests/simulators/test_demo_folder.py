"""The demo's folder: fresh or kept, never two demos at once, nobody else's files touched."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import SettingsError
from gateway.demo_folder import DemoFolder
from tests.support.clock import ManualClock

NAMES = ("admin", "duty")


@pytest.fixture
def folder(tmp_path: Path) -> DemoFolder:
    folder = DemoFolder(tmp_path / "demo-data")
    folder.acquire()
    return folder


def test_a_fresh_demo_empties_its_own_database_and_nothing_else(
    folder: DemoFolder, clock: ManualClock
) -> None:
    for name in ("anju.db", "anju.db-wal", "anju.db-shm", "mine.db", "notes.txt"):
        (folder.path / name).write_text("x")
    folder.open(clock.now(), NAMES, keep=False)
    left = {path.name for path in folder.path.iterdir()}
    assert not any(name.startswith("anju.db") for name in left)
    assert {"mine.db", "notes.txt"} <= left


def test_sign_ins_stay_the_same_from_run_to_run(folder: DemoFolder, clock: ManualClock) -> None:
    first = folder.open(clock.now(), NAMES, keep=False)
    second = folder.open(clock.advance(hours=1), (*NAMES, "visitor1"), keep=False)
    assert set(first.passwords) == set(NAMES)
    assert dict(first.passwords) == {name: second.passwords[name] for name in NAMES}
    assert second.secret_key == first.secret_key
    assert second.began == first.began + timedelta(hours=1)
    assert len(set(second.passwords.values())) == 3


def test_a_kept_demo_goes_on_where_it_was(folder: DemoFolder, clock: ManualClock) -> None:
    first = folder.open(clock.now(), NAMES, keep=True)
    (folder.path / "anju.db").write_text("x")
    folder.save(first.model_copy(update={"told_until": clock.now()}))
    later = folder.open(clock.advance(hours=5), NAMES, keep=True)
    assert later.began == first.began
    assert later.told_until == first.began
    assert (folder.path / "anju.db").read_text() == "x"


def test_there_is_nothing_to_keep_when_the_database_is_gone(
    folder: DemoFolder, clock: ManualClock
) -> None:
    first = folder.open(clock.now(), NAMES, keep=True)
    folder.save(first.model_copy(update={"told_until": clock.now()}))
    later = folder.open(clock.advance(hours=5), NAMES, keep=True)
    assert later.began == clock.now()
    assert later.told_until is None


@pytest.mark.parametrize("spoiled", ["", "{", "[]", '{"passwords": 5}'])
def test_a_spoiled_state_counts_as_none(
    folder: DemoFolder, clock: ManualClock, spoiled: str
) -> None:
    (folder.path / "demo.json").write_text(spoiled)
    assert folder.open(clock.now(), NAMES, keep=True).began == clock.now()


def test_passwords_are_for_the_owner_only(folder: DemoFolder, clock: ManualClock) -> None:
    folder.open(clock.now(), NAMES, keep=False)
    assert stat.S_IMODE((folder.path / "demo.json").stat().st_mode) == 0o600


def test_two_demos_do_not_share_a_folder(folder: DemoFolder) -> None:
    other = DemoFolder(folder.path)
    with pytest.raises(SettingsError, match="another demo runs in this folder"):
        other.acquire()
    folder.release()
    other.acquire()
    other.release()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="the demo cannot use it"):
        DemoFolder(tmp_path / "file" / "demo-data").acquire()
