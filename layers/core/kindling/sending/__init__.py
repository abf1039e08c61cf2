"""Sending a message: who may, how much, and what came of it."""
