"""Duty: take back the leases of workers that died."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime import jobs
from app.runtime.ports import Engine
from app.worker.duty import Duty

_BATCH: Final = 100


def run(engine: Engine, now: datetime) -> int:
    """Make lost jobs due again; return how many."""
    count = 0
    while (taken := jobs.expire(engine, now=now, limit=_BATCH)) == _BATCH:
        count += taken
    return count + taken


DUTY: Final = Duty("leases", timedelta(seconds=1), run)
