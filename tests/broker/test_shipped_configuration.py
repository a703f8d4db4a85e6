"""The shipped Mosquitto configuration, held against a real Mosquitto."""

from __future__ import annotations

import pytest

from tests.broker.support import BRIDGE, GATEWAY, GATEWAY_PASSWORD, Client, ShippedBroker

pytestmark = pytest.mark.broker

AWAY = 3_000
"""More than the 1,000 that Mosquitto keeps by default before it drops silently."""


def leave_session(broker: ShippedBroker, *topics: str) -> Client:
    """A session of Anju's that subscribed and went away."""
    session = broker.gateway("anju-urgent-0")
    with session:
        session.subscribe(*topics)
    return session


def payloads(session: Client, count: int) -> list[bytes]:
    return [bytes(session.hear().payload) for _ in range(count)]


@pytest.mark.parametrize("qos", [1, 0])
def test_messages_sent_while_the_session_is_away_all_arrive(
    broker: ShippedBroker, qos: int
) -> None:
    session = leave_session(broker, "anju/v1/+/event")
    with broker.device("btn-1") as button:
        sent = [
            button.send("anju/v1/btn-1/event", str(number).encode(), qos=qos)
            for number in range(AWAY)
        ]
        for info in sent:
            info.wait_for_publish(20)
    with session:
        messages = [session.hear() for _ in range(AWAY)]
    assert [int(message.payload) for message in messages] == list(range(AWAY))
    assert {message.qos for message in messages} == {1}


def test_what_is_queued_survives_a_restart_of_the_broker(broker: ShippedBroker) -> None:
    session = leave_session(broker, "anju/v1/+/event")
    with broker.device("btn-1") as button:
        button.publish("anju/v1/btn-1/event", b"before")
    broker.restart()
    with broker.device("btn-1") as button:
        button.publish("anju/v1/btn-1/event", b"after")
    with session:
        assert payloads(session, 2) == [b"before", b"after"]


def test_a_device_cannot_speak_as_another(broker: ShippedBroker) -> None:
    with broker.gateway("watcher") as everything:
        everything.subscribe("#")
        with broker.device("btn-1") as button:
            button.publish("anju/v1/btn-2/event", b"forged")
            button.publish("anju/v1/btn-1/ack", b"forged")
            button.publish("anju/canary/anju-canary", b"forged")
            button.publish("east/zigbee2mqtt/smoke", b"forged")
            button.publish("anju/v1/btn-1/event", b"own")
        assert everything.hear().payload == b"own"
        assert everything.heard.empty()


def test_a_device_hears_its_own_answers_only(broker: ShippedBroker) -> None:
    with broker.device("btn-1") as button, broker.gateway("anju-urgent-0") as anju:
        button.subscribe("#", "anju/v1/+/ack", "anju/v1/btn-2/ack")
        anju.publish("anju/v1/btn-2/ack", b"for another")
        anju.publish("anju/v1/btn-2/command", b"for another")
        anju.publish("anju/v1/btn-1/ack", b"for me")
        assert button.hear().payload == b"for me"


def test_a_bridge_speaks_below_its_prefix_only(broker: ShippedBroker) -> None:
    with broker.gateway("watcher") as everything, broker.device(BRIDGE) as bridge:
        everything.subscribe("#")
        bridge.publish("west/zigbee2mqtt/smoke", b"forged")
        bridge.publish("anju/v1/btn-1/event", b"forged")
        bridge.publish("east/zigbee2mqtt/smoke", b"own")
        assert everything.hear().payload == b"own"


def test_a_device_cannot_take_over_the_session_of_the_urgent_lane(broker: ShippedBroker) -> None:
    session = leave_session(broker, "anju/v1/+/event")
    with broker.device("btn-1", client_id="anju-urgent-0") as thief:
        thief.publish("anju/v1/btn-1/event", b"press")
    with session:
        assert session.hear().payload == b"press"


@pytest.mark.parametrize(
    ("name", "password"), [("btn-1", "wrong"), ("stranger", "x"), (GATEWAY, GATEWAY_PASSWORD)]
)
def test_nobody_else_comes_in_at_the_devices_door(
    broker: ShippedBroker, name: str, password: str
) -> None:
    client = Client(broker.port, name, name, password)
    assert client.connect() == "Not authorized"
    client.close()


def test_a_device_cannot_come_in_at_anjus_door(broker: ShippedBroker) -> None:
    client = Client(broker.gateway_port, "btn-1", "btn-1", "device-password-of-a-test")
    assert client.connect() == "Not authorized"
    client.close()


def test_a_registered_device_comes_in_after_a_reload_and_a_removed_one_goes(
    broker: ShippedBroker,
) -> None:
    removed = broker.device("btn-1")
    assert removed.connect() == "Success"
    broker.let_in(("btn-2", "btn-3"))
    broker.reload()
    removed.thrown_out()
    removed.close()
    with broker.device("btn-3") as added:
        added.publish("anju/v1/btn-3/event")


def test_the_canary_may_pass_every_lane(broker: ShippedBroker) -> None:
    topics = [
        "anju/v1/anju-canary/event",
        "anju/v1/anju-canary/telemetry",
        "anju/canary/anju-canary",
    ]
    with broker.gateway("anju-urgent-0") as anju:
        anju.subscribe("anju/#")
        for topic in topics:
            anju.publish(topic)
        assert [anju.hear().topic for _ in topics] == topics


def test_the_health_check_is_answered_and_hears_nothing_else(broker: ShippedBroker) -> None:
    secret = (broker.accounts / "health.secret").read_text()
    with Client(broker.gateway_port, "h", "health", secret) as health:
        health.subscribe("#", "$SYS/broker/uptime")
        assert health.hear().topic == "$SYS/broker/uptime"
