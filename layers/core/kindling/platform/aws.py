"""The only place where AWS clients are made; every one is made at first use and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kindling.errors import StoreUnavailable
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.platform.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource, Table
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_stepfunctions.client import SFNClient

SECRET_SECONDS = 300
# What AWS itself says names accounts and resources: that is for the log.
AWAY = "AWS is busy or did not answer; the same request may work in a moment."
# Short timeouts: a call that hangs must leave the caller time to answer, and every write here is repeatable.
_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})


@cache
def dynamodb() -> DynamoDBServiceResource:
    return boto3.resource("dynamodb", config=_CONFIG)


@cache
def table() -> Table:
    """The one table."""
    return dynamodb().Table(settings().table_name)


@cache
def table_without_retries() -> Table:
    """The table through a client that never repeats a call: for a write that must not happen twice.

    Its failures are unclear, and are raised.
    """
    config = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
    return boto3.resource("dynamodb", config=config).Table(settings().table_name)


@cache
def dynamodb_client() -> DynamoDBClient:
    """A client in the wire's own form, for libraries that bring their items in it."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def stepfunctions() -> SFNClient:
    return boto3.client("stepfunctions", config=_CONFIG)


@cache
def sqs() -> SQSClient:
    return boto3.client("sqs", config=_CONFIG)


@cache
def secrets() -> SecretsManagerClient:
    return boto3.client("secretsmanager", config=_CONFIG)


_secrets: dict[str, tuple[float, str]] = {}


def secret(arn: str) -> str:
    """A secret's text, kept in memory for `SECRET_SECONDS` so that a rotated key is picked up."""
    kept = _secrets.get(arn)
    if kept is None or kept[0] < clock.monotonic():
        with available():
            text = secrets().get_secret_value(SecretId=arn)["SecretString"].strip()
        kept = _secrets[arn] = (clock.monotonic() + SECRET_SECONDS, text)
    return kept[1]


@contextmanager
def available() -> Iterator[None]:
    """Turn what AWS refuses, or does not answer, inside into StoreUnavailable: the one name that callers know."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        logger.warning("aws refused a call", reason=str(error))
        raise StoreUnavailable(AWAY) from error
