"""Masking what is declared ``sensitive`` for those who may not read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.definition import Definition
from app.identity.actor import Actor

MASK: Final = "••••••"


def hidden_names(definition: Definition, actor: Actor) -> frozenset[str]:
    """Return the names of the variables whose values the actor may not read."""
    if actor.can("variable:read_sensitive"):
        return frozenset()
    return frozenset(name for name, variable in definition.variables.items() if variable.sensitive)


def masked(values: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """Return ``values`` with the hidden ones (unless they are null) replaced by a mask."""
    return {
        name: MASK if name in hidden and value is not None else value
        for name, value in values.items()
    }
