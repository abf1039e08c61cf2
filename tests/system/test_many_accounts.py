"""Many accounts at once, at a provider that runs one job at a time and refuses a call now and then."""

import contextlib
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import processes
from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

# So many by one request each, and by one batch; `--whole` is for an idle machine.
TOGETHER, TOGETHER_WHOLE = 10, 50
ROWS, ROWS_WHOLE = 20, 300
ENABLE = ("instantly", "POST", "/api/v2/accounts/warmup/enable")
ACCOUNTS = "/api/email/accounts"


def verified_domain(local: Local) -> dict[str, Any]:
    domain = local.new_domain()
    local.fault(*ENABLE, "rate_limit", seconds=1, calls=[1, 4])
    local.fault("instantly", "GET", "/api/v2/accounts/*", "rate_limit", seconds=1, calls=list(range(20, 2000, 50)))
    local.fault("instantly", "POST", "/api/v2/accounts", "rate_limit", seconds=1, calls=[5, 25])
    return domain


def of_domain(local: Local, domain: dict[str, Any]) -> Counter[str]:
    """How many accounts of the domain are in each state."""
    rows = local.api.get(ACCOUNTS).json()["accounts"]
    return Counter(row["status"] for row in rows if row["domain_id"] == domain["id"])


def until_all_warm(local: Local, domain: dict[str, Any], wanted: int) -> Counter[str]:
    """The states once all accounts are warming. What is pending is retried without waiting for its minute."""
    for _ in range(60):
        found = of_domain(local, domain)
        if found == {"warming": wanted}:
            break
        if found["pending"]:
            local.advance(minutes=2)
            local.tick("retry-warmups")
        time.sleep(1)
    return of_domain(local, domain)


def megabytes(local: Local) -> float:
    """The memory of the local cloud's processes, of shared memory each its part; 0 on systems without /proc."""
    total = 0
    for process in processes.find(local.home):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += int(text.split("\nPss:")[1].split()[0])
    return total / 1024


def test_creates_at_once_are_all_answered_and_all_warm(local: Local, pytestconfig: pytest.Config) -> None:
    count = TOGETHER_WHOLE if pytestconfig.getoption("--whole") else TOGETHER
    domain = verified_domain(local)

    def create(number: int) -> httpx.Response:
        body = {"username": f"u{number}", "domain_id": domain["id"]}
        return local.api.post(ACCOUNTS, json=body)

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(create, range(count)))
    assert megabytes(local) < 1000
    assert {answer.status_code for answer in answers} <= {201, 202}, [answer.text for answer in answers]
    later = [local.ended(answer.headers["Location"]) for answer in answers if answer.status_code == 202]
    assert {operation["state"] for operation in later} <= {"succeeded"}, later
    assert until_all_warm(local, domain, count) == {"warming": count}


def test_every_row_of_a_batch_becomes_an_account_that_warms(local: Local, pytestconfig: pytest.Config) -> None:
    count = ROWS_WHOLE if pytestconfig.getoption("--whole") else ROWS
    domain = verified_domain(local)
    lines = ["username,domain_id", *(f"r{number},{domain['id']}" for number in range(count))]
    headers = {"Content-Type": "text/csv"}
    began = local.api.post(f"{ACCOUNTS}/batch", content="\n".join(lines), headers=headers)
    assert began.status_code == 202, began.text
    operation = local.ended(began.headers["Location"])
    progress = {"total": count, "waiting": 0, "running": 0, "succeeded": count, "exists": 0, "failed": 0}
    assert (operation["state"], operation["progress"]) == ("succeeded", progress)
    assert until_all_warm(local, domain, count) == {"warming": count}
