"""Duty: fire the timers that are due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime import timers
from app.runtime.ports import Engine
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Fire them; return how many."""
    return timers.fire_due(engine, now=now)


DUTY: Final = Duty("timers", timedelta(seconds=0.5), run)
