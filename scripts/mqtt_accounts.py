"""Keeps Mosquitto's password and access lists in step with the devices that Anju knows.

Anju keeps the hash of every MQTT password in Mosquitto's own form, so that a device registered
over REST may connect two seconds later, and one that was revoked is cut off as quickly:

    python scripts/mqtt_accounts.py prepare --folder …              # Anju's own door, once
    python scripts/mqtt_accounts.py write --folder … --every 2      # the devices', for ever

`prepare` takes Anju's name and password from ANJU_MQTT_URL, `write` needs ANJU_DATABASE_URL.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.exc import SQLAlchemyError

from care.equipment import mosquitto_hash, salt_of
from care.mqtt_accounts import all_accounts, bridges_spoken_to
from core.db import Database
from core.errors import AnjuError, SettingsError
from core.ids import new_secret
from core.settings import Settings, load_settings
from devices.families.native import FAMILY
from devices.rights import Account, downlinks, hearing, publishing

NATIVE = FAMILY.name
PASSWORDS, ACCESS = "devices.passwd", "devices.acl"
CERTIFICATES = "certificates.acl"
OWN_PASSWORDS, OWN_ACCESS, HEALTH_SECRET = "gateway.passwd", "gateway.acl", "health.secret"
HEALTH_USER = "health"
OWN_USER = "anju-gateway"
"""The name that the gateway's list lets read everything."""
HEADER = """\
# Written by scripts/mqtt_accounts.py from Anju's database; changes made here are lost.
"""

RULES = f"""\
{HEADER}
# A native device speaks and hears under its own id only.
pattern write anju/v1/%u/event
pattern write anju/v1/%u/telemetry
pattern write anju/v1/%u/status
pattern read anju/v1/%u/ack
pattern read anju/v1/%u/command
"""
OWN_RULES = f"""\
{HEADER}
# The health check asks whether the broker really delivers.
user {HEALTH_USER}
topic read $SYS/broker/uptime

# Anju's own door. Reads everything, for a message under an unknown topic must be seen too. Writes
# what goes down to devices, and its canary through each lane.
user {OWN_USER}
topic read #
topic write anju/v1/+/ack
topic write anju/v1/+/command
topic write anju/v1/anju-canary/event
topic write anju/v1/anju-canary/telemetry
topic write anju/canary/anju-canary
"""


def password_list(accounts: Iterable[tuple[str, str]]) -> str:
    """Mosquitto's password file, of user names and hashes."""
    return "".join(f"{name}:{digest}\n" for name, digest in sorted(accounts))


def access_list(accounts: Iterable[Account]) -> str:
    """The list of the door with passwords: the devices' pattern, and each bridge."""
    return RULES + "".join(_entry(one) for one in accounts if one.family != NATIVE)


def certificate_list(accounts: Iterable[Account]) -> str:
    """The list of the door with certificates: everybody by name, for no password is asked there.

    Whoever is not in it may say and hear nothing, however long the certificate lasts.
    """
    return HEADER + "".join(map(_entry, accounts))


def own_access_list(bridges: Iterable[tuple[str, str]]) -> str:
    """Anju's own, with the topics on which the bridges' devices are spoken to."""
    return OWN_RULES + "".join(f"topic write {topic}\n" for topic in downlinks(bridges))


def _entry(account: Account) -> str:
    lines = [f"\nuser {account.name}"]
    lines += [f"topic read {topic}" for topic in hearing(account)]
    lines += [f"topic write {topic}" for topic in publishing(account)]
    return "\n".join(lines) + "\n"


def own_list(known: str, passwords: Mapping[str, str]) -> str:
    """The password file of Anju's own door; what says the same already keeps its salt."""
    lines = dict(line.split(":", 1) for line in known.splitlines() if ":" in line)
    accounts: list[tuple[str, str]] = []
    for name, password in passwords.items():
        salt = salt_of(lines.get(name, ""))
        if salt is None or mosquitto_hash(password, salt) != lines[name]:
            salt = secrets.token_bytes(12)
        accounts.append((name, mosquitto_hash(password, salt)))
    return password_list(accounts)


def write_if_changed(path: Path, text: str) -> bool:
    """Replace the file in one step, closed to others; False when it says so already."""
    if path.exists() and path.read_text("utf-8") == text:
        return False
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o640)
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
    return True


async def read_lists(database: Database) -> dict[str, str]:
    """File name → what it must say now."""
    async with database.reading() as session:
        known = await all_accounts(session)
        bridges = await bridges_spoken_to(session)
    accounts = [
        Account(name=one.name, family=one.family, prefix=one.prefix, listed=one.listed)
        for one in known
    ]
    return {
        ACCESS: access_list(accounts),
        CERTIFICATES: certificate_list(accounts),
        OWN_ACCESS: own_access_list(bridges),
        PASSWORDS: password_list((one.name, one.password_hash) for one in known),  # last: in
        # force with the others, where each change of a file is noticed by itself
    }


async def write_lists(database: Database, folder: Path) -> bool:
    """One round; True when any list changed."""
    lists = await read_lists(database)
    changed = [write_if_changed(folder / name, text) for name, text in lists.items()]
    return any(changed)


def prepare(settings: Settings, folder: Path) -> None:
    """Anju's own door, and lists that let no device in until the database has been read.

    Raises `SettingsError` when ANJU_MQTT_URL names no user, or one that may do nothing.
    """
    url = urlsplit(settings.mqtt_url)
    if url.username is None or url.password is None:
        raise SettingsError("ANJU_MQTT_URL", "names no user and password, mqtt://user:pass@host")
    if unquote(url.username) != OWN_USER:
        raise SettingsError(
            "ANJU_MQTT_URL", f"the user must be {OWN_USER}, as its access list says"
        )
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / HEALTH_SECRET
    if not secret.exists():
        write_if_changed(secret, new_secret())
    own = folder / OWN_PASSWORDS
    known = own.read_text("utf-8") if own.exists() else ""
    passwords = {OWN_USER: unquote(url.password), HEALTH_USER: secret.read_text("utf-8")}
    write_if_changed(own, own_list(known, passwords))
    first = {PASSWORDS: "", ACCESS: RULES, CERTIFICATES: HEADER, OWN_ACCESS: OWN_RULES}
    for name, text in first.items():
        if not (folder / name).exists():
            write_if_changed(folder / name, text)


def ask_to_reload(pid: int) -> None:
    """SIGHUP: Mosquitto reads its lists again, and hangs up on whom they no longer name."""
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        return  # it does not run: it will read the lists when it starts
    except PermissionError as error:
        raise AnjuError(f"may not signal process {pid}: run as the broker's user") from error


async def write(settings: Settings, folder: Path, every_s: float, pid: int | None) -> None:
    """Once, or for ever; while the database is away the lists stay as they are."""
    database = Database(settings.database_url, pool_size=1)
    try:
        while True:
            try:
                if await write_lists(database, folder):
                    print("accounts: lists written", flush=True)
                    if pid is not None:
                        ask_to_reload(pid)
            except SQLAlchemyError as error:
                reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
                if not every_s:
                    raise AnjuError(f"cannot read the database: {reason}") from error
                print(f"accounts: cannot read the database: {reason}", file=sys.stderr)
            if not every_s:
                return
            await asyncio.sleep(every_s)
    finally:
        await database.close()


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("act", choices=("prepare", "write"))
    parser.add_argument("--folder", type=Path, required=True, help="where the lists lie")
    parser.add_argument("--every", type=float, default=0, help="write: seconds between rounds")
    parser.add_argument("--pid", type=int, help="write: Mosquitto's process, told to reload")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Exit status 0, 1 with one line, or 2 for a setting."""
    options = parse(arguments)
    try:
        # The key is required of a server; this program neither signs nor checks anything.
        settings = load_settings(secret_key="not used by this program")
        if options.act == "prepare":
            prepare(settings, options.folder)
        else:
            asyncio.run(write(settings, options.folder, options.every, options.pid))
    except SettingsError as error:
        print(f"accounts: {error}", file=sys.stderr)
        return 2
    except (AnjuError, OSError) as error:
        print(f"accounts: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
