"""The registry that every process starts with."""

from __future__ import annotations

from app.connector import demo, email, noop
from app.connector.registry import Registry


def standard_registry() -> Registry:
    """Return a registry with every connector of this folder."""
    registry = Registry()
    for connector in (noop, email, demo):
        connector.install(registry)
    return registry
