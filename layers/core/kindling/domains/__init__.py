"""Sending domains: registered, published, verified."""
