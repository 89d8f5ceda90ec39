"""Duty: deliver the messages that a dying process has left over, and let old ones expire."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.runtime import messages
from app.runtime.ports import Engine
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Bring together what is kept and awaited; return how many."""
    return messages.deliver_left_over(engine, now=now)


def prune(engine: Engine, now: datetime) -> int:
    """Forget what nobody awaits any more; return how many."""
    return messages.prune(engine, now=now)


DUTY: Final = Duty("messages", timedelta(seconds=2), run)
PRUNE: Final = Duty("expired messages", timedelta(minutes=10), prune)
