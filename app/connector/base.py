"""What a connector is given and may raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.runtime.failures import ServiceFailure


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a handler knows about the attempt it makes.

    Args:
        idempotency_key: the same for every attempt of one job. Delivery is at least
            once: hand it to the remote so that a repeated call has no second effect.
        attempt: 1 for the first.
        timeout: seconds after which the attempt counts as failed.
    """

    idempotency_key: str
    instance_id: int
    step: str
    attempt: int
    timeout: float


Handler = Callable[[Mapping[str, Any], JobContext], Any]
"""Takes the step's input, returns a JSON value (usually an object)."""

BatchHandler = Callable[[Sequence[tuple[Mapping[str, Any], JobContext]]], Sequence[Any]]
"""Takes several steps' inputs, returns as many results in their order. An exception among
them (not raised, returned) fails that one alone; one that is raised fails all."""

InlineHandler = Callable[[Mapping[str, Any]], Any]
"""A handler without side effects that needs less than 5 ms: runs in the engine's transaction."""


class Task(Protocol):
    """What is registered as a step type of its own.

    It may also have ``config_model``, a pydantic model of its config: definitions are
    checked against it when they are uploaded, and ``input`` is what it made of the values.
    """

    def execute(self, ctx: JobContext, input: dict[str, Any]) -> Any:
        """Do the step's work; returns and raises what a ``Handler`` does."""
        ...


class BusinessError(ServiceFailure):
    """The remote understood and refused: trying again would not help.

    Args:
        code: stable word that a definition can catch (``on_error``).
        message: for people.
    """

    business = True


class ConnectorError(ServiceFailure):
    """It went wrong this time; ``code`` is what ``retry_on`` / ``do_not_retry`` name.

    Args:
        retry_after: seconds for which the remote asked to be left alone; the next attempt
            is not made sooner, up to the policy's ``max_interval``.
    """

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after
