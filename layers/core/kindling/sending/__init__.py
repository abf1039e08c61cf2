"""Sending messages: checks, admission by the gate, and delivery to the mail provider."""
