"""DNS: every name of two labels is a zone, and one server plays both the zones' own servers and a resolver."""

from local.sandbox.nameserver.answers import answer, asked, failure, forged

__all__ = ["answer", "asked", "failure", "forged"]
