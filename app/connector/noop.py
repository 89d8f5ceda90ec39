"""``NoopService.run``: returns its input. For steps that only set variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.connector.registry import Registry


def run(given: Mapping[str, Any]) -> Any:
    """Return the input as the result."""
    return dict(given)


def install(registry: Registry) -> None:
    """Add this connector."""
    registry.register_inline("NoopService", "run", run)
