"""The `anju` command: one clear line for every mistake, never a traceback."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from core.errors import AnjuError, SettingsError
from gateway.mapping_commands import mapping_app, payload_bytes
from gateway.stopping import on_stop
from simulators import press
from simulators.press import ACTS, Act

if TYPE_CHECKING:
    from core.settings import Settings

app = typer.Typer(
    help="Anju 安居: the alert gateway between an older person alone at home and those who help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
user_app = typer.Typer(help="People who sign in.", no_args_is_help=True)
devices_app = typer.Typer(help="What devices say.", no_args_is_help=True)
simulate_app = typer.Typer(help="Act as a device.", no_args_is_help=True)
devices_app.add_typer(mapping_app, name="mapping")
evaluate_app = typer.Typer(help="Try a rule on readings of the past.", no_args_is_help=True)
app.add_typer(user_app, name="user")
app.add_typer(devices_app, name="devices")
app.add_typer(simulate_app, name="simulate")
app.add_typer(evaluate_app, name="evaluate")

T = TypeVar("T")


def main() -> None:
    """Entry point: exit status 2 for a wrong setting or argument, 1 for any other failure."""
    try:
        app(standalone_mode=True)
    except SettingsError as error:
        print(f"anju: {error}", file=sys.stderr)
        sys.exit(2)
    except AnjuError as error:
        print(f"anju: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _settings() -> Settings:
    """What is set; a command that needs none starts without reading how settings are made."""
    from core.settings import load_settings

    return load_settings()


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _run_quickly(work: Coroutine[Any, Any, T]) -> T:
    """The same on uvloop; there is none for Windows."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


@app.command()
def serve(
    roles: Annotated[str, typer.Option(help="Which loops to start.")] = "ingest,alert,web",
    migrate: Annotated[bool, typer.Option(help="Bring an older PostgreSQL database up.")] = False,
) -> None:
    """Run Anju until a signal comes."""
    from core.logging import configure_logging

    settings = _settings()
    configure_logging(settings.log_level)
    _run_quickly(_serve(settings, roles, migrate))


async def _serve(settings: Settings, roles: str, migrate_postgres: bool) -> None:
    from core.settings import parse_roles
    from gateway.bootstrap import Anju, running
    from gateway.migrate import upgrade
    from gateway.web import listen

    chosen = parse_roles(roles)
    http_socket = listen(settings) if "web" in chosen else None
    await upgrade(settings, allow_postgres=migrate_postgres)
    stop = asyncio.Event()
    with on_stop(stop.set):
        anju = Anju(settings, roles=chosen)
        gc.freeze()  # what was loaded stays: looking through it again would hold up an alarm 0.2 s
        async with running(anju, migrate=False, http_socket=http_socket):
            if http_socket is not None:
                print(f"anju: {settings.link_base}", flush=True)
            waits = {asyncio.create_task(stop.wait()), asyncio.create_task(anju.failed.wait())}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in waits:
                task.cancel()
            failed = anju.failed.is_set()
    if failed:
        raise AnjuError("a part of Anju ended by itself; see the log above")


@app.command()
def migrate() -> None:
    """Bring the database to the present shape."""
    from gateway.migrate import upgrade

    settings = _settings()
    _run(upgrade(settings))
    print("the database is up to date")


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print an object.")] = False,
) -> None:
    """Look at settings, policy, database and broker, and say what is wrong."""
    from gateway.doctor import examine

    report = _run(examine())
    if as_json:
        print(json.dumps([line.as_dict() for line in report], ensure_ascii=False, indent=1))
    else:
        for line in report:
            print(line.as_text(colour=sys.stdout.isatty()))
    if any(line.is_error for line in report):
        raise typer.Exit(1)


@user_app.command("add")
def user_add(
    username: Annotated[str, typer.Option(help="What they sign in with.")],
    role: Annotated[str, typer.Option(help="duty_officer, visitor, supervisor or admin.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password, one line.")
    ] = False,
    name: Annotated[str, typer.Option(help="How others see them.")] = "",
    area: Annotated[str, typer.Option(help="Id of the area they are limited to.")] = "",
    phone: Annotated[str, typer.Option(help="Where on-call calls go.")] = "",
) -> None:
    """Add somebody who signs in."""
    from gateway.accounts import add_user

    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("password", hide_input=True, confirmation_prompt=True)
    settings = _settings()
    ident = _run(
        add_user(
            settings,
            username=username,
            role=role,
            password=password,
            name=name or username,
            area_id=area or None,
            phone=phone or None,
        )
    )
    print(ident)


@devices_app.command("try")
def devices_try(
    payload: Annotated[str, typer.Option(help="The message; @FILE reads a file, - the input.")],
    topic: Annotated[str, typer.Option(help="The MQTT topic.")] = "",
    push: Annotated[
        str, typer.Option(help="The adapter it was pushed to over HTTP, in place of a topic.")
    ] = "",
    role: Annotated[str, typer.Option(help="The device's role, where meaning depends on it.")] = "",
    mapping: Annotated[str, typer.Option(help="A mapping to try: its file, or its name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print an object.")] = False,
) -> None:
    """What Anju would make of one message. Needs no settings and no database."""
    from gateway.trying import show, try_out

    if topic and push:
        raise AnjuError("name a --topic, or with --push the adapter of an HTTP push")
    trial = try_out(topic, payload_bytes(payload), role or None, mapping, push)
    if as_json:
        print(json.dumps(trial.as_dict() | trial.context(), ensure_ascii=False))
    else:
        print("\n".join(show(trial)))


@devices_app.command("rebuild")
def devices_rebuild(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of meters.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every meter in service.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object a meter.")] = False,
) -> None:
    """Make what the detectors know of a meter anew, from its stored readings."""
    from gateway.rebuild import rebuild_all, show

    if bool(ids) is every:
        raise AnjuError("name the ids of meters, or --all")
    for made in _run(rebuild_all(_settings(), ids)):
        print(json.dumps(made, ensure_ascii=False) if as_json else show(made))


def _simulation(kind: Act) -> Any:
    def command(
        device: Annotated[str, typer.Option(help="The device's id.")],
        mqtt_url: Annotated[str, typer.Option(help="The broker.")] = "mqtt://127.0.0.1:1883",
        bridge: Annotated[
            str,
            typer.Option(help="Topic prefix of a Zigbee2MQTT bridge that the device is behind."),
        ] = "",
    ) -> None:
        if bridge:
            raise typer.Exit(press.run_behind_bridge(kind, device, bridge, mqtt_url))
        raise typer.Exit(press.run(kind, device, mqtt_url))

    command.__doc__ = f"Publish {kind} as a native device, and wait for Anju's answer."
    return command


for _kind in ACTS:
    simulate_app.command(_kind)(_simulation(_kind))


@evaluate_app.command("water")
def evaluate_water(
    rule: Annotated[str, typer.Option(help="adaptive, fixed-12h-10l, fixed-24h-10l …")],
    readings: Annotated[
        Path | None, typer.Option(help="CSV or CSV.GZ: home,time,register_l.")
    ] = None,
    from_database: Annotated[
        bool, typer.Option("--from-database", help="The stored readings of all water meters.")
    ] = False,
    area: Annotated[
        str | None, typer.Option(help="Of the database: an area's id; those below it too.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Of the database: so many last days.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="tight or quiet; otherwise both levels of adaptive.")
    ] = None,
    alarms_out: Annotated[
        Path | None, typer.Option(help="Write home,time,kind,level,detail.")
    ] = None,
    score: Annotated[bool, typer.Option("--score", help="False alarms, and delays.")] = False,
    zone: Annotated[
        str | None, typer.Option(help="Zone of times without one; otherwise the wall clock's.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Emergencies tried in each home.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the emergencies' times.")] = 1,
    outages: Annotated[float, typer.Option(min=0, help="Simulated outages a year.")] = 0.0,
    lost: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of readings that they take.")
    ] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object.")] = False,
) -> None:
    """Replay water readings through the detector that runs in production."""
    from rich.console import Console

    from core.clock import SystemClock
    from gateway.evaluation.command import Options, evaluate, show

    gc.set_threshold(100_000)  # a replay leaves no cycles behind: looking for them takes time
    clock = SystemClock()
    began = clock.monotonic()
    options = Options(
        rule=rule,
        readings=readings,
        from_database=from_database,
        area=area,
        days=days,
        profile=profile,
        alarms_out=alarms_out,
        score=score,
        zone=zone,
        samples=samples,
        seed=seed,
        outages=outages,
        lost=lost,
    )
    result = evaluate(options, Console(stderr=True))
    result["seconds"] = round(clock.monotonic() - began, 2)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        show(result, options, Console(width=110))


@app.command()
def demo(
    seconds: Annotated[int, typer.Option(help="Stop by itself after so long; 0: never.")] = 0,
) -> None:
    """A town of 40 invented homes, on this machine, with nothing else installed."""
    from gateway.demo import DemoOptions, run

    raise typer.Exit(run(DemoOptions(seconds=seconds)))
