"""Masking what is declared ``sensitive`` for those who may not read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from app.core.definition import Definition
from app.identity.actor import Actor

MASK: Final = "••••••"


def hidden_names(definition: Definition, actor: Actor) -> frozenset[str]:
    """Return the names of the variables and fields whose values the actor may not read."""
    if actor.can("variable:read_sensitive"):
        return frozenset()
    return definition.sensitive


def masked(values: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """Return ``values`` with the hidden ones (unless they are null) replaced by a mask."""
    return {
        name: MASK if name in hidden and value is not None else value
        for name, value in values.items()
    }


def masked_detail(detail: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """Return what an incident tells of values with the hidden ones replaced by a mask.

    Args:
        detail: as the core's steps give it: ``values`` by name or as (text, value) pairs,
            ``value`` of a ``variable`` or of no named one, ``conditions`` with such members.
    """
    return _detail(detail, hidden) if hidden else dict(detail)


def _detail(detail: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    shown = dict(detail)
    values = shown.get("values")
    if isinstance(values, Mapping):
        shown["values"] = masked(values, hidden)
    elif isinstance(values, list):
        shown["values"] = [[text, _unless(hidden, text, value)] for text, value in values]
    if "value" in shown:  # what it was made of is not known, unless it is a variable's
        named = shown.get("variable")
        shown["value"] = _unless(hidden, named, shown["value"]) if named else MASK
    if isinstance(shown.get("conditions"), list):
        shown["conditions"] = [_detail(each, hidden) for each in shown["conditions"]]
    return shown


def _unless(hidden: frozenset[str], text: str, value: Any) -> Any:
    """Return a value, or the mask if the text that it is the value of names a hidden one."""
    named = hidden.intersection(re.findall(r"\w+", text))
    return MASK if named and value is not None else value
