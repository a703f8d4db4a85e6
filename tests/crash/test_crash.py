"""`kill -9` of the real server with a real broker: what was acknowledged is there, exactly once."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.crash import SHORT, run

pytestmark = pytest.mark.broker


async def test_presses_that_insist_survive_a_server_that_is_killed_again_and_again() -> None:
    """The short form of `python -m benchmarks.crash`, which presses 2,000 buttons."""
    plan = replace(SHORT, seed=20260301)
    # Not pytest's tmp_path: what a killed server leaves open must not trouble its clean-up.
    with tempfile.TemporaryDirectory(prefix="anju-crash-", ignore_cleanup_errors=True) as folder:
        outcome = await run(plan, Path(folder))
    print(*outcome.lines(), sep="\n")
    assert len(outcome.kills) == SHORT.kills == 4
    assert len(outcome.acknowledged) == SHORT.presses == 150
    assert outcome.lost == []
    assert outcome.doubled == []
    assert sum(outcome.incidents.values()) == SHORT.presses
    assert outcome.stuck == [], "these did not go on escalating"
    assert outcome.untold == [], "nobody told the contacts of these"
    assert outcome.unmarked == 0, "a notice was sent twice without saying so"
