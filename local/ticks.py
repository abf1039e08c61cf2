"""The time machine of the local cloud: its clock moved forward, its pollers run by hand. On AWS neither exists."""

import os
import re
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import client
from local.packaging import read_template
from local.settings import STACK, TEMPLATE, Home, Refused, write_whole

SCHEDULES = ("Schedule", "ScheduleV2")


def advance(span: timedelta, home: Home | None = None) -> str:
    """Move the clock of a local cloud forward, the environment's own unless told otherwise; what it says then."""
    home = home or Home.from_environment(os.environ)
    write_whole(home.clock, str((_ahead(home) + span).total_seconds()))
    return now(home)


def now(home: Home) -> str:
    """What the clock says."""
    return (datetime.now(UTC) + _ahead(home)).strftime("%Y-%m-%d %H:%M:%S UTC")


def tick(poller: str, engine_url: str) -> str:
    """Run a poller, named as in `verify-domains`, and wait for its answer. Raises Refused."""
    known = pollers()
    if poller not in known:
        raise Refused(f"There is no poller '{poller}'; there are {', '.join(sorted(known))}.")
    try:
        formation = client("cloudformation", engine_url)
        found = formation.describe_stack_resource(StackName=STACK, LogicalResourceId=known[poller])
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        answer = client("lambda", engine_url).invoke(FunctionName=name, Payload=b"{}")
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"The engine did not run the poller: {error}") from None
    text: str = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise Refused(f"The poller failed: {text}")
    return text


def pollers() -> dict[str, str]:
    """The template's functions that run on a schedule, by the name a user gives them."""
    return {
        re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Function")).lower(): name
        for name, resource in read_template(TEMPLATE)["Resources"].items()
        if any(event["Type"] in SCHEDULES for event in resource.get("Properties", {}).get("Events", {}).values())
    }


def _ahead(home: Home) -> timedelta:
    return timedelta(seconds=float(home.clock.read_text()) if home.clock.exists() else 0.0)
