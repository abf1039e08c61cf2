"""Measures warm calls to a running local cloud: `.venv/bin/python benchmarks/latency.py`, after `make up`."""

import json
import os
import statistics
import time
from pathlib import Path

import httpx

CALLS = 300
WARM_UP = 30
# Slower than a key's request quota.
PAUSE_SECONDS = 0.05
PATHS = ("/healthz", "/api/email/domains?skip_sync=true", "/api/email/accounts")


def main() -> None:
    """Print the median and the 95th percentile of each path, and their ratio to the first."""
    home = Path(os.environ.get("KINDLING_HOME", ".kindling"))
    local = json.loads((home / "local.json").read_text())
    headers = {"Authorization": f"Bearer {local['api_key']}"}
    base = 0.0
    with httpx.Client(base_url=local["api_url"], headers=headers, timeout=30) as client:
        for path in PATHS:
            times = [_milliseconds(client, path) for _ in range(WARM_UP + CALLS)][WARM_UP:]
            median = statistics.median(times)
            base = base or median
            p95 = statistics.quantiles(times, n=20)[18]
            print(f"GET {path:40} p50 {median:6.1f} ms   p95 {p95:6.1f} ms   {median / base:4.1f} x")


def _milliseconds(client: httpx.Client, path: str) -> float:
    time.sleep(PAUSE_SECONDS)
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
