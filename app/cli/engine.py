"""The engine for a command: it changes rows and wakes nobody, the duties do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.connector.standard import standard_registry
from app.db.engine import create_database
from app.definition.cache import DefinitionCache
from app.runtime.ports import Engine


class _NoWaker:
    """Fulfils ``app.runtime.ports.Waker``."""

    def wake(self) -> None:
        """Leave it to the duties, which look every second."""


@contextmanager
def opened(database_url: str) -> Iterator[Engine]:
    """Make an engine on a database; its connections are closed in the end."""
    db = create_database(database_url, pool_size=2, max_overflow=0, name="workflow-engine cli")
    try:
        yield Engine(
            db=db, services=standard_registry(), waker=_NoWaker(), definitions=DefinitionCache()
        )
    finally:
        db.engine.dispose()
