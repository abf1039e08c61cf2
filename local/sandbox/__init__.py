"""A local stand-in for AgentMail, Instantly v2 and Cloudflare DNS, faults included."""

from local.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
