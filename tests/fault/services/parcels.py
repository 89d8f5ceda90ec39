"""Connectors for tests that kill workers: a service, one of several jobs a call, a step type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from app.connector.base import JobContext
from app.connector.registry import Registry

log = structlog.get_logger(__name__)


def work(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Say that it was called, as its effect outside."""
    log.info("called", key=context.idempotency_key, step=context.step)
    return {"done": context.step}


def works(given: Sequence[tuple[Mapping[str, Any], JobContext]]) -> list[dict[str, Any]]:
    """Do the same for several jobs."""
    return [work(*each) for each in given]


class Stamp:
    """A step type."""

    def execute(self, context: JobContext, given: dict[str, Any]) -> dict[str, Any]:
        """Do the same."""
        return work(given, context)


def install(registry: Registry) -> None:
    """Add them."""
    registry.register("Parcels", "work", work)
    registry.register_batch("Parcels", "several", works, batch=3)
    registry.register("stamp", Stamp())
