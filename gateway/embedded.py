"""The demo's broker: amqtt inside this process, so that a first look needs no other program."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from core.errors import SettingsError
from core.logging import get_logger

_SETTING = "ANJU_MQTT_URL"
_STOP_S = 3.0
_log = get_logger(__name__)


class EmbeddedBroker:
    """An MQTT 3.1.1 broker on the loopback interface; no passwords, nothing kept on disk.

    amqtt forgets sessions (a message for a subscriber that is away is gone) and gives up on a
    message that is not acknowledged within 5 s. Both are fine for a demo, where devices repeat
    what matters until Anju's own `ack`, and are why an installation uses Mosquitto.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 1883) -> None:
        """Prepare to listen on `host`:`port`.

        Raises `SettingsError` for a host that others can reach: anybody could connect.
        """
        if not _is_loopback(host):
            raise SettingsError(
                _SETTING,
                f"the embedded broker has no passwords and listens on this machine only; "
                f"use embedded://127.0.0.1:{port}, or a real broker for {host}",
            )
        self.host, self.port = host, port
        self._broker: _Broker | None = None

    @property
    def url(self) -> str:
        """Where clients connect to, for example `mqtt://127.0.0.1:1883`."""
        return f"mqtt://{_bracketed(self.host)}:{self.port}"

    async def start(self) -> None:
        """Listen. Raises `SettingsError` when the port is taken or may not be used."""
        _route_logs()
        broker = _Broker(
            BrokerConfig(
                listeners={"default": ListenerConfig(bind=f"{_bracketed(self.host)}:{self.port}")},
                # Named one by one: the default list also loads a $SYS publisher and packet logs.
                plugins={
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            )
        )
        try:
            await broker.start()
        except BrokerError as error:
            raise SettingsError(_SETTING, self._why_not(error.__cause__)) from error
        self._broker = broker
        _log.info("embedded broker listens", host=self.host, port=self.port)

    async def stop(self) -> None:
        """Close every connection and stop listening; harmless when it does not run."""
        broker, self._broker = self._broker, None
        if broker is None:
            return
        await broker.hang_up_strangers()
        try:
            async with asyncio.timeout(_STOP_S):
                await broker.shutdown()
        except TimeoutError:
            _log.warning("embedded broker stopped with connections still open")

    def _why_not(self, cause: BaseException | None) -> str:
        where = f"{self.host}:{self.port}"
        if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
            return f"port {self.port} on {self.host} is taken by another program; name a free one"
        if isinstance(cause, PermissionError):
            return f"this user may not listen on {where}; use a port from 1024 up"
        return f"cannot listen on {where}: {cause}"


class _Broker(Broker):  # type: ignore[misc]  # amqtt ships no types
    """amqtt 0.12 with two of its habits mended.

    It offers every new connection the retained messages of *everybody's* filters, so that, for
    example, the bulk lane would be handed device states it never asked for. And it forgets to
    close sockets that never sent a CONNECT, which from Python 3.12 on blocks its shutdown.
    """

    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(config)
        self._strangers: set[WriterAdapter] = set()

    async def hang_up_strangers(self) -> None:
        """Close the sockets whose clients have not introduced themselves."""
        for writer in tuple(self._strangers):
            await writer.close()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, address: str, port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        self._strangers.add(writer)
        try:
            known: tuple[BrokerProtocolHandler, Session] = await super()._initialize_client_session(
                reader, writer, address, port
            )
            return known
        finally:
            self._strangers.discard(writer)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribers = self._subscriptions.get(subscription[0], [])
        if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class _ToOurLog(logging.Handler):
    """Passes amqtt's errors on as one line each: its tracebacks are its own business."""

    def emit(self, record: logging.LogRecord) -> None:
        _log.debug("embedded broker", said=record.getMessage())


def _route_logs() -> None:
    for name in ("amqtt", "transitions"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.propagate = False
        if not any(isinstance(handler, _ToOurLog) for handler in logger.handlers):
            logger.addHandler(_ToOurLog())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
