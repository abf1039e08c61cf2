"""What tests of the local cloud share: the small stack, free ports and HTTP requests."""

import http.client
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.settings import HOST, Home, Ports

TEMPLATE = Path(__file__).parent / "stack" / "template.yaml"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def event(self) -> Any:
        return self.json["event"]


def call(
    port: int, method: str, path: str, body: bytes | None = None, headers: Iterable[tuple[str, str]] = ()
) -> Answer:
    """Send one request on a new connection, exactly as given."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    return answer


def free_ports() -> Ports:
    """Four ports that nothing listens on."""
    probes = [socket.create_server((HOST, 0)) for _ in range(4)]
    engine, api, sandbox, dns = (probe.getsockname()[1] for probe in probes)
    for probe in probes:
        probe.close()
    return Ports(engine, api, sandbox, dns)


def addresses_listened_on(home: Home, processes: Iterable[int]) -> set[str]:
    """The addresses on which these processes listen, as in /proc/net/tcp. Empty on systems without /proc."""
    if not Path("/proc/net/tcp").exists():
        return set()
    sockets = {
        str(link.readlink()).removeprefix("socket:[").removesuffix("]")
        for process in processes
        for link in Path(f"/proc/{process}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets}
