"""Cleanups: resources that still have to be removed from a provider."""
