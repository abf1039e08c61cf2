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
        input=json.dumps(asdict(tenants)),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise Refused(f"The tenants' keys could not be written: {process.stderr.strip().splitlines()[-1]}")
    return tenants


def _read(home: Home) -> Tenants:
    if home.tenants.exists():
        return Tenants(**json.loads(home.tenants.read_text()))
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

    tenants = Tenants(**json.load(sys.stdin))
    service.seed(tenants.user_id, tenants.api_key, Scope, "local cloud")
    service.seed(tenants.user_id, tenants.test_api_key, Scope, "local cloud, test")
    service.seed(tenants.second_user_id, tenants.second_api_key, Scope, "local cloud")


if __name__ == "__main__":
    main()
