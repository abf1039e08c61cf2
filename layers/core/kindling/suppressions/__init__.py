"""Addresses that a tenant must not write to any more."""
