"""Looks for everything that a deployment to AWS needs, before it begins."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.credentials import CREDENTIALS
from local.packaging import read_template
from local.profiles import Profile
from local.settings import ROOT, TEMPLATE

RUNTIME = (3, 13)
PYTHON = f"python{RUNTIME[0]}.{RUNTIME[1]}"
TOOL_SECONDS = 30
# Service Quotas' code of Lambda's concurrent executions.
CONCURRENCY_CODE = "L-B99A9384"
# Half of the functions that run at once may be requests that wait for a saga; its steps need the other half.
WAITING_SHARE = 2


@dataclass
class Diagnosis:
    """What a deployment would lack, in sentences, and the ARNs of the secrets by the template's parameters."""

    missing: list[str] = field(default_factory=list)
    arns: dict[str, str] = field(default_factory=dict)

    @property
    def aws(self) -> bool:
        """Whether AWS can be asked."""
        return not any(sentence.startswith("AWS:") for sentence in self.missing)


def diagnose(profile: Profile, session: Any, environment: Mapping[str, str], *, container: bool = False) -> Diagnosis:
    """Look for everything that deploying `profile` needs, and report all that is missing at once.

    `session` is a boto3 session; its region and credentials are the operator's. `environment` has the PATH on which
    tools are looked for. With `container` SAM builds in a container, so the runtime's Python is not needed here.
    """
    found = Diagnosis()
    path = environment.get("PATH", "")
    found.missing += [*_sam(path), *(_docker(path) if container else _python(path))]
    found.missing += _access(session)
    if found.aws:
        found.missing += _secrets(profile, session.client("secretsmanager"), found.arns)
        found.missing += _concurrency(profile, session.client("lambda"))
    return found


def sam(path: str) -> str | None:
    """The SAM CLI: that of `make validate`, or one on the path."""
    own = ROOT / ".venv-sam/bin/sam"
    return str(own) if own.exists() else shutil.which("sam", path=path)


def _sam(path: str) -> Iterator[str]:
    tool = sam(path)
    if tool is None or not _runs(tool, "--version"):
        yield "The SAM CLI is missing: 'make validate' installs it in .venv-sam."


def _python(path: str) -> Iterator[str]:
    tool = shutil.which(PYTHON, path=path)
    check = f"import pip, sys; sys.exit(sys.version_info[:2] != {RUNTIME})"
    if tool is None or not _runs(tool, "-c", check):
        yield (
            f"{PYTHON} with pip, the runtime of the functions, is not on the path: install it, or build in a container "
            "with ARGS=--use-container."
        )


def _docker(path: str) -> Iterator[str]:
    tool = shutil.which("docker", path=path)
    if tool is None or not _runs(tool, "info"):
        yield "Docker does not run, which --use-container needs."


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=TOOL_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _access(session: Any) -> Iterator[str]:
    if session.region_name is None:
        yield "AWS: no region is chosen: set AWS_REGION, or 'region' in the AWS profile."
    elif session.get_credentials() is None:
        yield "AWS: there are no credentials: set AWS_PROFILE, or log in."
    else:
        try:
            session.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            yield f"AWS: the credentials are refused: {error}"


def _secrets(profile: Profile, client: Any, arns: dict[str, str]) -> Iterator[str]:
    """What is wrong with the stack's secrets; fills `arns`. A parameter of the profile takes the place of a name."""
    for one in CREDENTIALS:
        name = profile.parameters.get(one.parameter, one.path(profile.stack))
        try:
            answer = client.get_secret_value(SecretId=name)
        except client.exceptions.ResourceNotFoundException:
            yield f"The secret {name} is missing: set {one.variable} and run 'make secrets PROFILE={profile.name}'."
        except (BotoCoreError, ClientError) as error:
            yield f"The secret {name} cannot be read: {error}"
        else:
            arns[one.parameter] = answer["ARN"]
            fault = one.fault(answer.get("SecretString", ""))
            if fault:
                yield f"The secret {name} {fault}: set {one.variable} and run 'make secrets PROFILE={profile.name}'."


def _concurrency(profile: Profile, client: Any) -> Iterator[str]:
    waiting = int(profile.parameters.get("WaitingRequests", _default(TEMPLATE, "WaitingRequests")))
    try:
        limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    except (BotoCoreError, ClientError) as error:
        yield f"Lambda's concurrency cannot be read: {error}"
        return
    if limit < WAITING_SHARE * waiting:
        yield (
            f"Lambda runs {limit} functions at once in this account and region, and {waiting} requests may wait for a "
            f"saga (WaitingRequests), which is more than half: lower it, or have quota {CONCURRENCY_CODE} raised."
        )


def _default(template: Path, parameter: str) -> int:
    return int(read_template(template)["Parameters"][parameter]["Default"])
