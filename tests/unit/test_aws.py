"""What is kept of AWS between two calls: a secret for five minutes, and clients that repeat or do not."""

from typing import Any

import pytest

from kindling.platform import aws
from kindling.platform.settings import settings
from tests.conftest import Clock

pytestmark = pytest.mark.usefixtures("cloud")


def test_a_secret_is_kept_for_five_minutes_and_then_read_again(steady_clock: Clock) -> None:
    arn = settings().instantly_secret
    assert aws.secret(arn) == "inst_test"
    aws.secrets().put_secret_value(SecretId=arn, SecretString="rotated")
    try:
        steady_clock.advance(seconds=300)
        assert aws.secret(arn) == "inst_test"
        steady_clock.advance(milliseconds=1)
        assert aws.secret(arn) == "rotated"
    finally:
        aws.secrets().put_secret_value(SecretId=arn, SecretString="inst_test")


def test_a_client_repeats_a_call_three_times_and_the_one_for_single_writes_never() -> None:
    def tries(table: Any) -> int:
        """What the SDK makes of the configuration."""
        return int(table.meta.client.meta.config.retries["total_max_attempts"])

    assert (tries(aws.table()), tries(aws.table_without_retries())) == (4, 1)


def test_a_client_waits_two_seconds_for_a_connection_and_five_for_an_answer() -> None:
    found: list[Any] = [aws.table().meta.client, aws.table_without_retries().meta.client, aws.dynamodb_client()]
    for client in (*found, aws.sqs(), aws.secrets(), aws.stepfunctions()):
        assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (2, 5)
