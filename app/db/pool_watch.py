"""How the pool of connections stands, told at every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from app.db.tx import Database


def watch(db: Database, tell: Callable[..., None]) -> None:
    """Call ``tell`` whenever a connection is taken from the pool or given back.

    Args:
        tell: takes ``in_use``, ``idle``, ``overflow`` (opened beyond the pool's size) and
            ``maximum``, all counts of connections. Must be quick and not raise.
    """
    pool = db.engine.pool
    if not isinstance(pool, sa.QueuePool):
        return
    maximum = pool.size() + max(pool._max_overflow, 0)  # no public name for it

    def changed(returning: int) -> None:
        tell(
            in_use=max(pool.checkedout() - returning, 0),
            idle=pool.checkedin() + returning,
            overflow=max(pool.overflow(), 0),
            maximum=maximum,
        )

    def taken(*_: Any) -> None:
        changed(0)

    def given_back(*_: Any) -> None:
        changed(1)  # told just before the connection is idle again

    sa.event.listen(pool, "checkout", taken)
    sa.event.listen(pool, "checkin", given_back)
