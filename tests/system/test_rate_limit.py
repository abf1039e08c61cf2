"""A provider's rate limit under concurrent callers, against the engine."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kindling.platform import aws
from kindling.platform.settings import settings
from kindling.providers.bucket import Exhausted, Rate, TokenBucket
from tests.system.conftest import GROUP, Local
from tests.unit.test_bucket import most_in

pytestmark = [pytest.mark.system, GROUP]

RATE = Rate(40, burst=10)
CALLERS, SECONDS = 8, 4.0


@pytest.fixture
def engine(local: Local, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    about: dict[str, Any] = local.description
    for name, value in {
        "AWS_ENDPOINT_URL": about["engine_url"],
        "AWS_DEFAULT_REGION": about["region"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TABLE_NAME": about["table_name"],
    }.items():
        monkeypatch.setenv(name, value)
    caches = (settings, aws.dynamodb, aws.table)
    for function in caches:
        function.cache_clear()
    yield
    for function in caches:
        function.cache_clear()


def test_eight_callers_at_once_stay_within_the_rate_and_use_it(engine: None) -> None:
    provider, ends_at = uuid.uuid4().hex, time.monotonic() + SECONDS
    aws.table()

    def call(_: int) -> tuple[list[float], int]:
        bucket, sent, refused = TokenBucket(provider, RATE), [], 0
        while time.monotonic() < ends_at:
            try:
                wait = bucket.take(0.1)
            except Exhausted:
                refused += 1
                time.sleep(0.02)
                continue
            sent.append(time.time() + wait)
            time.sleep(wait)
        return sent, refused

    with ThreadPoolExecutor(CALLERS) as pool:
        results = list(pool.map(call, range(CALLERS)))
    sent = sorted(instant for instants, _ in results for instant in instants)
    # The instant is read after the write that took the token, so that a slow answer moves it by up to a few of them.
    assert most_in(1, sent) <= (RATE.burst + RATE.per_second) * 1.2
    assert len(sent) <= RATE.burst + RATE.per_second * (SECONDS + 0.2)
    assert len(sent) >= 0.6 * RATE.per_second * SECONDS
    assert sum(refused for _, refused in results) > 0
