"""The web server: its address, its command, and when it is ready."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import sys
import time
from contextlib import suppress
from typing import Final

from app.cli.process import Child
from app.cli.say import Refused
from app.config import ROOT

GATE: Final = "WEB_GATE"
"""Names a pipe in the environment; the web processes answer nobody until it is closed."""
_BACKLOG: Final = 1024
_SECONDS: Final = 60.0


def listen(host: str, port: int) -> socket.socket:
    """Take the address. Requests wait in it until a web process is there to answer.

    Raises:
        Refused: it cannot be had.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise Refused(f"The host {host} is not known ({error.strerror}); correct host.") from None
    server = socket.socket(family, kind)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        server.listen(_BACKLOG)
    except OSError as error:
        server.close()
        other = port + 1 if port < 65_535 else 8080
        raise Refused(
            f"Port {port} {_why(error)}; stop what uses it, or choose another one:"
            f" PORT={max(other, 1024)} make run"
        ) from None
    return server


def command(handle: int | None = None) -> list[str]:
    """Return what starts the web processes.

    Args:
        handle: a listening socket to inherit; None: listen on the settings' host and port.
    """
    bind = [] if handle is None else ["--bind", f"fd://{handle}"]
    config = str(ROOT / "gunicorn.conf.py")
    return [sys.executable, "-m", "gunicorn", "--config", config, *bind, "wsgi:app"]


def address(host: str, port: int) -> str:
    """Return the address that a person on this machine opens."""
    name = "localhost" if host in {"0.0.0.0", "::", "127.0.0.1", "::1"} else host  # noqa: S104 - compared
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def wait(child: Child, server: socket.socket) -> None:
    """Return when a page can be had.

    Raises:
        Refused: the web processes ended instead.
    """
    host, port = server.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared
    deadline = time.monotonic() + _SECONDS
    while not _answers(host, port):
        if child.ended() is not None or time.monotonic() > deadline:
            raise Refused(
                f"The web server does not start ({child.last_words()}); see"
                f" {os.path.relpath(child.log, ROOT)}."
            )
        time.sleep(0.05)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health/ready")
        return connection.getresponse().status < 500
    connection.close()
    return False


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is in use"
    if error.errno == errno.EACCES:
        return "may not be used by this user"
    return f"cannot be used ({error.strerror})"
