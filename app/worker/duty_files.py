"""Duty: forget files that were uploaded for forms which nobody has sent within a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime import files
from app.runtime.ports import Engine
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Delete them; return how many."""
    return files.prune(engine.db, now=now)


DUTY: Final = Duty("files", timedelta(hours=1), run)
"""Hourly: it is not urgent."""
