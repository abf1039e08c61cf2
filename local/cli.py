"""The command `kindling`: runs the local cloud, and administers keys, tenants, zones and the inventory of a stack."""

import argparse
import contextlib
import importlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NoReturn

from kindling.keys.model import Scope
from local import inventory, launcher, release, ticks, workspaces, zones
from local.operators import on_table
from local.providers import KEY_VARIABLES, WEBHOOK_VARIABLE, home_for
from local.settings import ROOT, Home, Ports, Refused

STOP_SECONDS = 30
WATCH_SECONDS = 0.5
REAL_PROVIDERS = """\
The providers are the real services, and the clock is the system's. AgentMail cannot reach this machine by itself:
to be told of deliveries, forward a public URL to {api_url}, create a webhook at AgentMail for
<URL>/webhooks/agentmail with all message.* events and domain.verified, and start again with its signing secret in
{variable}. Without reports, warming holds."""
SPAN = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 1 when it failed."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except Refused as refused:
        print(f"kindling: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # The reader of the output has closed it. Python flushes stdout at exit, which would raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kindling", description="Kindling, a control plane for email senders.")
    topics = parser.add_subparsers(required=True, metavar="TOPIC")
    keys = topics.add_parser("keys", help="API keys").add_subparsers(required=True, metavar="COMMAND")
    create = keys.add_parser("create", help="create a key in the table TABLE_NAME, with your AWS credentials")
    create.add_argument(
        "--user", type=uuid.UUID, required=True, metavar="UUID", help="the tenant; a new UUID makes one"
    )
    create.add_argument("--name", required=True, help="what the key is for")
    scopes = [scope.value for scope in Scope]
    create.add_argument("--scope", action="append", choices=scopes, help="may be repeated; default: all")
    create.add_argument("--test", action="store_true", help="a test key: it never reaches a provider")
    create.add_argument("--expires-in-days", type=_days, metavar="DAYS", help="1 to 3650; default: never")
    create.set_defaults(run=_create_key)
    workspaces.add_to(topics)
    zones.add_to(topics)
    inventory.add_to(topics)
    release.add_to(topics)
    local = topics.add_parser("local", help="the local cloud").add_subparsers(required=True, metavar="COMMAND")

    up = local.add_parser("up", help="start the local cloud and serve until Ctrl-C")
    up.add_argument("--detach", action="store_true", help="return when it is ready, and keep running in the background")
    up.set_defaults(run=_up)
    demo = local.add_parser("demo", help="start it and walk through the main job")
    demo.add_argument("--exit", action="store_true", help="stop after the walk-through; exit code 1 when it failed")
    demo.set_defaults(run=_demo)
    local.add_parser("status", help="show whether it is running, and its URLs").set_defaults(run=_status)
    local.add_parser("down", help="stop it; its state is kept").set_defaults(run=_down)
    local.add_parser("reset", help="stop it and delete all its state").set_defaults(run=_reset)
    advance = local.add_parser("advance", help="move its clock forward")
    advance.add_argument("span", type=_span, metavar="SPAN", help="such as 3d, 12h, 10m or 30s")
    advance.set_defaults(run=_advance)
    tick = local.add_parser("tick", help="run a poller now")
    tick.add_argument("poller", metavar="POLLER", help="such as verify-domains")
    tick.set_defaults(run=_tick)
    return parser


def _create_key(parsed: argparse.Namespace) -> int:
    """Create a key with the operator's AWS credentials: needed for the first key of a deployment."""
    from kindling.keys import service
    from kindling.keys.model import new_token

    token = str(new_token(live=not parsed.test))
    scopes = parsed.scope or list(Scope)
    on_table(lambda: service.seed(str(parsed.user), token, scopes, parsed.name, parsed.expires_in_days))
    print(token)
    return 0


def _up(parsed: argparse.Namespace) -> int:
    if parsed.detach:
        return _detach()
    return _serve(lambda _cloud: True, ends=False)


def _demo(parsed: argparse.Namespace) -> int:
    if importlib.util.find_spec("local.demo") is None:
        raise Refused("This installation has no demo.")
    if home_for(os.environ).real:
        raise Refused(f"The demo needs the sandbox: unset {', '.join(KEY_VARIABLES)}.")
    demo = importlib.import_module("local.demo")
    return _serve(lambda cloud: bool(demo.run(cloud.description, _say)), ends=parsed.exit)


def _serve(job: Callable[[launcher.LocalCloud], bool], *, ends: bool) -> int:
    """Start the local cloud and run `job`, then serve until a signal, or stop at once when `ends` is set."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    environment = os.environ
    home, ports = home_for(environment), Ports.from_environment(environment)
    cloud = launcher.LocalCloud(home, ports, say=_say)
    done = True
    with contextlib.suppress(KeyboardInterrupt), launcher.started(cloud):
        _say(f"API      {ports.api_url}")
        _say(f"Console  {cloud.description['console_url']}")
        _say(f"Keys     {home.description}")
        if home.real:
            _say(REAL_PROVIDERS.format(api_url=ports.api_url, variable=WEBHOOK_VARIABLE))
        else:
            _say(f"Sandbox  {ports.sandbox_url}")
        done = job(cloud)
        while not ends:
            cloud.check()
            time.sleep(WATCH_SECONDS)
    return 0 if done else 1


def _interrupt(_number: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def _detach() -> int:
    """Start `up` in a new session and print its output until it is ready."""
    home = home_for(os.environ)
    home.make()
    launcher.require_idle(home)
    home.logs.mkdir(parents=True, exist_ok=True)
    log = home.logs / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.cli", "local", "up"],
            cwd=ROOT,
            env=os.environ | {"KINDLING_HOME": str(Home.from_environment(os.environ).path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while process.poll() is None and not (launcher.holder(home) == process.pid and home.description.exists()):
        time.sleep(0.1)
    print(log.read_text(), end="")
    return process.poll() or 0


def _status(_parsed: argparse.Namespace) -> int:
    home = _running_home()
    process = launcher.holder(home)
    if process is None:
        print(f"The local cloud in {home.path} is not running.")
        return 1
    if not home.description.exists():
        print(f"The local cloud in {home.path} is starting or stopping (process {process}).")
        return 1
    print(f"The local cloud in {home.path} is running (process {process}).")
    for name, text in json.loads(home.description.read_text()).items():
        if not name.endswith("api_key"):
            print(f"{name:13} {text}")
    print(f"{'clock':13} {ticks.now(home)}")
    return 0


def _down(_parsed: argparse.Namespace) -> int:
    if not _stop(_running_home()):
        print("The local cloud is not running.")
    return 0


def _reset(_parsed: argparse.Namespace) -> int:
    home = home_for(os.environ)
    _stop(home)
    launcher.reset(home)
    print(f"All state in {home.path} is deleted.{' What is at the providers is not.' if home.real else ''}")
    return 0


def _stop(home: Home) -> bool:
    """Stop the local cloud; returns whether it was running."""
    process = launcher.holder(home)
    if process is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while launcher.holder(home) == process:
        if time.monotonic() > end:
            raise Refused(f"The local cloud (process {process}) did not stop within {STOP_SECONDS} s.")
        time.sleep(0.1)
    print("The local cloud has stopped.")
    return True


def _advance(parsed: argparse.Namespace) -> int:
    print(f"The local cloud's clock says {ticks.advance(parsed.span, _running_home())}.")
    return 0


def _tick(parsed: argparse.Namespace) -> int:
    home = _running_home()
    if not home.description.exists():
        raise Refused("The local cloud is not running; 'kindling local up' starts it.")
    print(ticks.tick(parsed.poller, json.loads(home.description.read_text())["engine_url"]))
    return 0


def _running_home() -> Home:
    """The folder of the local cloud that is running: the sandbox's, unless only that of the real providers runs."""
    home = Home.from_environment(os.environ)
    real = home.with_real_providers
    return real if launcher.holder(home) is None and launcher.holder(real) is not None else home


def _span(text: str) -> timedelta:
    match = SPAN.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a span of time such as 3d, 12h, 10m or 30s")
    return timedelta(**{UNITS[match[2]]: float(match[1])})


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of days from 1 to 3650")
    return int(text)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
