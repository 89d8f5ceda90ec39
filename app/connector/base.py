"""What a connector is given and may raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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

InlineHandler = Callable[[Mapping[str, Any]], Any]
"""A handler without side effects that needs less than 5 ms: runs in the engine's transaction."""


class BusinessError(ServiceFailure):
    """The remote understood and refused: trying again would not help.

    Args:
        code: stable word that a definition can catch (``on_error``).
        message: for people.
    """

    business = True


class ConnectorError(ServiceFailure):
    """It went wrong this time; ``code`` is what ``retry_on`` / ``do_not_retry`` name."""
