"""The profiles of samconfig.toml: which stack a deployment makes, and with which parameters."""

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.settings import ROOT, Refused

CONFIGURATION = ROOT / "samconfig.toml"


@dataclass(frozen=True)
class Profile:
    """One profile. `parameters` are those that it sets; the template has defaults for others."""

    name: str
    stack: str
    region: str | None
    parameters: Mapping[str, str]


def read(name: str, path: Path = CONFIGURATION) -> Profile:
    """A profile by its name. Raises Refused when there is none."""
    environments = tomllib.loads(path.read_text())
    deployed = {name: at["deploy"]["parameters"] for name, at in environments.items() if "deploy" in _table(at)}
    if name not in deployed:
        raise Refused(f"samconfig.toml has no profile '{name}'; it has {', '.join(sorted(deployed))}.")
    found = deployed[name]
    overrides = dict(pair.split("=", 1) for pair in shlex.split(found.get("parameter_overrides", "")))
    return Profile(name, found["stack_name"], found.get("region"), overrides)


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
