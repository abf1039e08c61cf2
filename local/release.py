"""The commands `kindling aws`: check what a deployment needs, store its secrets, build, inspect and deploy."""

import argparse
import hashlib
import io
import json
import os
import shlex
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ProfileNotFound

from local import artifacts, credentials, doctor, profiles, restore, transform
from local.settings import ROOT, Refused

BUILT = ROOT / ".aws-sam/build"
# How many resources of one kind are named before they are only counted.
NAMED = 20


def add_to(topics: Any) -> None:
    """Add the commands to a parser's subcommands."""
    aws = topics.add_parser("aws", help="deployments to AWS").add_subparsers(required=True, metavar="COMMAND")
    for name, run, help_text in (
        ("doctor", _doctor, "list what a deployment would lack; exit code 1 when there is anything"),
        ("secrets", _secrets, "store the providers' keys from the environment in Secrets Manager"),
        ("deploy", _deploy, "check, build, inspect and deploy"),
        ("restore", _restore, "write the templates that point a stack at a restored table, and say what to run"),
    ):
        command = aws.add_parser(name, help=help_text)
        command.add_argument("--profile", default="dev", help="of samconfig.toml; default: dev")
        command.set_defaults(run=run)
        if name in ("doctor", "deploy"):
            command.add_argument("--use-container", action="store_true", help="build in a container of SAM's")
        if name == "restore":
            command.add_argument("--table", required=True, help="the table that DynamoDB restored into")
        if name == "deploy":
            command.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
            command.add_argument("--since", metavar="REVISION", help="without AWS: what changes since this one of git")


def _doctor(parsed: argparse.Namespace) -> int:
    profile = profiles.read(parsed.profile)
    found = doctor.diagnose(profile, _session(profile), os.environ, container=parsed.use_container)
    _complain(profile, found)
    if not found.missing:
        print(f"Nothing is missing to deploy {profile.stack}.")
    return 1 if found.missing else 0


def _secrets(parsed: argparse.Namespace) -> int:
    profile = profiles.read(parsed.profile)
    for line in credentials.store(profile, os.environ, _session(profile).client("secretsmanager")):
        print(line)
    return 0


def _deploy(parsed: argparse.Namespace) -> int:
    profile = profiles.read(parsed.profile)
    found = doctor.diagnose(profile, _session(profile), os.environ, container=parsed.use_container)
    _complain(profile, found)
    if found.missing:
        if parsed.dry_run:
            print("\n".join(plan(profile.parameters, parsed.since)))
            return 0
        return 1
    parameters = {**profile.parameters, **found.arns}
    build(parameters, container=parsed.use_container)
    command = ["deploy", "--config-env", profile.name, "--template-file", str(BUILT / "template.yaml")]
    command += ["--config-file", str(ROOT / "samconfig.toml")]
    command += ["--parameter-overrides", *(f"{name}={text}" for name, text in sorted(parameters.items()))]
    return _sam(*command, *(["--no-execute-changeset", "--no-confirm-changeset"] if parsed.dry_run else []))


def _restore(parsed: argparse.Namespace) -> int:
    profile = profiles.read(parsed.profile)
    print("\n".join(restore.prepare(profile.stack, parsed.table, _session(profile))))
    return 0


def build(parameters: Mapping[str, str], *, container: bool) -> None:
    """Build with the SAM CLI, and inspect what was built. Raises Refused."""
    if _sam("build", *(["--use-container"] if container else [])):
        raise Refused("The build failed.")
    # SAM publishes a version when a function's code, layer or property changes, but does not see that the value of a
    # parameter does. As part of a layer it is seen.
    (BUILT / "CoreLayer/parameters").write_text(digest(parameters))
    faults = artifacts.inspect(BUILT)
    if faults:
        raise Refused("What was built would not run on Lambda:\n" + "\n".join(f"  - {fault}" for fault in faults))


def digest(parameters: Mapping[str, str]) -> str:
    """A digest of the names and values of parameters."""
    return hashlib.sha256(json.dumps(dict(sorted(parameters.items()))).encode()).hexdigest()


def plan(parameters: Mapping[str, str], since: str | None) -> list[str]:
    """What deploying the working tree would create, change and remove: without AWS, compared with a revision of git."""
    text = (ROOT / "template.yaml").read_text()
    new = transform.transformed(text, ROOT, parameters)
    old: Mapping[str, Any] = {}
    if since:
        with tempfile.TemporaryDirectory() as scratch:
            _check_out(since, Path(scratch))
            earlier = (Path(scratch) / "template.yaml").read_text()
            old = transform.transformed(earlier, Path(scratch), parameters)
    beginning = f"Compared with {since}" if since else "In a new stack"
    lines = [f"{beginning}, of {len(new['Resources'])} resources:", *_told(transform.changes(old, new))]
    return lines if len(lines) > 1 else [f"{beginning}, nothing would change."]


def _told(found: Iterable[transform.Change]) -> Iterable[str]:
    changes = list(found)
    for (action, kind), count in sorted(Counter((one.action, one.kind) for one in changes).items()):
        names = [one.name for one in changes if (one.action, one.kind) == (action, kind)]
        named = f": {', '.join(names)}" if count <= NAMED or action == "removed" else ""
        yield f"  {action:8} {count:3} {kind}{named}"


def _check_out(revision: str, folder: Path) -> None:
    """Write the files of a revision into a folder. Raises Refused."""
    archived = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode:
        raise Refused(f"git has no revision '{revision}'.")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _complain(profile: profiles.Profile, found: doctor.Diagnosis) -> None:
    if found.missing:
        print(f"To deploy {profile.stack} (profile {profile.name}), {len(found.missing)} things are missing:")
        print("\n".join(f"  - {sentence}" for sentence in found.missing))


def _session(profile: profiles.Profile) -> Any:
    try:
        return boto3.session.Session(region_name=profile.region or os.environ.get("AWS_REGION"))
    except ProfileNotFound as error:
        raise Refused(f"{error}; see AWS_PROFILE.") from None


def _sam(*arguments: str) -> int:
    command = [doctor.sam(os.environ.get("PATH", "")) or "sam", *arguments]
    print(f"$ {shlex.join(command)}", flush=True)
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode
