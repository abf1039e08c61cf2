"""DNS: every name of two labels is a zone. One server is both its authoritative server and a recursive resolver."""

from local.sandbox.nameserver.answers import answer, asked, failure, forged

__all__ = ["answer", "asked", "failure", "forged"]
