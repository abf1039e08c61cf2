"""Moves the clock of the local cloud forward and runs its pollers on demand. Neither is possible on AWS."""

import os
import re
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import client
from local.packaging import read_template
from local.settings import STACK, TEMPLATE, Home, Refused, write_atomically

SCHEDULES = ("Schedule", "ScheduleV2")


def advance(span: timedelta, home: Home | None = None) -> str:
    """Move the clock of the local cloud in `home` (default: KINDLING_HOME) forward and return its new time.

    Raises Refused with real providers, whose clocks cannot be moved.
    """
    home = home or Home.from_environment(os.environ)
    if home.real:
        raise Refused("The real providers' clocks cannot be moved, so this local cloud has the time of the system.")
    write_atomically(home.clock, str((ahead(home) + span).total_seconds()))
    return now(home)


def now(home: Home) -> str:
    """The time of the local cloud's clock, as text in UTC."""
    return (datetime.now(UTC) + ahead(home)).strftime("%Y-%m-%d %H:%M:%S UTC")


def tick(poller: str, engine_url: str) -> str:
    """Run a poller, such as `verify-domains`, and return its result as JSON. Raises Refused."""
    known = pollers()
    if poller not in known:
        raise Refused(f"There is no poller '{poller}'; there are {', '.join(sorted(known))}.")
    try:
        formation = client("cloudformation", engine_url)
        resource = formation.describe_stack_resource(StackName=STACK, LogicalResourceId=known[poller])
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        answer = client("lambda", engine_url).invoke(FunctionName=name, Payload=b"{}")
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"The engine did not run the poller: {error}") from None
    text: str = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise Refused(f"The poller failed: {text}")
    return text


def pollers() -> dict[str, str]:
    """The logical ids of the template's scheduled functions, by their names on the command line."""
    return {
        re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Function")).lower(): name
        for name, resource in read_template(TEMPLATE)["Resources"].items()
        if any(event["Type"] in SCHEDULES for event in resource.get("Properties", {}).get("Events", {}).values())
    }


def ahead(home: Home) -> timedelta:
    """How far the local cloud's clock is before the system's. Raises Refused when its file cannot be read."""
    if not home.clock.exists():
        return timedelta(0)
    try:
        return timedelta(seconds=float(home.clock.read_text()))
    except ValueError:
        raise Refused(f"{home.clock} is no number of seconds; without it the clock has the system's time.") from None
