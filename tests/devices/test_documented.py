"""The page of supported devices is the registry's, so that it cannot go stale."""

from __future__ import annotations

import pytest

from devices.registry import FAMILIES
from scripts import device_table


def test_the_page_holds_the_tables_of_the_present_families() -> None:
    page = device_table.PAGE.read_text("utf-8")
    assert page == device_table.written(page), "run: python -m scripts.device_table"


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_says_how_one_knows_that_its_devices_live(name: str) -> None:
    assert FAMILIES[name].liveness
    assert FAMILIES[name].quirks


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        device_table.written("# Devices\n")
