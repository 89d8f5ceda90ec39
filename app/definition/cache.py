"""Compiled definitions, once per process."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from app.core.definition import Definition
from app.core.parse import load
from app.db.tx import Tx
from app.definition import store
from app.errors import NotFound

CAPACITY: Final = 256
"""How many compiled definitions are kept; the least recently used one goes first."""


class DefinitionCache:
    """Compiled definitions by id.

    A published definition never changes, so within one database its id stands for its
    content. Drafts can change: they are compiled anew at every call.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._compiled: OrderedDict[int, tuple[str, Definition]] = OrderedDict()
        self._by_key: dict[str, Definition] = {}
        self._lock = Lock()

    def get(self, tx: Tx, definition_id: int, checksum: str | None = None) -> Definition:
        """Return the compiled definition; reads the database only the first time.

        Args:
            checksum: what the content must be, where the caller knows it; without it a
                cache must not be shared between databases.

        Raises:
            NotFound: there is no such definition.
        """
        with self._lock:
            kept = self._compiled.get(definition_id)
            if kept is not None and checksum in (None, kept[0]):
                self._compiled.move_to_end(definition_id)
                return kept[1]
        row = store.by_id(tx, definition_id)
        if row is None:
            raise NotFound("definition_not_found", "There is no such definition.")
        compiled = load(row.source)
        if row.status != "draft":
            self._keep(definition_id, row.checksum, compiled)
        return compiled

    def last(self, key: str) -> Definition | None:
        """Return what was compiled last of a key: maybe not the newest, maybe not active."""
        return self._by_key.get(key)

    def _keep(self, definition_id: int, checksum: str, compiled: Definition) -> None:
        with self._lock:
            self._by_key[compiled.key] = compiled
            self._compiled[definition_id] = (checksum, compiled)
            while len(self._compiled) > self._capacity:
                _, (_, gone) = self._compiled.popitem(last=False)
                self._by_key.pop(gone.key, None)


SHARED: Final = DefinitionCache()
"""For readers of screens, who have no engine at hand; they always name the checksum."""
