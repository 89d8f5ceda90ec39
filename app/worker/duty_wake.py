"""Duty: wake the workers when jobs are due. Retries fall due by themselves, and messages
get lost with Redis."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime import jobs
from app.runtime.ports import Engine
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Wake if anything is due."""
    due = jobs.any_due(engine.db, now=now)
    if due:
        engine.waker.wake()
    return int(due)


DUTY: Final = Duty("wake", timedelta(seconds=1), run)
