"""Telling "someone else is changing the same thing" from real failures of the database."""

from __future__ import annotations

from typing import Final

_BUSY: Final = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL's states for: serialization failure, deadlock, lock not available."""


def is_busy(error: Exception) -> bool:
    """Say whether the same request may work if it is sent again.

    Args:
        error: as raised by the driver, or wrapped by SQLAlchemy.
    """
    return getattr(getattr(error, "orig", error), "sqlstate", None) in _BUSY
