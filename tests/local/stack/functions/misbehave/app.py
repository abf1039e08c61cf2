"""Fails in the way that the path asks for."""

import os
import time
from typing import Any


class CardDeclined(Exception):
    """An error with a name of its own."""


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    how = event["pathParameters"]["how"]
    if how == "raise":
        raise CardDeclined("no money")
    if how == "exit":
        os._exit(3)
    if how == "hang":
        time.sleep(60)
    if how == "nonsense":
        return {"statusCode": "soon", "body": 7}
    return {"statusCode": 502, "body": "my own words"}
