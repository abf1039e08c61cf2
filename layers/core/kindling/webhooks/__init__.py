"""Webhooks: the mail provider's signed events, each counted once, in any order."""
