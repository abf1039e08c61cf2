"""Suppressions: addresses to which a tenant must not send."""
