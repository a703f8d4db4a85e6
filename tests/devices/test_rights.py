"""What accounts may say and hear, held against the semantics of the generated Mosquitto lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.families import shelly_downlink, tasmota_downlink
from devices.registry import FAMILIES
from devices.rights import (
    Account,
    covers,
    downlinks,
    hearing,
    matches,
    may_hear,
    may_publish,
    may_subscribe,
)
from scripts.mqtt_accounts import access_list, certificate_list

LEVELS = ("anju", "v1", "btn-1", "btn-2", "event", "ack", "command", "z2m", "bridge", "0x1", "set")
topics = st.lists(st.sampled_from(LEVELS), min_size=1, max_size=5).map("/".join)
filters = st.lists(st.sampled_from((*LEVELS, "+")), min_size=1, max_size=5).flatmap(
    lambda levels: st.sampled_from(["/".join(levels), "/".join([*levels, "#"]), "#"])
)
accounts = st.one_of(
    st.sampled_from(["btn-1", "btn-2"]).map(lambda name: Account(name=name)),
    st.tuples(
        st.sampled_from(sorted(name for name in FAMILIES if name != "native")),
        st.sampled_from(["z2m", "z2m/bridge", "tele"]),
        st.none() | st.lists(st.sampled_from(["0x1", "btn-1", "a/b", "+", "x/#"])).map(tuple),
    ).map(lambda some: Account(name="src-1", family=some[0], prefix=some[1], listed=some[2])),
)


def allowed(text: str, name: str, topic: str, way: str) -> bool:
    """What Mosquitto makes of an access list (mosquitto.conf(5), acl_file)."""
    user: str | None = None
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "user":
            user = rest
        elif word in ("topic", "pattern"):
            access, _, wanted = rest.partition(" ")
            applies = user == name if word == "topic" else True
            if applies and access == way and matches(wanted.replace("%u", name), topic):
                return True
    return False


@given(account=accounts, topic=topics)
def test_the_generated_lists_say_what_the_rule_says(account: Account, topic: str) -> None:
    others = [Account(name="btn-9"), Account(name="src-9", family="zigbee2mqtt", prefix="z9")]
    listed = certificate_list([*others, account])
    assert allowed(listed, account.name, topic, "write") == may_publish(account, topic)
    assert allowed(listed, account.name, topic, "read") == may_hear(account, topic)
    with_pattern = access_list([*others, account])
    at_that_door = may_publish(account, topic) or topic.startswith(f"anju/v1/{account.name}/")
    assert allowed(with_pattern, account.name, topic, "write") <= at_that_door


@given(account=accounts, wanted=filters, topic=topics)
def test_whoever_may_subscribe_may_hear_all_that_comes(
    account: Account, wanted: str, topic: str
) -> None:
    if may_subscribe(account, wanted) and matches(wanted, topic):
        assert may_hear(account, topic)


@given(allowed_=filters, wanted=filters, topic=topics)
def test_a_filter_covers_another_only_with_all_its_topics(
    allowed_: str, wanted: str, topic: str
) -> None:
    if covers(allowed_, wanted) and matches(wanted, topic):
        assert matches(allowed_, topic)
    assert covers(wanted, topic) == matches(wanted, topic)


@given(account=accounts)
def test_everybody_may_ask_for_what_they_may_hear(account: Account) -> None:
    assert all(may_subscribe(account, wanted) for wanted in hearing(account))


def test_wildcards_do_not_reach_the_broker_s_own_topics() -> None:
    assert not matches("#", "$SYS/broker/uptime")
    assert not matches("+/broker/uptime", "$SYS/broker/uptime")
    assert matches("$SYS/#", "$SYS/broker/uptime")
    assert matches("a/#", "a")


def test_a_name_with_a_wildcard_opens_nothing() -> None:
    bridge = Account(name="s", family="zigbee2mqtt", prefix="z", listed=("0x1", "+", "#", "a\nb"))
    assert may_publish(bridge, "z/0x1") and may_publish(bridge, "z/bridge/state")
    assert not may_publish(bridge, "z/0x2")
    assert "\nb" not in certificate_list([bridge])


def test_a_shelly_may_be_its_own_prefix() -> None:
    alone = Account(name="s", family="shelly-gen2", prefix="shelly-1", listed=("shelly-1",))
    assert may_publish(alone, "shelly-1/events/rpc")
    among = Account(name="s", family="shelly-gen2", prefix="home", listed=("shelly-1",))
    assert may_publish(among, "home/shelly-1/online")
    assert not may_publish(among, "home/shelly-2/online")
    assert shelly_downlink.own_topic("home", "shelly-1") == "home/shelly-1"


def test_a_tasmota_device_hears_its_commands() -> None:
    account = Account(name="s", family="tasmota", prefix="tele")
    assert may_subscribe(account, "cmnd/kitchen/#")
    assert may_publish(account, "stat/kitchen/RESULT")
    assert not may_publish(account, "cmnd/kitchen/POWER")
    between = Account(name="s", family="tasmota", prefix="home")
    assert may_subscribe(between, "home/cmnd/kitchen/#")
    assert tasmota_downlink.DOWNLINK.filters("home") == ("home/cmnd/+/Buzzer",)


def test_anju_may_write_what_its_bridges_devices_are_told_and_nothing_wide() -> None:
    bridges = [("zigbee2mqtt", "z"), ("tasmota", "tele"), ("shelly-gen2", "s"), ("rtl_433", "r")]
    assert downlinks(bridges) == [
        "cmnd/+/Buzzer", "s/+/rpc", "s/rpc", "z/+/+/set", "z/+/set",
    ]  # fmt: skip
