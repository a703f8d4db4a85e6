"""Mappings of the installation's own: read from a folder, checked, tried and begun by command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidInput
from devices import registry
from devices.mapping.shipped import shipped
from gateway.mappings import read_own
from tests.gateway import cli
from tests.gateway.cli import Ran

BED = """\
name = "bed"
title_zh = "床"
title_en = "Bed"
prefix = "home/bed"
topics = ["{prefix}/{device}/state"]

[[fields]]
path = "$.state"
values = { "out" = "out_of_bed", "in" = "motion" }

[[fields]]
path = "$.water"
register = "water_total"
unit = "L"

[[samples]]
topic = "home/bed/b1/state"
payload = '{"state": "out"}'
means = ["out_of_bed"]
"""


@pytest.fixture(autouse=True)
def _no_own_families_afterwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "mappings").mkdir()
    monkeypatch.chdir(tmp_path)
    yield
    registry.use_own(())


def put(name: str, text: str | bytes) -> None:
    Path("mappings", name).write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def anju(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str, **settings: object) -> Ran:
        return cli.run_here(monkeypatch, capsys, *arguments, settings=settings)

    return call


# ── the folder ───────────────────────────────────────────────────────────────────────────────────


def test_no_folder_is_no_mapping() -> None:
    assert read_own("").files == {}


def test_a_folder_that_is_not_there_is_a_problem() -> None:
    assert [str(one) for one in read_own("nowhere").problems] == [
        "nowhere: cannot be read: No such file or directory"
    ]


def test_of_two_files_with_one_name_the_first_has_it() -> None:
    put("a.toml", BED)
    put("b.toml", BED.replace("home/bed", "home/other"))
    put("c.toml", BED.replace('"bed"', '"third"'))
    put("d.txt", "not a mapping")
    own = read_own("mappings")
    assert [one.mapping_file for one in own.families] == ["mappings/a.toml"]
    assert [str(one) for one in own.problems] == [
        "mappings/b.toml:1: name: 'bed' is taken by family bed (mappings/a.toml)",
        "mappings/c.toml:4: prefix: 'home/bed' overlaps 'home/bed' of family bed (mappings/a.toml)",
    ]


def test_a_file_that_cannot_be_read_costs_no_other() -> None:
    put("a.toml", b"\n\n\xff")
    put("b.toml", BED)
    Path("mappings", "c.toml").mkdir()
    own = read_own("mappings")
    assert [one.name for one in own.families] == ["bed"]
    assert [str(one) for one in own.problems] == [
        "mappings/a.toml:3: is not UTF-8 text",
        "mappings/c.toml: cannot be read: Is a directory",
    ]


def test_own_families_are_known_in_place_of_those_before() -> None:
    put("a.toml", BED)
    registry.use_own(read_own("mappings").families)
    assert registry.family("bed").roots("x") == ("x",)
    assert set(registry.FAMILIES) == {*registry.built_in(), "bed"}
    registry.use_own(())
    assert set(registry.FAMILIES) == set(registry.built_in())


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(InvalidInput, match="two families called 'tasmota'"):
        registry.use_own([registry.family("tasmota")])


# ── anju check ───────────────────────────────────────────────────────────────────────────────────


def test_check_lists_every_mapping_by_its_file(anju: Any) -> None:
    put("bed.toml", BED)
    lines = json.loads(anju("check", "--json", mappings="mappings").out)
    said = {line["what"]: (line["level"], line["text"]) for line in lines}
    assert said["mappings/bed.toml"] == ("ok", "bed, 1 samples as they should be")
    assert {said[file][0] for file in shipped()} == {"ok"}


def test_check_names_file_and_line_of_every_mistake(anju: Any) -> None:
    put("bed.toml", BED.replace('"L"', '"litre"').replace('"motion"', '"moton"'))
    ran = anju("check", mappings="mappings")
    assert ran.code == 1
    assert (
        "error    mappings/bed.toml:14: fields[1].unit: 'litre' is no unit of water_total "
        "(m3, m^3, L, l, dm3, mL, ml)"
    ) in ran.out.splitlines()
    assert any(
        line.startswith("error    mappings/bed.toml:9: fields[0].values.in: 'moton' is none of")
        and line.endswith("did you mean 'motion'?")
        for line in ran.out.splitlines()
    )


def test_the_folder_may_be_set_in_the_file(anju: Any) -> None:
    Path("anju.toml").write_text('mappings = "elsewhere"\n')
    assert "error    elsewhere: cannot be read: No such file or directory" in anju("check").out
    Path("anju.toml").write_text("mappings = [")
    anju("devices", "try", "--topic", "x/y", "--payload", "1").is_one_line(2, "anju.toml")


# ── anju devices try ─────────────────────────────────────────────────────────────────────────────


def tried(anju: Any, topic: str, payload: str, *more: str, **settings: object) -> Ran:
    ran: Ran = anju("devices", "try", "--topic", topic, "--payload", payload, *more, **settings)
    return ran


def test_an_installed_mapping_is_found_by_its_topic(anju: Any) -> None:
    put("bed.toml", BED)
    ran = tried(anju, "home/bed/b9/state", '{"state":"out"}', mappings="mappings")
    first, by, missing = ran.out.splitlines()
    assert first.startswith("b9: out_of_bed  (confirmed, ")
    assert by == "by mapping bed (mappings/bed.toml), prefix home/bed"
    assert missing == "  fields[1] (water_total): path `$.water` is not in the payload"


def test_a_mapping_need_not_be_installed(anju: Any) -> None:
    put("bed.toml", BED)
    ran = tried(anju, "site/7/b9/state", '{"stat":"out"}', "--mapping", "mappings/bed.toml")
    assert ran.out.splitlines() == [
        "quarantined: missing:value",
        "by mapping bed (mappings/bed.toml), prefix site/7",
        "  fields[0] (out_of_bed): path `$.state` is not in the payload",
        "  fields[1] (water_total): path `$.water` is not in the payload",
    ]
    by_name = tried(anju, "x/b9/state", '{"state":"in"}', "--mapping", "bed", mappings="mappings")
    assert by_name.out.splitlines()[1] == "by mapping bed (mappings/bed.toml), prefix x"
    installed = tried(
        anju, "x/b9/state", "{}", "--mapping", "mappings/bed.toml", mappings="mappings"
    )
    assert installed.code == 0 and "missing:value" in installed.out


def test_a_press_is_tried_as_what_the_device_usually_is(anju: Any) -> None:
    text = BED.replace('"out_of_bed", "in"', '"press", "in"').replace(
        '["out_of_bed"]', '["button"]'
    )
    put("bed.toml", text.replace("[[fields]]", 'roles = ["sos_button"]\n\n[[fields]]', 1))
    ran = tried(anju, "home/bed/b9/state", '{"state":"out"}', mappings="mappings")
    assert ran.out.startswith("b9: sos  (") and "prefix home/bed, as a sos_button\n" in ran.out
    plug = tried(
        anju, "home/bed/b9/state", '{"state":"out"}', "--role", "plug", mappings="mappings"
    )
    assert plug.out.startswith("b9: button  (")


def test_json_keeps_the_contracts_keys(anju: Any) -> None:
    put("bed.toml", BED)
    ran = tried(anju, "home/bed/b9/state", '{"state":"?"}', "--json", mappings="mappings")
    said = json.loads(ran.out)
    assert (said["events"], said["quarantined"]) == ([], "wrong_type:out_of_bed")
    assert said["family"] == "bed" and "none of its values (out, in)" in said["notes"][0]
    nobody = json.loads(tried(anju, "nobody/x", "1", "--json").out)
    assert nobody == {"events": [], "quarantined": "unknown_topic", "family": None, "notes": []}


def test_a_wrong_mapping_is_one_line(anju: Any) -> None:
    put("bed.toml", BED.replace("water_total", "water"))
    ran = tried(anju, "x/b/state", "{}", "--mapping", "mappings/bed.toml")
    ran.is_one_line(1, "--mapping: mappings/bed.toml:13: fields[1].register:")
    tried(anju, "x/b/state", "{}", "--mapping", "no.toml").is_one_line(1, "no.toml: cannot be read")
    left_out = tried(anju, "tele/x/LWT", "Online", mappings="mappings")
    assert left_out.code == 0 and left_out.err.startswith("anju: left out: mappings/bed.toml:13")
    anju("devices", "try", "--payload", "1").is_one_line(1, "--topic")


def test_a_pushed_mapping_needs_no_topic(anju: Any) -> None:
    put(
        "push.toml",
        'name = "p"\ntitle_zh = "推送"\ntitle_en = "Push"\nadapter = "push"\ndevice = "$.sn"\n'
        '[[fields]]\npath = "$.s"\nvalues = { "1" = "sos" }\n'
        '[[samples]]\npayload = \'{"sn":"a","s":1}\'\nmeans = ["sos"]\n',
    )
    ran = anju("devices", "try", "--mapping", "mappings/push.toml", "--payload", '{"sn":9,"s":"1"}')
    assert ran.out.startswith("9: sos  (confirmed, ")


# ── anju devices mapping ─────────────────────────────────────────────────────────────────────────


def test_a_new_mapping_is_written_and_passes_the_check(anju: Any) -> None:
    ran = anju(
        *("devices", "mapping", "new", "--topic", "home/gas/g-1/state"),
        *("--payload", '{"gas":true,"battery":81}'),
    )
    put("gas.toml", ran.out)
    checked = anju("devices", "mapping", "check", "mappings/gas.toml")
    assert checked.out == "ok       mappings/gas.toml: my-home-gas, 1 samples as they should be\n"
    again = tried(anju, "home/gas/g-2/state", '{"gas":false}', mappings="mappings")
    assert again.out.startswith("g-2: gas_clear")
    anju("devices", "mapping", "new", "--topic", "x", "--payload", "1").is_one_line(1, "topic: ")


def test_what_keeps_a_draft_from_being_used_is_said_on_top(anju: Any) -> None:
    said = {
        "device": {"identifiers": ["0x01"]},
        "device_class": "smoke",
        "state_topic": "zigbee2mqtt/0x01",
        "value_template": "{{ value_json.smoke }}",
    }
    ran = anju(
        *("devices", "mapping", "from-discovery", "--payload", json.dumps(said)),
        *("--topic", "homeassistant/binary_sensor/0x01/smoke/config"),
    )
    assert ran.out.startswith("# to put right: prefix: 'zigbee2mqtt' overlaps 'zigbee2mqtt' of fam")


def test_check_fails_for_a_wrong_file(anju: Any) -> None:
    put("bed.toml", BED.replace("water_total", "water"))
    ran = anju("devices", "mapping", "check", "mappings/bed.toml", "gone.toml")
    assert ran.out.startswith("error    mappings/bed.toml:13: fields[1].register: 'water' is none")
    ran.is_one_line(1, "2 to put right")
