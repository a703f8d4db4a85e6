"""Files as other towns export them: read where their meaning is plain, refused in one line else."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.detect import DeviceView
from core.errors import InvalidInput
from gateway.evaluation.files import Times, read_homes
from gateway.evaluation.home import Home, replay
from gateway.evaluation.source import Source

HEAD = "home,time,register_l"


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def wall(text: str) -> int:
    """A wall clock's time, counted as UTC is."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def read(tmp_path: Path, *lines: str, zone: str | None = None, end: str = "\n") -> Source:
    path = tmp_path / "town.csv"
    path.write_bytes(end.join(lines).encode())
    return read_homes(path, zone)


def only_home(source: Source) -> Home:
    (home,) = source.homes
    return home


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        ((HEAD, "h1,2026-03-01T00:15,100", "h1,2026-03-01T01:15,101.5"), "\n"),
        ((HEAD, "h1,2026-03-01T00:15,100", "", "h1,2026-03-01T01:15,101.5", ""), "\r\n"),
        (("\ufeff" + HEAD, "h1,2026-03-01 00:15:00,100", "h1,2026-03-01 01:15:00,101.5"), "\n"),
        (("Register_L,note,Home,Time", "100,,h1,2026-03-01T00:15", "101.5,x,h1,2026-03-01T01:15"),
         "\n"),
        (('"home", "time", "register_l"', '"h1", "2026-03-01T00:15", "100"',
          ' h1 , 2026-03-01T01:15 , 101.5 '), "\n"),
        ((HEAD, "h1,2026-03-01T00:15,100.0", "h1,2026-03-01T01:15:00.250,1.015e2"), "\r\n"),
        ((HEAD, "h1,20260301T0015,100", "h1,20260301T0115,101.5"), "\n"),
    ],
)  # fmt: skip
def test_the_same_two_readings_however_they_are_written(
    tmp_path: Path, lines: tuple[str, ...], end: str
) -> None:
    source = read(tmp_path, *lines, end=end)
    home = only_home(source)
    assert (home.name, home.zone) == ("h1", "+00:00")
    assert home.times == [wall("2026-03-01T00:15"), wall("2026-03-01T01:15")]
    assert home.litres == [100, 101.5]
    assert (source.without_value, source.sorted_homes) == (0, 0)


def test_rows_without_a_value_are_left_out_and_counted(tmp_path: Path) -> None:
    cells = ("", "NA", "nan", "NULL", "-", "inf", "-inf", "1e400")
    empty = [f"h1,2026-03-01T01:{number:02d},{cell}" for number, cell in enumerate(cells)]
    source = read(tmp_path, HEAD, "h1,2026-03-01T00:15,100", *empty, "h1,,5", "h2,NA,7")
    assert only_home(source).litres == [100]
    assert source.without_value == len(cells) + 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("home;time;register_l", "h1;2026-03-01T00:15;100"), "line 1 has semicolons"),
        (("home\ttime\tregister_l",), "line 1 has tabs"),
        ((HEAD, "h1,2026-03-01T00:15,5", "h1,01/03/2026 1:15,6"), "line 3: '01/03/2026 1:15'"),
        ((HEAD, "h1,2026-02-30T01:15,101"), "line 2: '2026-02-30T01:15' is not a time"),
        ((HEAD, "h1,2026-03-01T25:15,101"), "is not a time"),
        ((HEAD, "h1,2026-03-01T01:15,12 m3"), "line 2: '12 m3' is not a number of litres"),
        ((HEAD, ",2026-03-01T01:15,12"), "line 2: no home is named"),
        ((HEAD, "h1,2026-03-01T01:15"), "line 2: 2 columns, too few"),
        ((HEAD, "h1,2026-03-01T01:15,"), "has no readings"),
        ((HEAD, 'h1,"2026-03-01T01:15,5'), "line 2: 2 columns, too few"),
        (("",), "has no column home, time, register_l"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_line(
    tmp_path: Path, lines: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, *lines)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            gzip.compress(f"{HEAD}\nh1,2026-03-01T00:15,100\n".encode() * 500, mtime=0)[:-20],
            "cut off",
        ),
        (gzip.compress(HEAD.encode(), mtime=0)[:12] + b"\xff" * 30, "cannot read"),
        (f"{HEAD}\n".encode("utf-16"), "not text in UTF-8"),
        (b"\x00\x01\x02", "line 1"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.csv.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        read_homes(path)
    assert words in str(refused.value)


def test_homes_whose_rows_take_turns_keep_their_own(tmp_path: Path) -> None:
    # a new day, a new clock time and a new home in every combination with the home before it
    rows = ["h1,2026-03-01T00:00,1", "h2,2026-03-01T00:00,2", "h1,2026-03-01T01:00,3"]
    rows += ["h2,2026-03-02T01:00,4", "h1,2026-03-02T02:00,5", "h1,2026-03-02T03:00,6"]
    rows += ["h2 ,2026-03-02T03:00,7", "h2,2026-03-02T04:00,8", "h1,2026-03-02T04:00,9"]
    source = read(tmp_path, HEAD, *rows)
    assert {home.name: home.litres for home in source.homes} == {
        "h1": [1, 3, 5, 6, 9],
        "h2": [2, 4, 7, 8],
    }


def test_mixed_offsets_are_each_what_they_say(tmp_path: Path) -> None:
    times = ("2026-03-01T08:15+08:00", "2026-03-01T01:15:00Z", "2026-03-01T02:15:00+00:00")
    home = only_home(read(tmp_path, HEAD, *(f"h1,{time},5" for time in times)))
    assert home.times == [seconds(time) for time in times]
    assert home.zone == "+08:00"
    assert home.texts == list(times)


def test_a_named_zone_knows_when_clocks_are_set(tmp_path: Path) -> None:
    """Madrid: the hour from two to three comes twice on 25 October and not at all on 29 March."""
    walls = ["2026-10-25T01:30", "2026-10-25T02:30", "2026-10-25T02:30", "2026-10-25T03:30"]
    autumn = only_home(
        read(tmp_path, HEAD, *(f"h1,{time},5" for time in walls), zone="Europe/Madrid")
    )
    assert [after - autumn.times[0] for after in autumn.times] == [0, 3600, 7200, 10_800]
    walls = ["2026-03-29T01:30", "2026-03-29T02:30", "2026-03-29T03:30", "2026-03-30T03:30"]
    spring = only_home(
        read(tmp_path, HEAD, *(f"h1,{time},5" for time in walls), zone="Europe/Madrid")
    )
    assert [after - spring.times[0] for after in spring.times] == [0, 3600, 3600, 90_000]
    assert (autumn.zone, spring.zone) == ("Europe/Madrid", "Europe/Madrid")


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "+25:00", "", "../etc/passwd"])
def test_a_zone_that_there_is_not(tmp_path: Path, zone: str) -> None:
    with pytest.raises(InvalidInput, match="--zone"):
        read(tmp_path, HEAD, "h1,2026-03-01T00:15,100", zone=zone)


def test_newest_first_and_shuffled_rows_are_put_in_order_and_late_ones_stay_late(
    tmp_path: Path,
) -> None:
    rows = [f"h1,2026-03-{day:02d}T00:15,{day * 100}" for day in range(1, 29)]
    fallen = read(tmp_path, HEAD, *reversed(rows))
    assert (only_home(fallen).litres[0], fallen.sorted_homes) == (100, 1)
    shuffled = read(tmp_path, HEAD, *rows[1::2], *rows[::2], HEAD, *rows[::5])
    assert only_home(shuffled).times == sorted(only_home(shuffled).times)
    late = read(tmp_path, HEAD, *rows[:5], *rows[6:], rows[5])
    home = only_home(late)
    assert (home.litres[-1], late.sorted_homes) == (600, 0)
    assert home.arrivals()[-1] == home.times[-2], "it came after the one above it"


@given(
    st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2280, 1, 1)), min_size=1, max_size=8),
    st.sampled_from([None, "Europe/Madrid", "Australia/Lord_Howe", "+05:30"]),
    st.sampled_from(["", "Z", "+08:00", "-03:30"]),
    st.sampled_from(["minutes", "seconds", "microseconds"]),
)
@settings(max_examples=150, deadline=None)
def test_what_is_remembered_of_times_is_what_parsing_them_says(
    moments: list[datetime], zone: str | None, offset: str, precision: str
) -> None:
    times = Times(zone)
    named = times._zone
    for at in (*moments, *moments):
        text = at.isoformat(timespec=precision) + offset
        written = datetime.fromisoformat(text)
        exact = written if written.tzinfo else written.replace(tzinfo=named)
        parsed, _ = times.parse("", text, None)
        day, clock = times.days.get(text[:10]), times.clocks.get(text[10:])
        assert parsed == int(exact.timestamp())
        if day is not None and clock is not None:
            assert day + clock == parsed


@pytest.mark.parametrize("every", [10, 15, 60, 360, 1440])
def test_meters_of_any_interval_are_replayed(every: int) -> None:
    """Ten minutes to a day between readings; a week of use by day, then nothing for five days."""
    home = Home(name="h1", zone="Europe/Madrid")
    at, value = datetime(2026, 3, 1, tzinfo=ZoneInfo("Europe/Madrid")), 0
    week, steps = 7 * 24 * 60 // every, 12 * 24 * 60 // every
    for step in range(steps):
        by_day = every == 1440 or 6 <= (step * every // 60) % 24 < 22
        value += (every // 8 + step % 3 * 5) if step < week and by_day else 0
        home.times.append(int((at + timedelta(minutes=every * step)).timestamp()))
        home.litres.append(value)
    for rule in ("adaptive", "fixed-12h-10l", "fixed-24h-10l"):
        rules = {"no_water_use": {"preset": rule}}
        meter = DeviceView(id="h1", role="water_meter", family="csv", rules=rules, zone=home.zone)
        alarms, _ = replay(home, meter)
        told = {alarm.finding.kind for alarm in alarms if alarm.at >= home.times[week]}
        assert "no_water_use" in told, rule
        assert all(alarm.text.endswith("+01:00") for alarm in alarms)


def test_a_home_with_one_reading_or_none_says_nothing() -> None:
    meter = DeviceView(id="h1", role="water_meter", family="csv")
    assert replay(Home(name="h1", zone="+00:00"), meter)[0] == []
    one = Home(name="h1", zone="+00:00", times=[1_772_323_200], litres=[5.0])
    assert replay(one, meter)[0] == []
