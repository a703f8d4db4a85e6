"""The `anju` command as people run it: as a process, or in this one where that tells as much."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli import main

ANJU = Path(sys.executable).with_name("anju")
SECRET = "a-secret-key-for-tests-only"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def is_one_line(self, code: int, *words: str) -> None:
        """Failed with this status and one clear line that holds all of the words."""
        lines = self.err.strip().splitlines()
        assert (self.code, len(lines)) == (code, 1), (self.code, self.err, self.out)
        assert lines[0].startswith("anju: ") and all(word in lines[0] for word in words), lines[0]


def environment(**settings: object) -> dict[str, str]:
    """Nothing but what is needed to find Python, and these settings (`http_port=…`)."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {f"ANJU_{name.upper()}": str(value) for name, value in settings.items()}


def run_here(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
    settings: Mapping[str, object],
) -> Ran:
    """`anju …` inside this process: as quick as a function call. Fails when it goes on running."""
    for name in [name for name in os.environ if name.startswith("ANJU_")]:
        monkeypatch.delenv(name)
    for name, value in environment(**settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["anju", *arguments])
    before = signal.signal(signal.SIGALRM, _still_running)
    signal.alarm(20)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    shown = capsys.readouterr()
    return Ran(int(ended.value.code or 0), shown.out, shown.err)


def _still_running(_number: int, _frame: object) -> None:
    raise AssertionError("it went on running")


def run(*arguments: str, cwd: Path, settings: Mapping[str, object], said: str = "") -> Ran:
    """`anju …` as a process of its own, to its end."""
    done = subprocess.run(
        [ANJU, *arguments],
        cwd=cwd,
        env=environment(**settings),
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Serving:
    """`anju serve` as a process of its own; stopped whatever happens inside."""

    def __init__(self, *arguments: str, cwd: Path, settings: Mapping[str, object]) -> None:
        self._arguments, self._cwd = arguments, cwd
        self._settings = settings
        self.process: subprocess.Popen[str]

    def __enter__(self) -> Serving:
        self.process = subprocess.Popen(
            [ANJU, "serve", *self._arguments],
            cwd=self._cwd,
            env=environment(**self._settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def end(self, how: signal.Signals = signal.SIGTERM, *, within_s: float) -> Ran:
        """Ask it to stop; fails when it takes longer."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=within_s)
        return Ran(self.process.returncode, out, err)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
