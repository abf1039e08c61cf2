"""The tenants of the local cloud. Their keys are created once and stored, so that they stay valid after a restart."""

import json
import os
import subprocess
import sys
import uuid
from dataclasses import asdict, dataclass

from kindling.keys.model import Scope, new_token
from local.settings import ACCOUNT, HOST, REGION, ROOT, Home, Refused, write_atomically


@dataclass(frozen=True)
class Tenants:
    """One tenant with a live and a test key, and a second tenant with a live key."""

    user_id: str
    api_key: str
    test_api_key: str
    second_user_id: str
    second_api_key: str


def ensure_tenants(home: Home, engine_url: str, table_name: str) -> Tenants:
    """Return the tenants, and write the rows of their keys into the table. Raises Refused."""
    tenants = _read(home)
    keys = [
        (tenants.user_id, tenants.api_key, "local cloud"),
        (tenants.user_id, tenants.test_api_key, "local cloud, test"),
        (tenants.second_user_id, tenants.second_api_key, "local cloud"),
    ]
    _write_keys(keys, home, engine_url, table_name)
    return tenants


def new_tenant(name: str, home: Home, engine_url: str, table_name: str) -> str:
    """Make a tenant with a live key of this name, and return the key. Raises Refused."""
    key = str(new_token(live=True))
    _write_keys([(str(uuid.uuid4()), key, name)], home, engine_url, table_name)
    return key


def _write_keys(keys: list[tuple[str, str, str]], home: Home, engine_url: str, table_name: str) -> None:
    """Write the rows of keys, each with its tenant and its name. Raises Refused."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": engine_url,
        "KINDLING_CLOCK_FILE": str(home.clock),
        "NO_PROXY": HOST,
        "no_proxy": HOST,
        "TABLE_NAME": table_name,
    }
    # In a new process, since the package reads its settings only once.
    process = subprocess.run(
        [sys.executable, "-m", "local.tenants"],
        cwd=ROOT,
        env=environment,
        input=json.dumps(keys),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise Refused(f"The tenants' keys could not be written: {process.stderr.strip().splitlines()[-1]}")


def _read(home: Home) -> Tenants:
    if home.tenants.exists():
        try:
            return Tenants(**json.loads(home.tenants.read_text()))
        except (TypeError, ValueError):
            raise Refused(f"{home.tenants} cannot be read; without it, the tenants get new keys.") from None
    tenants = Tenants(
        user_id=str(uuid.uuid4()),
        api_key=str(new_token(live=True)),
        test_api_key=str(new_token(live=False)),
        second_user_id=str(uuid.uuid4()),
        second_api_key=str(new_token(live=True)),
    )
    write_atomically(home.tenants, json.dumps(asdict(tenants), indent=1), 0o600)
    return tenants


def main() -> None:
    """Write the rows of the keys on standard input."""
    from kindling.keys import service

    for user_id, token, name in json.load(sys.stdin):
        service.seed(user_id, token, Scope, name)


if __name__ == "__main__":
    main()
