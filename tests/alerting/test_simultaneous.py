"""When homes stand still together: one use speaks against it, night alone says nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerting.simultaneous import FRESH_S, LEAST_QUIET, Meter, together
from scripts.supply_figures import LEARNT_DAYS, cut_at, passes, village

NOW = 1_800_000_000
HOUR = 3600
CUT_AT = NOW - 8 * HOUR


def meter(name: str, *, used_h: float = 8, read_h: float = 0.2, found_h: float = 1) -> Meter:
    """Hours before now; found 0: not quiet by its own rule."""
    found = NOW - round(found_h * HOUR) if found_h else 0
    places = ("village", "grid")
    return Meter(name, places, NOW - round(used_h * HOUR), NOW - round(read_h * HOUR), found)


def homes(count: int, **more: float) -> list[Meter]:
    return [meter(f"h{number}-{sorted(more.items())}", **more) for number in range(count)]


def test_five_late_homes_and_nobody_who_used_water_are_a_suspicion_of_the_widest_area() -> None:
    (said,) = together(homes(LEAST_QUIET) + homes(35, found_h=0), NOW)
    assert (said.area_id, said.since) == ("village", CUT_AT)
    assert (said.homes, said.still, len(said.quiet)) == (40, 40, LEAST_QUIET)


def test_what_is_missing_for_one() -> None:
    quiet = homes(LEAST_QUIET)
    for few in (
        homes(LEAST_QUIET - 1) + homes(35, found_h=0),  # too few are late
        quiet + homes(1, used_h=0.5, found_h=0),  # somebody used water
        quiet + homes(1, used_h=0.98, found_h=0),  # not an hour ago
        homes(40, found_h=0),  # night: all stand still and none is late
        homes(40, found_h=9),  # found before water was last used
        homes(40, read_h=FRESH_S / HOUR + 1),  # nobody knows the present
        homes(40, used_h=0.5, found_h=0.2),  # not for long
    ):
        assert together(few, NOW) == [], few


def test_a_part_of_the_village_is_named_where_the_rest_has_water() -> None:
    elsewhere = [
        Meter(f"e{number}", ("village", "other"), NOW - 600, NOW, 0) for number in range(30)
    ]
    (said,) = together(homes(6) + elsewhere, NOW)
    assert (said.area_id, said.homes) == ("grid", 6)


METERS = st.builds(
    lambda name, used, read, found: meter(name, used_h=used, read_h=read, found_h=found),
    st.text("abc", min_size=1, max_size=3),
    st.floats(0, 30),
    st.floats(0, 5),
    st.floats(0, 30),
)


@given(st.lists(METERS, max_size=60))
def test_nobody_who_is_named_used_water_since(meters: list[Meter]) -> None:
    for said in together(meters, NOW):
        there = [one for one in meters if NOW - one.read_at <= FRESH_S]
        assert all(one.used_at <= said.since <= NOW - HOUR for one in there)
        assert len(said.quiet) >= LEAST_QUIET
        assert said.still <= said.homes


def test_an_invented_village_lives_calmly_and_its_cut_is_seen_the_same_day() -> None:
    people = village(7, 8)
    begins = (LEARNT_DAYS + 5) * 24
    calm = [passes(people, hour) for hour in range(begins + 8)]
    assert calm == [None] * len(calm)
    said = cut_at(people, begins + 8, 12)
    assert said is not None
    assert 6 <= said[0] <= 9
    assert said[1].still == 8
