"""A web server on this machine that answers as a test says, also over TLS."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Got:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Remote:
    """The server.

    ``answer`` is called with each request and writes what it likes through the handler.
    """

    answer: Callable[[Got, BaseHTTPRequestHandler], None]
    port: int = 0
    got: list[Got] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def reply(
    handler: BaseHTTPRequestHandler,
    status: int = 200,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Write a whole answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def json_reply(text: str, status: int = 200) -> Callable[[Got, BaseHTTPRequestHandler], None]:
    """Return an answer that is always this JSON."""
    return lambda _got, handler: reply(
        handler, status, text.encode(), {"Content-Type": "application/json"}
    )


@contextmanager
def serving(
    answer: Callable[[Got, BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None = None
) -> Iterator[Remote]:
    """Serve on 127.0.0.1; ``remote.over`` is set in the end, for answers that wait."""
    remote = Remote(answer)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Got(self.command, self.path, headers, self.rfile.read(length))
            remote.got.append(got)
            with contextlib.suppress(OSError):  # whoever asked may have left
                remote.answer(got, self)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: a refused certificate ends here."""

        def get_request(self) -> Any:
            request, address = super().get_request()
            if tls is not None:
                request = tls.wrap_socket(request, server_side=True)
            return request, address

    with Server(("127.0.0.1", 0), Handler) as server:
        remote.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield remote
        finally:
            remote.over.set()
            server.shutdown()
            thread.join()
