"""The services that steps can call, by ``service_name`` and ``method``.

Fulfils ``app.runtime.ports.Services``.
"""

from __future__ import annotations

from app.connector.base import Handler, InlineHandler


class Registry:
    """A table of handlers; filled at start-up, read only afterwards."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._inline: dict[tuple[str, str], InlineHandler] = {}

    def register(self, service: str, method: str, handler: Handler) -> None:
        """Add a handler that runs in a worker.

        Raises:
            ValueError: the name is taken.
        """
        self._claim(service, method)
        self._handlers[service, method] = handler

    def register_inline(self, service: str, method: str, handler: InlineHandler) -> None:
        """Add a pure, quick (< 5 ms) handler that runs in the engine's transaction.

        Raises:
            ValueError: the name is taken.
        """
        self._claim(service, method)
        self._inline[service, method] = handler

    def handler(self, service: str, method: str) -> Handler | None:
        """Return what a worker should call, or None if nobody registered it."""
        found = self._handlers.get((service, method))
        if found is not None:
            return found
        inline = self._inline.get((service, method))
        return (lambda given, _context: inline(given)) if inline is not None else None

    def inline(self, service: str, method: str) -> InlineHandler | None:
        """Return the handler if it may run in the engine's transaction."""
        return self._inline.get((service, method))

    def known(self, service: str, method: str) -> bool:
        """Say whether a step may call this."""
        return (service, method) in self._handlers or (service, method) in self._inline

    def names(self) -> frozenset[str]:
        """Return every ``Service.method``."""
        return frozenset(
            f"{service}.{method}" for service, method in (*self._handlers, *self._inline)
        )

    def _claim(self, service: str, method: str) -> None:
        if self.known(service, method):
            raise ValueError(f"{service}.{method} is registered twice")
