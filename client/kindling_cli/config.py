"""Where a command takes its URL and key from: flags, environment, profile, local cloud, in this order."""

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kindling_cli.exits import USAGE, Failed

URL_VARIABLE, KEY_VARIABLE, PROFILE_VARIABLE = "KINDLING_API_URL", "KINDLING_API_KEY", "KINDLING_PROFILE"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
NOTHING = (
    "No API is configured. 'kindling login' writes a profile; or set KINDLING_API_URL and KINDLING_API_KEY; "
    "or work in the folder of a local cloud, which 'kindling local up' starts."
)


@dataclass(frozen=True)
class Access:
    """The API to call, the key to call it with, and where both come from."""

    api_url: str
    api_key: str
    source: str


@dataclass(frozen=True)
class Profiles:
    """The profiles of the configuration file; `default` is used where none is named."""

    default: str
    known: dict[str, dict[str, str]]


def file() -> Path:
    """The configuration file, of which nobody but its owner can read anything."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return Path(base if base and Path(base).is_absolute() else Path.home() / ".config") / "kindling/config.toml"


def read() -> Profiles:
    """The profiles; none when there is no file. Raises Failed."""
    try:
        text = file().read_text(encoding="utf-8")
    except FileNotFoundError:
        return Profiles("default", {})
    except OSError as error:
        raise Failed(f"{file()} cannot be read: {error.strerror}.", USAGE) from None
    try:
        content = tomllib.loads(text)
        known = {
            name: {key: str(each[key]) for key in ("api_url", "api_key")} for name, each in content["profiles"].items()
        }
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError):
        raise Failed(f"{file()} is not a file of profiles; 'kindling login' writes one.", USAGE) from None
    return Profiles(str(content.get("default", "default")), known)


def write(profiles: Profiles) -> None:
    """Write all profiles, readable for their owner only."""
    lines = ["# Written by `kindling login` and `kindling profile`.", f"default = {_quoted(profiles.default)}"]
    for name, settings in sorted(profiles.known.items()):
        lines += ["", f"[profiles.{name}]", *(f"{key} = {_quoted(value)}" for key, value in settings.items())]
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        output.write("\n".join(lines) + "\n")
    draft.replace(path)


def check_name(name: str) -> str:
    """The name of a profile. Raises Failed."""
    if not NAME.fullmatch(name):
        raise Failed(f"'{name}' is no name for a profile: letters, digits, '-' and '_'.", USAGE)
    return name


def access(*, api_url: str | None, api_key: str | None, profile: str | None) -> Access:
    """The API and the key of a command with these flags. Raises Failed.

    A key goes to the URL of its own place, or to one that was told less expressly than itself; so no key of a profile
    goes to a URL of the environment.
    """
    places = [("the flags", api_url, api_key)]
    environment = ("the environment", os.environ.get(URL_VARIABLE), os.environ.get(KEY_VARIABLE))
    # Whoever names a profile means it.
    places += [_of_profile(profile)] if profile else [environment, _of_profile(os.environ.get(PROFILE_VARIABLE))]
    urls = [(rank, url) for rank, (_, url, _) in enumerate(places) if url]
    keys = [(rank, key) for rank, (_, _, key) in enumerate(places) if key]
    if not urls and not keys:
        return _local()
    if not urls or not keys:
        missing, variable = ("an API key", KEY_VARIABLE) if urls else ("the URL of an API", URL_VARIABLE)
        raise Failed(f"There is {missing} missing: 'kindling login' writes a profile, or set {variable}.", USAGE)
    if keys[0][0] > urls[0][0]:
        place, of_key = places[urls[0][0]][0], places[keys[0][0]][0]
        raise Failed(f"{place.capitalize()} name a URL but no key, and the key of {of_key} is not for it.", USAGE)
    return Access(urls[0][1], keys[0][1], places[keys[0][0]][0])


def _of_profile(name: str | None) -> tuple[str, str | None, str | None]:
    profiles = read()
    settings = profiles.known.get(name or profiles.default)
    if settings is None and name:
        raise Failed(f"There is no profile '{name}' in {file()}.", USAGE)
    settings = settings or {}
    return f"the profile '{name or profiles.default}'", settings.get("api_url"), settings.get("api_key")


def _local() -> Access:
    """The local cloud, which says itself where it is. Raises Failed."""
    named = os.environ.get("KINDLING_HOME")
    here = Path.cwd()
    homes = [Path(named)] if named else [folder / ".kindling" for folder in (here, *here.parents)]
    for home in homes:
        told = _description(home / "local.json")
        # The file may be anybody's; what it names is this machine's.
        if urlsplit(str(told.get("api_url"))).hostname in LOOPBACK and told.get("api_key"):
            return Access(str(told["api_url"]), str(told["api_key"]), f"the local cloud in {home}")
    raise Failed(NOTHING, USAGE)


def _description(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
