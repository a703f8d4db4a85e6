"""When a device counts as moved: its cells over time, and ids that name one device only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.detectors.moved import FOR_GOOD, MAX_CELL, cell_of, heard_in, is_unmistakable


def hear(cells: str, silent_before: int = -1) -> tuple[str, list[tuple[int, str]]]:
    """Cells of one letter each → what is remembered, and when which cell was left."""
    seen, left = None, []
    for place, cell in enumerate(cells):
        seen, gone = heard_in(seen, cell, after_silence=place == silent_before)
        if gone is not None:
            left.append((place, gone))
    return seen or "", left


@pytest.mark.parametrize(
    ("cells", "silent_before", "seen", "left"),
    [
        ("A", -1, "A", []),
        ("AAAA", -1, "A", []),
        ("ABA", -1, "A", []),
        ("ABBABB", -1, "A\nB\n2", []),
        ("ABBB", -1, "B", [(3, "A")]),
        ("ABCBCBC", -1, "A\nC\n1", []),
        ("AB", 1, "B", [(1, "A")]),
        ("AA", 1, "A", []),
        ("ABBBAAA", -1, "A", [(3, "A"), (6, "B")]),
    ],
)
def test_a_cell_is_left_for_good_or_after_a_silence(
    cells: str, silent_before: int, seen: str, left: list[tuple[int, str]]
) -> None:
    assert hear(cells, silent_before) == (seen, left)


@given(st.text("ABC", max_size=30))
def test_fewer_than_three_in_a_row_from_elsewhere_never_move_a_device(cells: str) -> None:
    _, left = hear(cells)
    for place, _gone in left:
        assert len(set(cells[place - FOR_GOOD + 1 : place + 1])) == 1


@given(st.text(max_size=400), st.text(min_size=1, max_size=MAX_CELL))
def test_whatever_is_remembered_can_be_read_again(seen: str, cell: str) -> None:
    told = cell_of({"cell": cell})
    if told is not None:
        assert len(heard_in(seen[:100], told, after_silence=False)[0]) <= 400


@pytest.mark.parametrize(
    ("data", "cell"),
    [
        *(({}, None), ({"cell": 4711}, "4711"), ({"cell": " a\nb "}, "a b")),
        *(({"cell": True}, None), ({"cell": {}}, None), ({"cell": ""}, None)),
        ({"cell": "x" * 200}, "x" * 100),
    ],
)
def test_a_cell_is_one_line_of_text(data: dict[str, object], cell: str | None) -> None:
    assert cell_of(data) == cell


@pytest.mark.parametrize(
    ("child", "one_only"),
    [
        ("0x00158d0000000301", True),
        ("865012345678901", True),
        ("shellyplus1pm-a8032ab12345", True),
        ("a84041ffff1d2e3f", True),
        ("12345678", True),
        ("kitchen", False),
        ("厨房 烟感", False),
        ("Smoke/17", False),
        ("facade", False),
    ],
)
def test_a_serial_number_is_one_device_everywhere_and_a_name_is_not(
    child: str, one_only: bool
) -> None:
    assert is_unmistakable(child) is one_only
