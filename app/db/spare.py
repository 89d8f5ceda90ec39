"""Connections that transactions pass on to each other without asking the pool.

The pool's own check-out and check-in cost as much as a statement. So most of its connections
stay checked out between two transactions, in a list of those that are idle; one stays behind
for whoever asks the pool itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa

SINCE: Final = "since"
"""In a connection's ``info``: when it was opened, on the monotonic clock."""


class Spares:
    """The idle connections of an engine that stay checked out of its pool.

    Args:
        alive: raises ``DisconnectionError`` for a connection that PostgreSQL has closed.
        max_age: seconds after which a connection goes back to the pool, to be replaced.
    """

    def __init__(
        self, engine: sa.Engine, alive: Callable[[Any, object, object], None], max_age: float
    ) -> None:
        pool = engine.pool
        self._room = pool.size() - 1 if isinstance(pool, sa.QueuePool) else 0
        self._alive = alive
        self._max_age = max_age
        self._idle: list[sa.PoolProxiedConnection] = []
        self.watchers: list[Callable[[], None]] = []
        sa.event.listen(engine, "engine_disposed", self._drop)

    def __len__(self) -> int:
        """How many are idle."""
        return len(self._idle)

    def take(self) -> sa.PoolProxiedConnection | None:
        """Return one that is idle and alive; None: ask the pool."""
        while self._idle:
            try:
                taken = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if time.monotonic() - taken.info[SINCE] > self._max_age:
                taken.close()
                continue
            try:
                self._alive(taken.driver_connection, None, None)
            except sa.exc.DisconnectionError:
                taken.invalidate()
                continue
            self._tell()
            return taken
        return None

    def keep(self, connection: sa.PoolProxiedConnection) -> None:
        """Keep one that is idle from now on, or give it back to the pool."""
        if len(self._idle) < self._room:
            self._idle.append(connection)
            self._tell()
        else:
            connection.close()

    def _tell(self) -> None:
        for tell in self.watchers:
            tell()

    def _drop(self, _engine: sa.Engine) -> None:
        dropped, self._idle = self._idle, []
        for connection in dropped:
            connection.invalidate()


_of: WeakKeyDictionary[sa.Engine, Spares] = WeakKeyDictionary()
_one_makes: Final = Lock()


def attach(engine: sa.Engine, alive: Callable[[Any, object, object], None], max_age: float) -> None:
    """Let the transactions of an engine pass on its connections."""
    with _one_makes:
        _of[engine] = Spares(engine, alive, max_age)


def spares_of(engine: sa.Engine) -> Spares | None:
    """Return the idle connections of an engine, if they were attached."""
    return _of.get(engine)
