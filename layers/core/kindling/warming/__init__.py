"""Warming a domain: how much it may send today, what brings it further, what stops it."""
