"""Inventory: a daily comparison of the resources at the providers with rows and cleanups."""
