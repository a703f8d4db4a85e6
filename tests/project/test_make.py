"""make and its scripts: what they promise, and the one line they say when something is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of programs with nothing in it but what every system has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("sh", "dirname", "id", "grep", "date", "sed", "cat"):
        found = shutil.which(program)
        assert found is not None, program
        (folder / program).symlink_to(found)
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts in a folder of their own, so that nothing is made in the real one."""
    shutil.copytree(ROOT / "scripts", tmp_path / "checkout" / "scripts")
    return tmp_path / "checkout"


def fake_python(folder: Path, body: str) -> None:
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("target", ["setup", "demo", "test", "check", "bench", "help", "clean"])
def test_a_promised_target_exists_and_help_explains_it(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.M)
    assert re.search(rf"^  make {target} +\w", run("make", "help").stdout, re.M)


def test_make_alone_explains_itself() -> None:
    assert run("make").stdout == run("make", "help").stdout


def test_nothing_is_fetched_without_a_hash() -> None:
    text = (ROOT / "scripts" / "setup.sh").read_text("utf-8")
    installs = [line for line in text.splitlines() if re.search(r"\bpip install\b", line)]
    assert installs
    assert all("--require-hashes" in one or "--no-deps" in one for one in installs)


def test_without_python_one_line_says_what_is_needed(bare: Path, checkout: Path) -> None:
    done = run(bare / "sh", "scripts/setup.sh", "run", cwd=checkout, PATH=str(bare), PYTHON="")
    assert done.returncode == 1
    assert done.stderr.startswith("anju: needs Python 3.11 or newer")
    assert done.stderr.count("\n") == 1


def test_an_old_python_is_not_taken(bare: Path, checkout: Path) -> None:
    fake_python(bare, "exit 1")
    done = run(bare / "sh", "scripts/setup.sh", "run", cwd=checkout, PATH=str(bare), PYTHON="")
    assert done.stderr.startswith("anju: needs Python 3.11 or newer")
    assert not (checkout / ".venv").exists()


def test_without_venv_one_line_says_what_to_type(bare: Path, checkout: Path) -> None:
    fake_python(
        bare,
        'case "$2" in *version_info*-venv*|*"-venv"*) echo python3.12-venv;; '
        "*ensurepip*) exit 1;; esac",
    )
    done = run(bare / "sh", "scripts/setup.sh", "run", cwd=checkout, PATH=str(bare), PYTHON="")
    assert done.returncode == 1
    assert done.stderr.endswith("type: sudo apt-get install -y python3.12-venv\n")
    assert done.stderr.count("\n") == 1


def test_without_the_programs_of_the_tests_one_line_says_what_to_type(
    bare: Path, checkout: Path
) -> None:
    done = run(bare / "sh", "scripts/needs.sh", cwd=checkout, PATH=str(bare))
    assert done.returncode == 1
    assert re.fullmatch(
        r"anju: the tests need.* mosquitto-clients.*; type: sudo apt-get install -y .*\n",
        done.stderr,
    )


def test_with_the_programs_of_the_tests_nothing_is_said() -> None:
    done = run("sh", "scripts/needs.sh")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_continuous_integration_checks_and_then_tests() -> None:
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    commands = [line for line in path.read_text("utf-8").splitlines() if line.startswith("make")]
    assert commands == ["make check", "make test"]
    assert "set -euo pipefail" in path.read_text("utf-8")
