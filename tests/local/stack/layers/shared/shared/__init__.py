"""What the functions of the small stack share."""

import os
from typing import Any

import boto3


def table() -> Any:
    """The stack's table."""
    session: Any = boto3.session.Session()
    return session.resource("dynamodb").Table(os.environ["TABLE_NAME"])
