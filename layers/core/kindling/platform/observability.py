"""One logger and one metrics namespace for every function."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger(service="kindling")
metrics = Metrics(namespace="Kindling", service="kindling")
