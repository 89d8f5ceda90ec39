"""``python -m tests.fault.hasty_worker``: a worker that waits a fifth as long for anything."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import Any

from app.adapters import listener_rq
from app.worker import __main__ as worker
from app.worker import drain
from tests.fault.plant import Plant, Program

PATIENCE = 2
"""Seconds that it waits for an answer of Redis; more than for a message."""


_LOUD = "ENDS_WHILE_IT_SPEAKS"


class _Ends(logging.StreamHandler[Any]):
    """Sends SIGTERM in the midst of saying that Redis is away: what is raised there is lost."""

    _sent = False

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        main = threading.current_thread() is threading.main_thread()
        if main and "retrying" in record.getMessage() and not self._sent:
            self._sent = True
            os.kill(os.getpid(), signal.SIGTERM)
        return super().format(record)


def hasty_worker(plant: Plant, *, ends_while_it_speaks: bool = False) -> Program:
    """Return such a worker, not started.

    Args:
        ends_while_it_speaks: it is asked to end by ``_Ends``.
    """
    program = plant.program("worker.hasty", "tests.fault.hasty_worker")
    program.env["REDIS_URL"] += f"?socket_timeout={PATIENCE}"
    if ends_while_it_speaks:
        program.env[_LOUD] = "1"
    return program


if __name__ == "__main__":
    if _LOUD in os.environ:
        logging.getLogger().addHandler(_Ends())
    drain.IDLE = 1.0  # type: ignore[misc]  # final for everybody else
    drain.IDLE_DEAF = 0.2  # type: ignore[misc]  # the same
    worker.LISTEN_AGAIN = 0.2  # type: ignore[misc]  # the same
    listener_rq._TTL = 16  # type: ignore[misc]  # the same; a sign of life each second
    sys.exit(worker.main())
