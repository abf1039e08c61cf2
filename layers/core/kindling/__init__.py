"""Kindling: a control plane for email senders."""
