"""The demo's folder: its database, its passwords, and a lock so that one demo runs in it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.errors import SettingsError
from core.ids import new_secret

_STATE, _DATABASE, _LOCK, LOG = "demo.json", "anju.db", "demo.lock", "anju.log"
_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"


class DemoState(BaseModel):
    """What one run of the demo leaves for the next."""

    model_config = ConfigDict(frozen=True)

    began: AwareDatetime  # when the town was first brought up in this database
    told_until: AwareDatetime | None = None  # meter history is in the database up to here
    secret_key: str
    phone_secret: str
    passwords: dict[str, str]  # by username


class DemoFolder:
    """A folder that belongs to the demo. Only files that the demo itself wrote are touched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: sqlite3.Connection | None = None

    @property
    def database_url(self) -> str:
        return f"sqlite+aiosqlite:///{self.path.resolve() / _DATABASE}"

    @property
    def log(self) -> Path:
        """Where the server's log goes: the terminal belongs to the live view."""
        return self.path / LOG

    def acquire(self) -> None:
        """Create the folder and take it. Raises `SettingsError` when it cannot be used."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # SQLite's lock works on every system and goes with its process, however that ends.
            lock = sqlite3.connect(self.path / _LOCK, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(str(self.path), f"the demo cannot use it: {error}") from error
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            problem = "another demo runs in this folder; stop it, or start this one elsewhere"
            raise SettingsError(str(self.path), problem) from error
        self._lock = lock

    def release(self) -> None:
        """Let the next demo have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def open(self, now: datetime, usernames: Iterable[str], *, keep: bool) -> DemoState:
        """The state to run with.

        A fresh town in an empty database unless `keep` is set and there is one; sign-ins stay
        the same from run to run either way.
        """
        last = self._read()
        passwords = dict(last.passwords) if last else {}
        for username in usernames:
            passwords.setdefault(username, _password(username))
        kept = keep and last is not None and (self.path / _DATABASE).is_file()
        if not kept:
            for suffix in ("", "-wal", "-shm"):
                (self.path / f"{_DATABASE}{suffix}").unlink(missing_ok=True)
        state = DemoState(
            began=last.began if kept and last else now,
            told_until=last.told_until if kept and last else None,
            secret_key=last.secret_key if last else new_secret(),
            phone_secret=last.phone_secret if last else new_secret(),
            passwords=passwords,
        )
        self.save(state)
        return state

    def save(self, state: DemoState) -> None:
        """Keep the state for the next run; readable by the owner only, for it holds passwords."""
        fresh = self.path / f"{_STATE}.new"
        fresh.touch(mode=0o600)
        fresh.write_text(state.model_dump_json(indent=2), encoding="utf-8")
        fresh.replace(self.path / _STATE)

    def _read(self) -> DemoState | None:
        """What the last run left; a file that cannot be read counts as none."""
        try:
            return DemoState.model_validate_json((self.path / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def _password(username: str) -> str:
    """Easy to type, hard to guess: `duty-7k3m9q2x`."""
    return f"{username}-" + "".join(secrets.choice(_LETTERS) for _ in range(8))
