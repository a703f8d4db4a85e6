"""`anju devices mapping …`: begin a mapping from a message, and check one that lies anywhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.errors import AnjuError

mapping_app = typer.Typer(help="Devices declared in a file, without code.", no_args_is_help=True)

Topic = Annotated[str, typer.Option(help="The MQTT topic of the message.")]
Payload = Annotated[str, typer.Option(help="The message; @FILE reads a file, - the input.")]


@mapping_app.command()
def new(topic: Topic, payload: Payload) -> None:
    """Write a mapping to begin with, from one real message, to standard output."""
    from devices.mapping.draft import write
    from devices.mapping.suggest import suggest

    _show(write(suggest(topic, payload_bytes(payload))))


@mapping_app.command("from-discovery")
def discovery(topic: Topic, payload: Payload) -> None:
    """The same from what a device announced for Home Assistant (homeassistant/+/+/config)."""
    from devices.mapping.discovery import from_discovery
    from devices.mapping.draft import write

    _show(write(from_discovery(topic, payload_bytes(payload))))


def _show(text: str) -> None:
    """The file, with whatever keeps it from being used as it is said on top."""
    from core.settings import mappings_folder
    from devices.mapping.loading import load
    from devices.registry import built_in
    from gateway.mappings import read_own

    known = [*built_in().values(), *read_own(mappings_folder()).families]
    for problem in load(text, "", known).problems:
        print(f"# to put right: {problem.what}")
    sys.stdout.write(text)


@mapping_app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Mapping files.", show_default=False)],
) -> None:
    """Every mistake in these files, with its line. They need not be installed."""
    from devices.registry import built_in
    from gateway.mappings import read_file

    known = list(built_in().values())
    wrong = 0
    for file in files:
        loaded = read_file(file, known)
        for problem in loaded.problems:
            print(f"error    {problem}")
        wrong += len(loaded.problems)
        if loaded.family is not None:
            known.append(loaded.family)
            samples = len(loaded.family.samples)
            print(f"ok       {file}: {loaded.family.name}, {samples} samples as they should be")
    if wrong:
        raise AnjuError(f"{wrong} to put right")


def payload_bytes(text: str) -> bytes:
    """`--payload`: the text itself, `@FILE`, or `-` for standard input."""
    if text == "-":
        return sys.stdin.buffer.read()
    if text.startswith("@"):
        try:
            with open(text[1:], "rb") as file:
                return file.read()
        except OSError as error:
            raise AnjuError(f"--payload: cannot read {text[1:]}: {error.strerror}") from error
    return text.encode("utf-8", "surrogateescape")
