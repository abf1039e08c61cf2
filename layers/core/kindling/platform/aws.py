"""The AWS clients. This is the only module that creates any; each is created on first use and then reused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

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
# AWS's own messages name accounts and resources, so they go to the log only.
UNAVAILABLE_MESSAGE = "AWS is busy or did not answer; the same request may work in a moment."
# Short timeouts leave the caller time to answer when a call hangs. Writes through these clients may be retried.
_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})


@cache
def dynamodb() -> DynamoDBServiceResource:
    return boto3.resource("dynamodb", config=_CONFIG)


@cache
def table() -> Table:
    """Kindling's only table."""
    return dynamodb().Table(settings().table_name)


@cache
def table_without_retries() -> Table:
    """The table through a client that does not retry, for writes that are not idempotent.

    After an error the write may or may not have been applied.
    """
    config = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
    return boto3.resource("dynamodb", config=config).Table(settings().table_name)


@cache
def dynamodb_client() -> DynamoDBClient:
    """The low-level client, for libraries that pass items in DynamoDB's typed JSON."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def stepfunctions() -> SFNClient:
    return boto3.client("stepfunctions", config=_CONFIG)


@cache
def sqs() -> SQSClient:
    return boto3.client("sqs", config=_CONFIG)


@cache
def eventbridge() -> Any:
    return boto3.client("events", config=_CONFIG)


@cache
def secrets() -> SecretsManagerClient:
    return boto3.client("secretsmanager", config=_CONFIG)


_secrets: dict[str, tuple[float, str]] = {}


def secret(arn: str) -> str:
    """The value of a secret, cached in memory for `SECRET_SECONDS`: a rotated key is used after that time.

    Raises StoreUnavailable.
    """
    cached = _secrets.get(arn)
    if cached is None or cached[0] < clock.monotonic():
        with available():
            value = secrets().get_secret_value(SecretId=arn)["SecretString"].strip()
        cached = _secrets[arn] = (clock.monotonic() + SECRET_SECONDS, value)
    return cached[1]


def keep_secret(name: str, value: str) -> str:
    """Create a secret or replace its value; its ARN. Raises StoreUnavailable."""
    client = secrets()
    with available():
        try:
            return client.create_secret(Name=name, SecretString=value)["ARN"]
        except client.exceptions.ResourceExistsException:
            return client.put_secret_value(SecretId=name, SecretString=value)["ARN"]


def drop_secret(name: str) -> None:
    """Delete a secret at once, so that its name can be used again. Idempotent. Raises StoreUnavailable."""
    with available():
        secrets().delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@contextmanager
def available() -> Iterator[None]:
    """Raise StoreUnavailable for every error of the AWS SDK inside the block, and log the SDK's message."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        logger.warning("aws call failed", reason=str(error))
        raise StoreUnavailable(UNAVAILABLE_MESSAGE) from error
