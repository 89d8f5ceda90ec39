"""``python -m tests.fault.hasty_worker``: a worker that waits a fifth as long for anything."""

from __future__ import annotations

import sys

from app.adapters import listener_rq
from app.worker import __main__ as worker
from app.worker import drain
from tests.fault.plant import Plant, Program

PATIENCE = 2
"""Seconds that it waits for an answer of Redis; more than for a message."""


def hasty_worker(plant: Plant) -> Program:
    """Return such a worker, not started."""
    program = plant.program("worker.hasty", "tests.fault.hasty_worker")
    program.env["REDIS_URL"] += f"?socket_timeout={PATIENCE}"
    return program


if __name__ == "__main__":
    drain.IDLE, drain.IDLE_DEAF = 1.0, 0.2  # type: ignore[misc]  # final for everybody else
    worker.LISTEN_AGAIN = 0.2  # type: ignore[misc]
    listener_rq._TTL = 16  # type: ignore[misc]
    sys.exit(worker.main())
