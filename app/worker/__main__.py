"""``python -m app.worker``: runs due jobs until SIGTERM."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
import sys
import threading
from typing import Final

import structlog

from app.adapters.executor_rq import RqWaker, connect
from app.adapters.listener_rq import Calls, listen
from app.config import ConfigError, Settings, load_settings
from app.connector.registry import Registry
from app.connector.standard import standard_registry
from app.db.engine import create_database
from app.definition.cache import DefinitionCache
from app.runtime.ports import Engine
from app.telemetry import logs
from app.worker.clock import now
from app.worker.drain import Drain, serve
from app.worker.stopping import stop_on_signals

log = structlog.get_logger(__name__)

STOP_WITHIN: Final = 20.0
"""Seconds that running attempts are given after SIGTERM; the process has 30."""
LISTEN_AGAIN: Final = 1.0
"""Seconds after which Redis is tried again."""


def worker_name() -> str:
    """Return a name for this process that no other has or had.

    In a container that is started again, host and number are those of the killed one, whose
    leases and whose place among RQ's workers outlive it for a while.
    """
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def run(settings: Settings, registry: Registry, *, stop_within: float = STOP_WITHIN) -> None:
    """Run due jobs until SIGTERM or SIGINT.

    Redis only shortens the wait: without it the table is looked at every second.

    Args:
        stop_within: seconds that running attempts are given in the end.
    """
    name = worker_name()
    waker = RqWaker(connect(settings.redis_url))
    places = settings.worker_concurrency
    db = create_database(
        settings.database_url, pool_size=places + 1, max_overflow=2, name="workflow-engine worker"
    )
    engine = Engine(db=db, services=registry, waker=waker, definitions=DefinitionCache())
    drain = Drain(
        engine,
        registry,
        worker=name,
        clock=now,
        places=places,
        hold=settings.worker_lease,
        looked=waker.looked,
    )
    stop = threading.Event()
    stop_on_signals(stop)
    serve(drain)
    drain.start()
    log.info("worker.started", worker=name, services=len(registry.names()))
    calls = Calls(hearing=drain.set_hearing, stop=stop.set, stopping=stop.is_set)
    for turn in itertools.count(1):
        if stop.is_set():
            break
        listen(settings.redis_url, name=f"{name}-{turn}", calls=calls)
        stop.wait(LISTEN_AGAIN)
    drain.stop(stop_within)
    db.engine.dispose()
    log.info("worker.stopped", worker=name)


def main() -> int:
    """Run with the settings of this process; return its exit status."""
    try:
        settings = load_settings()
        logs.configure(
            level=settings.log.level, form=settings.log.format, output=settings.log.output
        )
        run(settings, standard_registry(settings))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
