"""A local stand-in for AgentMail, Instantly v2 and Cloudflare DNS, faults included.

What no provider documents, and the sandbox had to decide, is told in `README.md`.
"""

from local.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
