"""What the runtime needs from outside, and the bundle that every use case is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.definition.custom import ConfigCheck


class Services(Protocol):
    """The services that steps can call; ``app.connector.registry.Registry`` is one."""

    def known(self, service: str, method: str) -> bool:
        """Say whether a step may call ``service.method``."""
        ...

    def inline(self, service: str, method: str) -> Callable[[Mapping[str, Any]], Any] | None:
        """Return the handler if it is pure and quick (< 5 ms), else None."""
        ...

    def names(self) -> frozenset[str]:
        """Return every ``Service.method``."""
        ...

    def types(self) -> Mapping[str, ConfigCheck]:
        """Return the registered step types, each with what checks its config."""
        ...


class Waker(Protocol):
    """Tells the workers that there is something to do."""

    def wake(self) -> None:
        """Wake them; never raises, and losing the call only costs time."""
        ...


class NobodyToWake:
    """A waker for processes without workers to reach: due jobs are found by polling."""

    def wake(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Engine:
    """What runs instances: one per process, made after a fork.

    Args:
        public_url: the address that people open, without a slash at its end; empty: unknown.
    """

    db: Database
    services: Services
    waker: Waker
    definitions: DefinitionCache
    public_url: str = ""
