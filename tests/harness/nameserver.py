"""The sandbox's DNS instead of name servers on the network."""

from typing import Any

import dns.message
import dns.nameserver

from local.sandbox import Sandbox


class SandboxNameserver(dns.nameserver.AddressAndPortNameserver):
    """A name server at any address, answered by the sandbox."""

    def __init__(self, sandbox: Sandbox, address: str, port: int) -> None:
        super().__init__(address, port)
        self._sandbox = sandbox

    def kind(self) -> str:
        return "sandbox"

    def query(
        self, request: dns.message.QueryMessage, timeout: float, *_unused: Any, **_options: Any
    ) -> dns.message.Message:
        return self._sandbox.resolve(dns.message.from_wire(request.to_wire()), timeout)
