"""The door for devices with certificates of their own: deploy/mosquitto/certificates.conf."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.clock import SystemClock
from gateway.endpoint import Endpoint
from gateway.mqtt import Session
from tests.broker.support import ShippedBroker
from tests.support.mosquitto import SHIPPED, free_port, program
from tests.support.waiting import until

pytestmark = pytest.mark.broker


def openssl(*words: str) -> None:
    subprocess.run([program("openssl"), *words], check=True, capture_output=True, timeout=30)


class Authority:
    """A certificate authority of a test alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.ca = folder / "devices-ca.crt"
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._key = key
        openssl(
            *("req", "-x509", *key, "-days", "2", "-subj", "/CN=test authority"),
            *("-keyout", str(folder / "ca.key"), "-out", str(self.ca)),
        )

    def sign(self, common_name: str, name: str | None = None) -> tuple[Path, Path]:
        """Certificate and key."""
        stem = self.folder / (name or common_name)
        certificate, key, asked = (stem.with_suffix(end) for end in (".pem", ".key", ".csr"))
        extension = stem.with_suffix(".ext")
        extension.write_text("subjectAltName=IP:127.0.0.1")
        subject = ("-subj", f"/CN={common_name}")
        openssl("req", *self._key, *subject, "-keyout", str(key), "-out", str(asked))
        openssl(
            *("x509", "-req", "-in", str(asked), "-CA", str(self.ca), "-days", "2"),
            *("-CAkey", str(self.folder / "ca.key"), "-CAcreateserial"),
            *("-extfile", str(extension), "-out", str(certificate)),
        )
        return certificate, key


class TlsBroker(ShippedBroker):
    """The shipped broker with the door for certificates, and Anju's own behind TLS."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.tls_port, self._tls = free_port(), authority.folder
        certificate, key = authority.sign("broker", "broker")
        certificate.rename(self._tls / "fullchain.pem")
        key.rename(self._tls / "privkey.pem")
        super().__init__(folder)

    def _moved(self, folder: Path, port: int) -> str:
        snippet = (SHIPPED.parent / "certificates.conf").read_text("utf-8")
        snippet = snippet.replace("/mosquitto/config/tls/", f"{self._tls}/")
        snippet = snippet.replace("/mosquitto/accounts/", f"{self.accounts}/")
        snippet = re.sub(
            r"^listener 8883$", f"listener {self.tls_port} 127.0.0.1", snippet, flags=re.M
        )
        server = "".join(
            f"{word}file {self._tls}/{name}\n"
            for word, name in (("cert", "fullchain.pem"), ("key", "privkey.pem"))
        )
        own = f"acl_file {self.accounts}/gateway.acl\n"
        return super()._moved(folder, port).replace(own, own + server) + snippet


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture
def broker(tmp_path: Path, authority: Authority) -> Iterator[TlsBroker]:
    running = TlsBroker(tmp_path / "broker", authority)
    yield running
    running.stop()


def publishing(broker: TlsBroker, authority: Authority, topic: str, *more: str) -> list[str]:
    """A call of mosquitto_pub at the door for certificates."""
    words = ("-h", "127.0.0.1", "-p", str(broker.tls_port), "-V", "5", "-q", "1", "-t", topic)
    return [program("mosquitto_pub"), *words, "--cafile", str(authority.ca), *more]


def publish(broker: TlsBroker, authority: Authority, topic: str, *more: str) -> str:
    """What mosquitto_pub says; empty when the broker took it."""
    words = publishing(broker, authority, topic, *more, "-m", "{}")
    sent = subprocess.run(words, capture_output=True, text=True, timeout=20)
    return sent.stdout + sent.stderr


@contextmanager
def connected(broker: TlsBroker, authority: Authority, topic: str, *more: str) -> Iterator[Speaker]:
    """One connection of mosquitto_pub that stays open."""
    words = publishing(broker, authority, topic, *more, "-l")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        yield Speaker(process)
        process.terminate()


class Speaker:
    """Publishes a line after the other over one connection."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stderr is not None
        self._in, self._err = process.stdin, process.stderr
        os.set_blocking(self._err.fileno(), False)

    def refused(self) -> bool:
        """Publish once more; whether the broker has refused anything by now."""
        self._in.write(b"{}\n")
        self._in.flush()
        return b"Not authorized" in (self._err.read() or b"")


def held(certificate: tuple[Path, Path]) -> tuple[str, ...]:
    return ("--cert", str(certificate[0]), "--key", str(certificate[1]))


async def test_a_certificate_is_an_account_until_it_is_revoked(
    broker: TlsBroker, authority: Authority, tmp_path: Path
) -> None:
    own = held(authority.sign("btn-1"))
    as_other = ("-u", "btn-2", "-i", "btn-2")
    assert publish(broker, authority, "anju/v1/btn-1/event", *own) == ""
    assert "Not authorized" in publish(broker, authority, "anju/v1/btn-2/event", *own)
    assert "Not authorized" in publish(broker, authority, "anju/v1/btn-2/event", *own, *as_other)
    assert publish(broker, authority, "anju/v1/btn-1/event") != "", "no certificate, no way in"
    forged = held(Authority(tmp_path / "other").sign("btn-1"))
    assert publish(broker, authority, "anju/v1/btn-1/event", *forged) != ""
    unknown = held(authority.sign("stranger"))
    assert "Not authorized" in publish(broker, authority, "anju/v1/stranger/event", *unknown)

    connections = broker.log.count("as btn-1 (")
    with connected(broker, authority, "anju/v1/btn-1/event", *own) as open_connection:
        await until(lambda: broker.log.count("as btn-1 (") > connections, what="a connection")
        assert not open_connection.refused()
        broker.let_in(("btn-2",))
        broker.reload()
        await until(open_connection.refused, within_s=5, what="the open connection refused")
    assert "Not authorized" in publish(broker, authority, "anju/v1/btn-1/event", *own)


async def test_anju_trusts_its_broker_by_the_authority_it_is_given(
    broker: TlsBroker, authority: Authority
) -> None:
    url = f"mqtts://anju-gateway:gateway-password-of-a-test@127.0.0.1:{broker.gateway_port}"
    endpoint = Endpoint.parse(url, str(authority.ca))
    session = Session("urgent", "anju-urgent-0", endpoint, SystemClock(), receive_maximum=10)
    await session.start(["anju/v1/+/event"])
    await until(lambda: session.unwell() is None, what=str(session.unwell()))
    await session.stop()

    doubtful = Endpoint.parse(url)
    session = Session("urgent", "anju-urgent-0", doubtful, SystemClock(), receive_maximum=10)
    await session.start(["anju/v1/+/event"])
    await until(lambda: "certificate" in (session.unwell() or ""), what=str(session.unwell()))
    await session.stop()
