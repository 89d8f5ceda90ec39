"""Duty: take back the leases of workers that died."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime import jobs
from app.runtime.ports import Engine
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Make lost jobs due again; return how many."""
    return jobs.expire(engine, now=now)


DUTY: Final = Duty("leases", timedelta(seconds=5), run)
