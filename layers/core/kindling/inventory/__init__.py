"""Inventory: what the providers hold, compared with what rows and cleanups name."""
