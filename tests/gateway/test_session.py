"""One MQTT session against a broker that misbehaves: versions, acknowledgements, lost sessions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from core.clock import SystemClock
from gateway.arrived import Delivery
from gateway.endpoint import SESSION_EXPIRY_S, Endpoint
from gateway.mqtt import Session
from tests.gateway.fake_broker import V5, V311, Answer, FakeBroker
from tests.support.mosquitto import free_port
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped patience is for real networks."""
    monkeypatch.setattr("gateway.mqtt.CONNACK_WITHIN_S", 0.3)
    monkeypatch.setattr("gateway.mqtt.LONGEST_BACKOFF_S", 0.2)
    monkeypatch.setattr("gateway.mqtt.REFUSED_AGAIN_S", 0.2)


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker().running() as running:
        yield running


@contextlib.asynccontextmanager
async def session_at(
    port: int, *filters: str, receive_maximum: int = 500, embedded: bool = False
) -> AsyncIterator[Session]:
    endpoint = Endpoint(host="127.0.0.1", port=port, embedded=embedded)
    session = Session(
        "urgent", "anju-urgent-0", endpoint, SystemClock(), receive_maximum=receive_maximum
    )
    await session.start(filters or ("t",))
    try:
        yield session
    finally:
        await session.stop()


@contextlib.asynccontextmanager
async def connected(broker: FakeBroker, *filters: str) -> AsyncIterator[Session]:
    async with session_at(broker.port, *filters) as session:
        await until(lambda: session.unwell() is None)
        yield session


async def again(broker: FakeBroker, session: Session, *, session_present: bool) -> None:
    """The broker hangs up; the session comes back, and the broker knows it or does not."""
    before = len(broker.peers)
    broker.session_present = session_present
    broker.peer.hang_up()
    await until(lambda: len(broker.peers) > before and session.unwell() is None)


async def arrived(session: Session, count: int) -> None:
    await until(lambda: session.backlog == count, what=f"{session.backlog} of {count}")


async def take(session: Session, count: int) -> list[Delivery]:
    await arrived(session, count)
    return await session.take(count, 0)


def payloads(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.message.payload for delivery in deliveries]


async def test_an_mqtt_5_session_is_kept_and_bounded(broker: FakeBroker) -> None:
    async with session_at(broker.port, "a/+", "b/#", receive_maximum=321) as session:
        await until(lambda: session.unwell() is None)
        connect = broker.peer.connect
        assert (connect.level, connect.client_id, connect.clean) == (V5, "anju-urgent-0", False)
        assert connect.properties == {0x11: SESSION_EXPIRY_S, 0x21: 321}
        assert broker.peer.subscribed == ["a/+", "b/#"]


@pytest.mark.parametrize("answer", ["refuse", "refuse like 3.1.1", "silence", "hang up"])
async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(
    broker: FakeBroker, answer: Answer
) -> None:
    broker.answers[V5] = answer
    async with connected(broker) as session:
        assert [attempt.level for attempt in broker.attempts] == [V5, V311]
        connect = broker.peer.connect
        assert (connect.client_id, connect.clean) == ("anju-urgent-0", False)
        broker.peer.deliver(7, "anju/v1/b/event", b"x")
        (delivery,) = await take(session, 1)
        assert broker.peer.acknowledged == []
        session.ack([delivery])
        await until(lambda: broker.peer.acknowledged == [7])


async def test_the_embedded_broker_is_spoken_to_in_3_1_1_at_once(broker: FakeBroker) -> None:
    async with session_at(broker.port, embedded=True) as session:
        await until(lambda: session.unwell() is None)
        assert [attempt.level for attempt in broker.attempts] == [V311]


@pytest.mark.parametrize("answer", ["silence", "hang up"])
async def test_a_broker_that_was_only_slow_is_spoken_to_in_mqtt_5_again(
    broker: FakeBroker, answer: Answer
) -> None:
    """Behind a proxy a broker that restarts accepts connections and drops them."""
    broker.answers = {V5: answer, V311: answer}
    async with session_at(broker.port) as session:
        await until(lambda: len(broker.attempts) >= 2)
        broker.answers = {V5: "accept", V311: "hang up"}
        await until(lambda: session.unwell() is None)
        assert broker.peer.connect.level == V5


async def test_after_a_loss_mqtt_5_is_tried_first_again(broker: FakeBroker) -> None:
    broker.answers[V5] = "silence"
    async with connected(broker) as session:
        broker.answers[V5] = "accept"
        await again(broker, session, session_present=False)
        assert broker.peer.connect.level == V5


async def test_a_broker_that_refused_mqtt_5_is_not_asked_again(broker: FakeBroker) -> None:
    broker.answers[V5] = "refuse"
    async with connected(broker) as session:
        await again(broker, session, session_present=True)
        assert [attempt.level for attempt in broker.attempts] == [V5, V311, V311]


async def test_nothing_is_acknowledged_but_by_hand_and_in_order(broker: FakeBroker) -> None:
    async with connected(broker) as session:
        for mid in (3, 1, 2):
            broker.peer.deliver(mid)
        batch = await take(session, 3)
        assert broker.peer.acknowledged == []
        session.ack(batch)
        await until(lambda: len(broker.peer.acknowledged) == 3)
        assert broker.peer.acknowledged == [3, 1, 2]


async def test_a_message_of_qos_0_needs_no_acknowledgement(broker: FakeBroker) -> None:
    async with connected(broker) as session:
        broker.peer.deliver(0, qos=0)
        broker.peer.deliver(5)
        session.ack(await take(session, 2))
        await until(lambda: broker.peer.acknowledged)
        assert broker.peer.acknowledged == [5]


async def test_an_acknowledgement_for_an_older_connection_is_dropped(broker: FakeBroker) -> None:
    """Packet ids start anew: it would acknowledge what nobody has stored yet."""
    async with connected(broker) as session:
        broker.peer.deliver(1, payload=b"old")
        old = await take(session, 1)
        await again(broker, session, session_present=False)
        broker.peer.deliver(1, payload=b"new")
        new = await take(session, 1)
        session.ack(old)
        broker.peer.deliver(2, payload=b"newer")
        newer = await take(session, 1)
        session.ack(newer)
        await until(lambda: broker.peer.acknowledged)
        assert broker.peer.acknowledged == [2]
        session.ack(new)
        await until(lambda: broker.peer.acknowledged == [2, 1])


async def test_a_session_that_was_kept_brings_again_what_was_not_acknowledged(
    broker: FakeBroker,
) -> None:
    async with connected(broker) as session:
        broker.peer.deliver(1, payload=b"a")
        broker.peer.deliver(2, payload=b"b")
        await arrived(session, 2)
        await again(broker, session, session_present=True)
        broker.peer.deliver(1, payload=b"a")
        broker.peer.deliver(2, payload=b"b")
        await arrived(session, 2)
        batch = await session.take(10, 0)
        assert payloads(batch) == [b"a", b"b"], "our own copies would be a second time"
        session.ack(batch)
        await until(lambda: broker.peer.acknowledged == [1, 2])


async def test_a_session_that_was_lost_is_subscribed_again_and_our_copies_stay(
    broker: FakeBroker,
) -> None:
    async with connected(broker, "a", "b") as session:
        broker.peer.deliver(1, payload=b"only copy")
        await arrived(session, 1)
        await again(broker, session, session_present=False)
        assert broker.peer.subscribed == ["a", "b"]
        broker.peer.deliver(1, payload=b"new")
        assert payloads(await take(session, 2)) == [b"only copy", b"new"]


async def test_only_copies_survive_a_second_reconnect(broker: FakeBroker) -> None:
    """The broker lost the session they came by; that it kept the next one does not help them."""
    async with connected(broker) as session:
        broker.peer.deliver(1, payload=b"only copy")
        await arrived(session, 1)
        await again(broker, session, session_present=False)
        broker.peer.deliver(1, payload=b"kept by the broker")
        await arrived(session, 2)
        await again(broker, session, session_present=True)
        broker.peer.deliver(1, payload=b"kept by the broker")
        await until(lambda: session.backlog >= 2)
        batch = await session.take(10, 0)
        assert payloads(batch) == [b"only copy", b"kept by the broker"]
        session.ack(batch)
        await until(lambda: broker.peer.acknowledged == [1])


async def test_what_came_unacknowledgeable_is_kept_over_a_reconnect(broker: FakeBroker) -> None:
    async with connected(broker) as session:
        broker.peer.deliver(0, payload=b"qos 0", qos=0)
        broker.peer.deliver(1, payload=b"qos 1")
        await arrived(session, 2)
        await again(broker, session, session_present=True)
        assert payloads(await take(session, 1)) == [b"qos 0"]


async def test_a_broker_that_is_away_is_waited_for(broker: FakeBroker) -> None:
    port = free_port()
    async with session_at(port) as session:
        await until(lambda: "cannot reach the broker" in (session.unwell() or ""))
        late = FakeBroker()
        late.port = port
        async with late.running():
            await until(lambda: session.unwell() is None)
            late.peer.hang_up()
            await until(lambda: "connection lost" in (session.unwell() or ""))
            await until(lambda: session.unwell() is None)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
async def test_a_name_that_leads_nowhere_is_tried_for_ever(host: str) -> None:
    session = Session(
        "urgent", "anju-urgent-0", Endpoint(host=host, port=1883), SystemClock(), receive_maximum=9
    )
    await session.start(("t",))
    try:
        await until(lambda: "cannot reach the broker" in (session.unwell() or ""))
        assert session._task is not None and not session._task.done()
    finally:
        await session.stop()


async def test_a_refused_subscription_is_said_and_asked_for_again(broker: FakeBroker) -> None:
    broker.refused = {"b"}
    async with session_at(broker.port, "a", "b") as session:
        await until(lambda: "subscription refused" in (session.unwell() or ""))
        assert "b" in str(session.unwell())
        broker.refused = set()  # somebody put the access list right
        await until(lambda: session.unwell() is None)
        assert len(broker.peers) == 1, "without a reconnect: other filters were granted"


async def test_filters_change_without_a_reconnect(broker: FakeBroker) -> None:
    async with connected(broker, "a", "b") as session:
        await session.want(("b", "c"))
        await until(lambda: broker.peer.subscribed[-2:] == ["b", "c"])
        await until(lambda: broker.peer.unsubscribed == ["a"])
        await session.want(("c", "b"))
        assert len(broker.peers) == 1
        await again(broker, session, session_present=True)
        assert broker.peer.subscribed == ["b", "c"], "the change outlives the connection"


async def test_messages_leave_while_there_is_a_connection(broker: FakeBroker) -> None:
    async with session_at(free_port()) as away:
        assert not away.publish("t", b"x")
    async with connected(broker) as session:
        assert session.publish("anju/v1/b/ack", b"{}")
        await until(lambda: broker.peer.published == [("anju/v1/b/ack", b"{}")])


async def test_a_stopped_session_leaves_what_is_unacknowledged_with_the_broker(
    broker: FakeBroker,
) -> None:
    async with connected(broker) as session:
        broker.peer.deliver(1)
        await arrived(session, 1)
    assert broker.peer.acknowledged == []
    await until(lambda: broker.peer.said_goodbye)
