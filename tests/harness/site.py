"""The console served to a real browser, from one process: one request at a time, as moto wants it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx

from tests.harness.cases import Gateway


@contextmanager
def served(gateway: Gateway) -> Iterator[str]:
    """Serve the HTTP API on a free port of this machine during the block; its origin."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            url = f"http://{self.headers['host']}{self.path}"
            answer = gateway(httpx.Request(self.command, url, headers=self.headers.items(), content=body))
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name != "content-length":
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing: the handlers have logged the request."""

    server = HTTPServer(("127.0.0.1", 0), Handler)

    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
