"""What a mapping makes of messages: words, numbers, times, who speaks, and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import units
from devices.event import REGISTER_UNITS, Confidence, Decoded
from devices.mapping.decoding import moment
from devices.meaning import means
from devices.parts import Unreadable
from tests.devices.mapping.making import TOP, family_of, made, message, says, text_of, view

SMOKE = "[[fields]]\npath = 's'\nvalues = { 'on' = 'smoke', 'off' = 'smoke_clear' }\n"


# ── words ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("on", ("smoke",)),
        (" on ", ("smoke",)),
        ("ON", ("smoke",)),
        ("off", ("smoke_clear",)),
        (None, ("heard",)),
        ("", ("heard",)),
        ("maybe", ("quarantined",)),
        (True, ("quarantined",)),
        ({"on": 1}, ("quarantined",)),
        (["on"], ("quarantined",)),
    ],
)
def test_a_word_is_looked_up(said: Any, meant: tuple[str, ...]) -> None:
    decoded = says(made(SMOKE), {"s": said})
    assert means(decoded) == meant
    if meant == ("quarantined",):
        assert (decoded.quarantined, decoded.culprit) == ("wrong_type:smoke", "d1")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        *(
            (True, "gas"),
            (False, "gas_clear"),
            (1, "leak"),
            (1.0, "leak"),
            (2.5, "heat"),
            (None, "test"),
        ),
        *(("7", "fault"), ("other", "tamper"), (9, "tamper")),
    ],
)
def test_values_of_every_sort_are_written_as_words(said: Any, kind: str) -> None:
    field = (
        "[[fields]]\npath = 's'\nvalues = { 'true' = 'gas', 'false' = 'gas_clear', '1' = 'leak', "
        "'2.5' = 'heat', 'null' = 'test', '7' = 'fault', '*' = 'tamper' }\n"
    )
    assert means(says(made(field), {"s": said})) == (kind,)


def test_the_exact_word_wins_over_the_same_in_small_letters() -> None:
    family = made("[[fields]]\npath = 's'\nvalues = { 'A' = 'gas', 'a' = 'leak' }\n")
    assert [means(says(family, {"s": word})) for word in ("A", "a")] == [("gas",), ("leak",)]


@pytest.mark.parametrize(
    ("role", "kind"), [(None, "button"), ("plug", "button"), ("sos_button", "sos")]
)
def test_a_press_means_what_the_role_says(role: str | None, kind: str) -> None:
    family = made("[[fields]]\npath = 's'\nvalues = { '*' = 'press' }\n")
    (event,) = says(family, {"s": "double"}, role=role).events
    assert (event.kind, event.data) == (kind, {"action": "double"})


def test_a_level_that_is_re_stated_is_told_as_one() -> None:
    pair = "values = { 'true' = 'sos', 'false' = 'sos_cancel' }\n"
    edge = "values = { 'true' = 'sos', 'false' = 'nothing' }\n"
    for line, held in ((pair, True), (pair + "held = false\n", False), (edge, False)):
        (event,) = says(made(f"[[fields]]\npath = 's'\n{line}"), {"s": True}).events
        assert (event.data.get("level") is True) is held


def test_presence_retained_and_data() -> None:
    family = made(
        "[[fields]]\npath = 's'\nvalues = { 'up' = 'online', 'down' = 'offline' }\n"
        "[[fields]]\npath = 'place'\nvalues = { '*' = 'location' }\nconfidence = 'unconfirmed'\n"
        "data = { longitude = 'gps[0]', latitude = 'gps[1]', speed = 'v' }\n"
    )
    decoded = says(family, {"s": "down", "place": "fix", "gps": [113.2, 23.1]}, retained=True)
    assert means(decoded) == ("location", "offline")
    assert decoded.presences[0].retained and decoded.events[0].retained
    assert decoded.events[0].data == {"longitude": 113.2, "latitude": 23.1}
    assert decoded.events[0].confidence is Confidence.UNCONFIRMED


def test_what_the_broker_remembered_may_be_ignored() -> None:
    family = made(
        "[[fields]]\npath = 's'\nvalues = { '*' = 'motion' }\nretained = 'ignore'\n"
        + SMOKE.replace("'s'", "'smoke'")
    )
    assert means(says(family, {"s": 1, "smoke": "on"})) == ("motion", "smoke")
    assert means(says(family, {"s": 1, "smoke": "on"}, retained=True)) == ("smoke",)
    assert says(family, {"s": 1}, retained=True) == Decoded(), "not even a sign of life"
    assert family.may_be_silent("d1/state") and not made(SMOKE).may_be_silent("d1/state")


def test_a_field_counts_only_when_another_says_so() -> None:
    family = made(SMOKE + "when = { path = 't', equals = ['alarm', 3] }\n")
    assert means(says(family, {"s": "on", "t": "alarm"})) == ("smoke",)
    assert means(says(family, {"s": "on", "t": 3})) == ("smoke",)
    assert says(family, {"s": "on", "t": "log"}).quarantined == "missing:value"
    assert means(says(family, {"s": "maybe", "t": "log", "seen": 1})) == ("heard",)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────

UNITS = [(register, unit) for register in REGISTER_UNITS for unit in units.units_of(register)]
numbers = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)


@given(data=st.sampled_from(UNITS), value=numbers, scale=st.sampled_from([1.0, 0.1, -2.0, 1000.0]))
def test_a_number_comes_out_in_the_register_s_own_unit(
    data: tuple[str, str], value: float, scale: float
) -> None:
    register, unit = data
    family = made(
        f"[[fields]]\npath = 'n'\nregister = '{register}'\nunit = '{unit}'\nscale = {scale}\n"
        "offset = 1.5\n"
    )
    for sent in (value, str(float(value)) if abs(value) > 1e-3 else value):
        (reading,) = says(family, {"n": sent}).readings
        expected = units.in_kept_unit(register, value * scale + 1.5, unit)
        assert reading.value == pytest.approx(expected)
        assert (reading.register, reading.unit) == (register, REGISTER_UNITS[register])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        *(
            (None, ("heard",)),
            ("", ("heard",)),
            (255, ("heard",)),
            ("nan", ("heard",)),
            (0, ("x=0",)),
        ),
        *(("x", ("quarantined",)), (True, ("quarantined",)), (1e15, ("quarantined",))),
        *(([1], ("quarantined",)), ("12.5", ("x=125",))),
    ],
)
def test_a_number_that_is_none(said: Any, meant: tuple[str, ...]) -> None:
    family = made(
        "[[fields]]\npath = 'n'\nown_register = 'x'\nunit = 'ppm'\nscale = 10\n"
        "ignore = [255, 'nan']\n"
    )
    decoded = says(family, {"n": said})
    assert means(decoded) == meant
    assert all(each.unit == "ppm" for each in decoded.readings)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────

NOON = datetime(2026, 4, 12, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("auto", 1775966400),
        ("auto", 1775966400000),
        ("auto", "1775966400"),
        ("auto", "1775966400000"),
        ("auto", "2026-04-12T12:00:00"),
        ("auto", "2026-04-12T04:00:00Z"),
        ("epoch_s", 1775966400),
        ("epoch_s", "1775966400.0"),
        ("epoch_ms", 1775966400000),
        ("iso", "2026-04-12 12:00:00"),
        ("iso", "2026-04-12T06:00:00+02:00"),
        ("%Y%m%d%H%M%S", "20260412120000"),
        ("%Y%m%d%H%M%S", 20260412120000),
        ("%d.%m.%Y %H:%M %z", "12.04.2026 06:00 +0200"),
    ],
)
def test_a_time_of_each_form(form: str, said: Any) -> None:
    assert moment(said, form, view().zone) == NOON


@pytest.mark.parametrize("form", ["auto", "epoch_s", "epoch_ms", "iso", "%Y%m%d"])
@pytest.mark.parametrize("said", ["x", True, [], {}, "99999999999999999", 1e300, "2026-13-40"])
def test_what_is_no_time_says_so(form: str, said: Any) -> None:
    if (form, said) == ("auto", "99999999999999999"):
        return  # milliseconds of the year 5138, for `devices.times.settle` to doubt
    with pytest.raises(Unreadable, match="bad_time"):
        moment(said, form, view().zone)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_time_is_no_fault(nothing: Any) -> None:
    assert moment(nothing, "epoch_s", view().zone) is None


@given(at=st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)))
def test_epochs_and_texts_of_one_moment_agree(at: datetime) -> None:
    at = at.replace(microsecond=0, tzinfo=UTC)
    zone = view().zone
    assert moment(int(at.timestamp()), "epoch_s", zone) == at
    assert moment(int(at.timestamp()) * 1000, "epoch_ms", zone) == at
    assert moment(at.isoformat(), "iso", zone) == at
    shown = at.astimezone(zone).strftime("%Y/%m/%d %H:%M:%S")
    assert moment(shown, "%Y/%m/%d %H:%M:%S", zone) == at


def test_times_without_a_zone_belong_to_the_installation_or_to_the_mapping() -> None:
    here = made(SMOKE, top=TOP + "time = 'at'\n")
    there = made(SMOKE, top=TOP + "time = 'at'\ntime_zone = 'UTC'\n")
    said = {"s": "on", "at": "2026-04-12T12:00:00"}
    at = [says(family, said).events[0].at for family in (here, there)]
    assert at == [NOON, NOON + timedelta(hours=8)]


def test_a_bad_time_costs_nothing_else() -> None:
    family = made(SMOKE, top=TOP + "time = 'at'\n")
    decoded = says(family, {"s": "on", "at": "yesterday"})
    assert means(decoded) == ("smoke", "quarantined") and decoded.events[0].at is None
    assert decoded.quarantined == "bad_time"


# ── who speaks ───────────────────────────────────────────────────────────────────────────────────

IN_PAYLOAD = TOP.replace("{device}/state", '{device}/state", "{prefix}/all').replace(
    "topics", "device = 'who.id'\ntopics"
)


@pytest.mark.parametrize(
    ("who", "child"),
    [
        *(
            ({"id": "d7"}, "d7"),
            ({"id": 7}, "7"),
            ({"id": " d7 "}, "d7"),
            ({}, None),
            ({"id": ""}, None),
        ),
        *(({"id": None}, None), ({"id": [1]}, None), ({"id": "a\nb"}, None), ("x", None)),
    ],
)
def test_the_payload_may_name_the_device(who: Any, child: str | None) -> None:
    text = text_of(SMOKE, top=IN_PAYLOAD, sample='{"seen": 1, "who": {"id": 1}}')
    decoded = says(family_of(text), {"s": "on", "who": who}, topic="t/all")
    assert [event.child_id for event in decoded.events] == ([child] if child else [])
    assert (decoded.quarantined is None) is (child is not None)


def test_a_list_of_objects_is_read_one_by_one() -> None:
    top = TOP + "each = 'rows'\ntime = 'ts'\nevent_id = 'n'\ndevice = 'id'\n"
    text = text_of(
        "[[fields]]\npath = 'l'\nregister = 'water_total'\nunit = 'L'\n" + SMOKE,
        top=top,
        sample='{"rows": [{"seen": 1, "id": 3}]}',
    )
    rows = [{"id": "a", "l": 1000, "ts": 1775966400}, {"id": "b", "s": "on", "n": 5}, {"id": "c"}]
    decoded = says(family_of(text), {"rows": rows})
    assert [(one.child_id, one.value, one.at) for one in decoded.readings] == [("a", 1, NOON)]
    assert [(one.child_id, one.event_id) for one in decoded.events] == [("b", "5:smoke")]
    assert (decoded.quarantined, decoded.culprit) == ("missing:value", "c")
    many = says(family_of(text), {"rows": [{"id": "a", "l": n} for n in range(1001)]})
    assert (len(many.readings), many.quarantined) == (1000, "too_large")
    for nothing, reason in (([], "missing:values"), ({}, "wrong_type:values")):
        assert says(family_of(text), {"rows": nothing}).quarantined == reason


def test_what_is_pushed_has_no_topic() -> None:
    text = (
        'name = "p"\ntitle_zh = "推送"\ntitle_en = "Push"\nadapter = "push"\n'
        f"device = 'dev'\n{SMOKE}[[samples]]\n"
        'payload = \'{"dev": 1, "s": "on"}\'\nmeans = [\'smoke\']\n'
    )
    family = family_of(text)
    assert family.is_push and family.subscriptions("") == () and family.roots("x") == ()
    assert family.default_prefix == "push/p"
    assert says(family, b"", topic="push/p").quarantined == "empty_payload"
    (event,) = says(family, {"dev": "x-1", "s": "on"}, topic="").events
    assert (event.child_id, event.kind) == ("x-1", "smoke")


def test_each_topic_has_its_own_form() -> None:
    top = TOP.replace('state"', 'state", "{prefix}/{device}/here", "{prefix}/{device}/watts"')
    family = made(
        SMOKE + "[[fields]]\ntopic = '{prefix}/{device}/here'\npayload = 'text'\n"
        "values = { 'online' = 'online', 'offline' = 'offline' }\n"
        "[[fields]]\ntopic = '{prefix}/{device}/watts'\npayload = 'number'\nregister = 'power'\n",
        top=top,
    )
    assert means(says(family, b"online", topic="t/d1/here")) == ("online",)
    assert means(says(family, b" 12 ", topic="t/d1/watts")) == ("power=12",)
    assert means(says(family, {"s": "on"})) == ("smoke",)
    assert says(family, b"online").quarantined == "not_json"
    assert says(family, b"12 W", topic="t/d1/watts").quarantined == "wrong_type:power"


# ── what is missing ──────────────────────────────────────────────────────────────────────────────


def test_a_message_with_nothing_in_it_is_never_dropped() -> None:
    strict, patient = made(SMOKE), made(SMOKE, top=TOP + "nothing_found = 'alive'\n")
    assert says(strict, {"x": 1}).quarantined == "missing:value"
    assert says(strict, {"x": 1}).culprit == "d1"
    assert means(says(patient, {"x": 1})) == ("heard",)
    assert says(strict, {"x": 1}, topic="t/d1/other").quarantined == "unknown_topic"
    text = text_of(SMOKE + "required = true\n", sample='{"seen": 1, "s": null}')
    assert says(family_of(text), {"seen": 1}).quarantined == "missing:smoke"


@pytest.mark.parametrize(
    ("payload", "topic", "words"),
    [
        ({"x": 1}, "t/d1/state", "fields[0] (smoke): path `s` is not in the payload"),
        ({"s": "hm"}, "t/d1/state", "path `s` is 'hm', which is none of its values (on, off)"),
        ({"s": "on"}, "t/d1/x", "of none of the forms of test: {prefix}/{device}/state"),
        (b"on", "t/d1/state", 'not valid JSON (payload = "text" reads a bare word)'),
        ({"n": "a lot"}, "t/d1/state", "path `n` is 'a lot', which is no usable number in kWh"),
        ({"n": 1, "k": 2}, "t/d1/state", "(energy_total) does not count: path `k` is '2', not 1"),
        ({"at": "soon"}, "t/d1/state", "`at` is 'soon', no time of the form epoch_s"),
        ({"id": []}, "t/d1/state", "`id` is '[]' and numbers nothing"),
    ],
)  # fmt: skip
def test_whoever_tries_it_is_told_what_is_missing(payload: Any, topic: str, words: str) -> None:
    energy = "[[fields]]\npath = 'n'\nregister = 'energy_total'\nunit = 'kWh'\n"
    if isinstance(payload, dict) and "k" in payload:
        energy += "when = { path = 'k', equals = 1 }\n"
    top = TOP + "time = 'at'\ntime_form = 'epoch_s'\nevent_id = 'id'\n"
    family = made(SMOKE + energy, top=top)
    notes = family.explain(message(payload, topic=topic), view())
    assert any(words in note for note in notes), notes
