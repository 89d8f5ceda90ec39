"""How gunicorn serves the pages and the API; `workflow-engine web` starts it with this file."""

import os

from app.config import load_settings

_settings = load_settings()
_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

bind = f"{_host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.web_workers
threads = _settings.web_threads
preload_app = True  # one import for all processes; no connection is opened before the fork
timeout = 60  # seconds without a sign of life
graceful_timeout = 15  # seconds for requests in work when asked to end
keepalive = 5
worker_tmp_dir = "/dev/shm"  # noqa: S108 - its heartbeat must not wait for a disk
control_socket_disable = True
secure_scheme_headers: dict[str, str] = {}  # `trusted_proxies` alone says whom to believe
loglevel = "warning"  # requests are logged by the application


def on_starting(server: object) -> None:
    """Wait, with the code already loaded, until the launcher has the tables ready."""
    gate = os.environ.get("WEB_GATE")
    if gate is not None:
        os.read(int(gate), 1)


def child_exit(server: object, worker: object) -> None:
    """Drop the gauges of a process that ended."""
    from app.telemetry.metrics import forget_process

    forget_process(worker.pid)  # type: ignore[attr-defined]  # gunicorn's
