"""Duty: start what begins by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime import cron_starts
from app.runtime.ports import Engine
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Start it; return how many instances."""
    return cron_starts.start_due(engine, now=now)


DUTY: Final = Duty("starts", timedelta(seconds=1), run)
