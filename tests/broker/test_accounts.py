"""scripts/mqtt_accounts.py: from a registration over REST to a connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alerting.fleet import equipment, sources
from care.equipment import MqttCredentials
from care.model import SYSTEM
from core.db import Database
from scripts import mqtt_accounts
from tests.broker.support import Client, ShippedBroker
from tests.support.clock import ManualClock

pytestmark = pytest.mark.broker
SCRIPT = Path(mqtt_accounts.__file__)


async def register(db: Database, clock: ManualClock, ident: str) -> MqttCredentials:
    async with db.transaction() as session:
        _, credentials = await equipment.register_device(
            session, SYSTEM, clock.now(), device_id=ident, family="native", role="sos_button"
        )
    assert credentials is not None
    return credentials


async def switch_off(db: Database, clock: ManualClock, ident: str) -> None:
    async with db.transaction() as session:
        await equipment.update_device(session, SYSTEM, clock.now(), ident, {"active": False})


async def test_a_registered_device_connects_and_one_that_is_switched_off_does_not(
    db: Database, clock: ManualClock, broker: ShippedBroker
) -> None:
    given = await register(db, clock, "btn-7")
    assert await mqtt_accounts.write_lists(db, broker.accounts)
    broker.reload()
    button = Client(broker.port, "btn-7", given.username, given.password)
    assert button.connect() == "Success"

    assert not await mqtt_accounts.write_lists(db, broker.accounts)

    await switch_off(db, clock, "btn-7")
    assert await mqtt_accounts.write_lists(db, broker.accounts)
    broker.reload()
    button.thrown_out()
    button.close()


async def test_a_bridge_may_speak_below_the_prefix_that_it_was_given(
    db: Database, clock: ManualClock, broker: ShippedBroker
) -> None:
    async with db.transaction() as session:
        source, given = await sources.register_source(
            session,
            SYSTEM,
            clock.now(),
            name="village",
            family="zigbee2mqtt",
            prefix="village 7/zigbee2mqtt",
        )
    await mqtt_accounts.write_lists(db, broker.accounts)
    broker.reload()
    with (
        broker.gateway("watcher") as everything,
        Client(broker.port, source.id, given.username, given.password) as bridge,
    ):
        everything.subscribe("#")
        bridge.publish("village 8/zigbee2mqtt/smoke", b"forged")
        bridge.publish("village 7/zigbee2mqtt/smoke", b"own")
        assert everything.hear().payload == b"own"


def run_script(act: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), act, "--folder", str(folder)],
        env={**os.environ, **environment},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "accounts"
    made.mkdir()
    return made


def contents(folder: Path) -> dict[str, str]:
    return {one.name: one.read_text() for one in folder.iterdir()}


def test_the_program_writes_the_devices_lists(database_url: str, folder: Path) -> None:
    done = run_script("write", folder, ANJU_DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(folder) == {
        "devices.passwd": "",
        "devices.acl": mqtt_accounts.RULES,
        "certificates.acl": mqtt_accounts.HEADER,
        "gateway.acl": mqtt_accounts.OWN_RULES,
    }
    assert {one.stat().st_mode & 0o137 for one in folder.iterdir()} == {0}


def test_the_program_prepares_anjus_own_door_and_does_so_once(folder: Path) -> None:
    url = "mqtt://anju-gateway:p%40ss@127.0.0.1:1884"
    assert run_script("prepare", folder, ANJU_MQTT_URL=url).returncode == 0
    before = contents(folder)
    assert run_script("prepare", folder, ANJU_MQTT_URL=url).returncode == 0
    assert contents(folder) == before

    changed = url.replace("p%40ss", "another")
    assert run_script("prepare", folder, ANJU_MQTT_URL=changed).returncode == 0
    after = contents(folder)
    assert after["health.secret"] == before["health.secret"]
    assert after["gateway.passwd"] != before["gateway.passwd"]


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1:1884", "mqtt://somebody:secret@127.0.0.1:1884"])
def test_a_door_for_nobody_is_one_line_naming_the_setting(folder: Path, url: str) -> None:
    done = run_script("prepare", folder, ANJU_MQTT_URL=url)
    assert done.returncode == 2
    assert done.stderr.startswith("accounts: ANJU_MQTT_URL: ")
    assert done.stderr.count("\n") == 1


def test_without_a_database_there_is_one_line_and_the_lists_stay(folder: Path) -> None:
    (folder / "devices.passwd").write_text("btn-1:hash\n")
    url = f"sqlite+aiosqlite:///{folder}/nowhere/anju.db"
    done = run_script("write", folder, ANJU_DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("accounts: cannot read the database")
    assert done.stderr.count("\n") == 1
    assert contents(folder) == {"devices.passwd": "btn-1:hash\n"}
