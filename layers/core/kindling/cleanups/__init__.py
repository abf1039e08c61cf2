"""Cleanups: what still has to be removed at a provider, and who sees to it."""
