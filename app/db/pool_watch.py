"""How the pool of connections stands, told at every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from app.db.health import pool_of
from app.db.tx import Database


def watch(db: Database, tell: Callable[[dict[str, int]], None]) -> None:
    """Call ``tell`` whenever a connection is taken from the pool or given back.

    Args:
        tell: takes what ``health.pool_of`` returns. Must be quick and not raise.
    """

    def taken(*_: Any) -> None:
        tell(pool_of(db))

    def given_back(*_: Any) -> None:
        counts = pool_of(db)  # told just before the connection is idle again
        if counts:
            counts["in_use"] = max(counts["in_use"] - 1, 0)
            counts["idle"] += 1
        tell(counts)

    if db.spares is not None:
        db.spares.watchers.append(taken)
    sa.event.listen(db.engine, "checkout", taken)
    sa.event.listen(db.engine, "checkin", given_back)
