"""Duty: forget what has run out: kept answers of repeated requests, tokens, old notifications."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.db import idempotency
from app.identity.service import prune_tokens
from app.notice import service as notices
from app.runtime.ports import Engine
from app.worker.duty import Duty


def run(engine: Engine, now: datetime) -> int:
    """Delete them; return how many."""
    return (
        idempotency.prune(engine.db, now=now)
        + prune_tokens(engine.db, now=now)
        + notices.prune(engine.db, now=now)
    )


DUTY: Final = Duty("prune", timedelta(hours=1), run)
