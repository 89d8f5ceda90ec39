"""How gunicorn serves the pages and the API; `workflow-engine web` starts it with this file."""

import gc
import os
import socket
import struct
import sys

from app.config import ConfigError, load_settings

try:
    _settings = load_settings()
except ConfigError as error:
    sys.exit(str(error))
_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

bind = f"{_host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.web_workers
threads = _settings.web_threads
preload_app = True  # one import for all processes; no connection is opened before the fork
timeout = 60  # seconds without a sign of life
graceful_timeout = 15  # seconds for requests in work when asked to end
keepalive = 5
STALLED = 10  # seconds that a client may be silent within a request
worker_tmp_dir = "/dev/shm"  # noqa: S108 - its heartbeat must not wait for a disk
control_socket_disable = True
secure_scheme_headers: dict[str, str] = {}  # `trusted_proxies` alone says whom to believe
loglevel = "warning"  # requests are logged by the application


def on_starting(server: object) -> None:
    """Wait, with the code already loaded, until the launcher has the tables ready."""
    gate = os.environ.get("WEB_GATE")
    if gate is not None:
        os.read(int(gate), 1)


def when_ready(server: object) -> None:
    """Let the code be shared for good, and no connection hold a thread in a request's midst.

    What is loaded now never becomes garbage: the processes need not look through it, which
    would copy its memory in each of them and make each end half a second longer.

    The time limit every accepted connection inherits (Linux); it bounds each wait, not the
    request. Without it, phones that lose their network would use up all threads.
    """
    gc.freeze()
    patience = struct.pack("ll", STALLED, 0)
    for listener in server.LISTENERS:  # type: ignore[attr-defined]  # gunicorn's
        for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, direction, patience)


def child_exit(server: object, worker: object) -> None:
    """Drop the gauges of a process that ended."""
    from app.telemetry.metrics import forget_process

    forget_process(worker.pid)  # type: ignore[attr-defined]  # gunicorn's
