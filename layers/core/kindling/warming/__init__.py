"""Warming a domain: its sending limits, and the policy that raises, lowers and stops them."""
