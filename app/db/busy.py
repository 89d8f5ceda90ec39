"""Telling "someone else is changing the same thing" from real failures of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.db.tx import Tx
from app.errors import Conflict

PATIENCE: Final = 1000
"""Milliseconds that one of many waits for a lock."""
_IMPATIENCE: Final = 50
_MANY: Final = 5

_BUSY: Final = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL's states for: serialization failure, deadlock, lock not available."""


def is_busy(error: Exception) -> bool:
    """Say whether the same request may work if it is sent again.

    Args:
        error: as raised by the driver, or wrapped by SQLAlchemy.
    """
    return getattr(getattr(error, "orig", error), "sqlstate", None) in _BUSY


@contextmanager
def briefly(tx: Tx, refused: int = 0) -> Iterator[None]:
    """Let one of many wait but a moment for what others have locked.

    Args:
        tx: the transaction of this one alone, or a savepoint's.
        refused: how many of them found something locked before; after a few the others hardly
            wait at all, lest all of them together take minutes.

    Raises:
        Conflict: code ``locked``: it was locked for longer.
    """
    wait = PATIENCE if refused < _MANY else _IMPATIENCE
    tx.later([(f"set local lock_timeout = {wait}", None)])
    try:
        yield
    except Exception as error:
        if not is_busy(error):
            raise
        raise Conflict(
            "locked",
            "Someone else is changing this at the moment. Nothing was changed; try again.",
            extra={"retry_after": 1},
        ) from error
    tx.later([("set local lock_timeout = default", None)])
