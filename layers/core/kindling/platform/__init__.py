"""Shared infrastructure: DynamoDB, AWS clients, the clock, settings and logging. It imports no topic."""
