"""Answers with the event it got, and what its environment tells it."""

import importlib.util
import json
import os
import sys
import time
from typing import Any


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time.sleep(float(event.get("queryStringParameters", {}).get("sleep", "0")))
    names = (
        "AGENTMAIL_URL",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "DNS_RESOLVERS",
        "KINDLING_CLOCK_FILE",
        "SECRET_ARN",
        "TABLE_NAME",
        "WEBHOOK_SECRET_ARN",
    )
    answer = {
        "event": event,
        "environment": {name: os.environ.get(name) for name in names},
        "process": os.getpid(),
        "handler_is_compiled": sys.modules[__name__].__cached__.startswith(os.environ["LAMBDA_TASK_ROOT"]),
        "sees_repository": importlib.util.find_spec("local") is not None,
        "function": context.function_name,
    }
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-answer": "yes"},
        "cookies": ["a=1; Path=/", "b=2; Path=/"],
        "body": json.dumps(answer),
    }
