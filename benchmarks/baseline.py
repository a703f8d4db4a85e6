"""The yardstick: a paho subscriber that acknowledges every message by hand and does nothing else.

It has the same kind of session as Anju's lanes (MQTT 5, Receive Maximum, QoS 1) and prints how
many messages it has acknowledged, ten times a second. The end of its input is its end.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.lanes import RECEIVE_MAXIMUM


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    acknowledged = 0

    def on_message(client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        nonlocal acknowledged
        client.ack(message.mid, message.qos)
        acknowledged += 1

    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id="benchmark-baseline",
        protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=True,
    )
    client.on_message = on_message
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = RECEIVE_MAXIMUM["bulk"]
    client.connect("127.0.0.1", options.port, properties=properties)
    client.subscribe("anju/#", qos=1)
    threading.Thread(target=client.loop_forever, daemon=True).start()
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    while not ended.is_set():
        print(acknowledged, flush=True)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
