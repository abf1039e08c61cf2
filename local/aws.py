"""AWS clients of the engine. The user's own AWS configuration is not read."""

import os
from typing import Any

import boto3
from botocore.config import Config

from local.settings import ACCOUNT, REGION

_CONFIG = Config(connect_timeout=5, read_timeout=120, retries={"mode": "standard", "max_attempts": 2}, proxies={})


def client(name: str, engine_url: str) -> Any:
    """A client of the engine's service `name`."""
    for variable in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(variable, None)
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    # boto3-stubs have an overload per service name; `name` may be any of them.
    session: Any = boto3.session.Session()
    return session.client(
        name,
        endpoint_url=engine_url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106
        config=_CONFIG,
    )
