"""Duty: remind people of their tasks, and do what is to happen with those that are overdue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime.ports import Engine
from app.task import overdue
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Do it; return how many tasks."""
    return overdue.look(engine, now=now)


DUTY: Final = Duty("reminders", timedelta(seconds=5), run)
