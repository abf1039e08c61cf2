"""The logger of every function."""

from aws_lambda_powertools import Logger

logger = Logger(service="kindling")
