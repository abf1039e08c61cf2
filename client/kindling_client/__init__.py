"""The Python client of Kindling: `Kindling` and, for asyncio, `AsyncKindling`."""

from kindling_client import models
from kindling_client.client import AsyncKindling, Kindling
from kindling_client.errors import (
    Conflict,
    Forbidden,
    Invalid,
    KindlingError,
    NotFound,
    OperationFailed,
    RateLimited,
    ServerError,
    StillRunning,
    Unauthorized,
    Unexpected,
    Unreachable,
)

__version__ = "0.1.0"

__all__ = [
    "AsyncKindling",
    "Conflict",
    "Forbidden",
    "Invalid",
    "Kindling",
    "KindlingError",
    "NotFound",
    "OperationFailed",
    "RateLimited",
    "ServerError",
    "StillRunning",
    "Unauthorized",
    "Unexpected",
    "Unreachable",
    "models",
]
