"""Runs pytest in forks of one process that has imported what is slow to import: a run costs a second instead of four.

It reads lines of JSON, each the arguments of a run, and answers each with a line of JSON: pytest's exit code, or minus
the signal that ended it, and what it said.
"""

import importlib
import json
import os
import signal
import sys
import tempfile

import pytest

# Nothing of the tree, which changes between two runs.
IMPORTED = (
    "aws_lambda_powertools.event_handler.openapi.models",
    "boto3",
    "cfnlint.api",
    "cryptography.fernet",
    "dns.resolver",
    "httpx",
    "jsonata",
    "jsonschema",
    "moto.dynamodb.urls",
    "moto.secretsmanager.urls",
    "moto.sqs.urls",
    "moto.stepfunctions.parser.models",
    "moto.stepfunctions.urls",
    "yaml",
)
LONGEST_SECONDS = 300


def _run(arguments: list[str]) -> tuple[int, str]:
    with tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if not child:
            signal.alarm(LONGEST_SECONDS)
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            code = pytest.main(arguments)
            sys.stdout.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read()


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
