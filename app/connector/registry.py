"""The services that steps can call, by ``service_name`` and ``method``, and step types.

Fulfils ``app.runtime.ports.Services``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, overload

from app.connector.base import BatchHandler, Handler, InlineHandler, Task
from app.connector.custom import CustomType
from app.core.nodes.custom import METHOD
from app.core.nodes.table import NODES
from app.definition.custom import ConfigCheck

_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class Service:
    """What a worker calls, and how much of it at once.

    Args:
        one: takes one job; None if it takes several.
        many: takes several jobs in one call.
        batch: jobs that one call takes at most.
        concurrency: calls at the same time in one worker; None: the worker's own limit.
    """

    one: Handler | None = None
    many: BatchHandler | None = None
    batch: int = 1
    concurrency: int | None = None


class Registry:
    """A table of handlers; filled at start-up, read only afterwards."""

    def __init__(self) -> None:
        self._services: dict[tuple[str, str], Service] = {}
        self._inline: dict[tuple[str, str], InlineHandler] = {}
        self._types: dict[str, CustomType] = {}

    @overload
    def register(
        self, service: str, method: str, handler: Handler, *, concurrency: int | None = None
    ) -> None: ...

    @overload
    def register(self, service: str, method: Task, *, concurrency: int | None = None) -> None: ...

    def register(
        self,
        service: str,
        method: str | Task,
        handler: Handler | None = None,
        *,
        concurrency: int | None = None,
    ) -> None:
        """Add a handler that runs in a worker, or a step type of its own.

        Args:
            service: first part of the name; for a step type its whole name.
            method: second part of the name; or the object that is the step type.
            handler: what is called, if ``method`` is a name.
            concurrency: calls at the same time in one worker, for all of a remote's sake.

        Raises:
            ValueError: the name is taken or cannot be, or the limit is below 1.
            TypeError: the object has no ``execute``.
        """
        if isinstance(method, str):
            if handler is None:
                raise TypeError(f"{service}.{method} has no handler")
            self._claim(service, method, Service(one=handler, concurrency=concurrency))
            return
        if not _TYPE.fullmatch(service) or service in NODES:
            raise ValueError(
                f"a step type cannot be called {service!r}: use a letter, then letters, digits,"
                " _ and -, and no name that exists already"
            )
        custom = CustomType(service, method)
        self._claim(service, METHOD, Service(one=custom.run, concurrency=concurrency))
        self._types[service] = custom

    def register_batch(
        self,
        service: str,
        method: str,
        handler: BatchHandler,
        *,
        batch: int,
        concurrency: int | None = None,
    ) -> None:
        """Add a handler that takes several jobs in one call.

        Args:
            batch: jobs that one call takes at most; it is not waited for more to come.
            concurrency: calls at the same time in one worker.

        Raises:
            ValueError: the name is taken, or a limit is below 1.
        """
        made = Service(many=handler, batch=batch, concurrency=concurrency)
        self._claim(service, method, made)

    def register_inline(self, service: str, method: str, handler: InlineHandler) -> None:
        """Add a pure, quick (< 5 ms) handler that runs in the engine's transaction.

        Raises:
            ValueError: the name is taken.
        """
        self._claim(service, method, Service(one=lambda given, _context: handler(given)))
        self._inline[service, method] = handler

    def service(self, service: str, method: str) -> Service | None:
        """Return what a worker should call, or None if nobody registered it."""
        return self._services.get((service, method))

    def services(self) -> Iterator[tuple[str, Service]]:
        """Yield every ``Service.method`` with what a worker calls."""
        for (service, method), made in self._services.items():
            yield f"{service}.{method}", made

    def inline(self, service: str, method: str) -> InlineHandler | None:
        """Return the handler if it may run in the engine's transaction."""
        return self._inline.get((service, method))

    def known(self, service: str, method: str) -> bool:
        """Say whether a step may call this."""
        return (service, method) in self._services

    def names(self) -> frozenset[str]:
        """Return every ``Service.method``."""
        return frozenset(f"{service}.{method}" for service, method in self._services)

    def types(self) -> Mapping[str, ConfigCheck]:
        """Return the step types that were registered, each with what checks its config."""
        return {name: custom.problems for name, custom in self._types.items()}

    def _claim(self, service: str, method: str, made: Service) -> None:
        if self.known(service, method):
            raise ValueError(f"{service}.{method} is registered twice")
        if made.batch < 1 or (made.concurrency is not None and made.concurrency < 1):
            raise ValueError(f"{service}.{method}: batch and concurrency are at least 1")
        self._services[service, method] = made
