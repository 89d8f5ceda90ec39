"""How the variables of a definition are called and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.definition import Definition


def fields_of(definition: Definition) -> dict[str, Mapping[str, Any]]:
    """Return how variables are called: as declared, else as the first form calls them.

    Returns:
        Variable → ``label``, ``type`` and ``options``.
    """
    fields: dict[str, Mapping[str, Any]] = {}
    forms = [definition.start.get("form") or ()]
    forms += [step.config.get("form") or () for step in definition.steps]
    for field in (field for form in forms for field in form):
        fields.setdefault(field["name"], field)
    for name, variable in definition.variables.items():
        known = fields.get(name, {})
        label = variable.label or known.get("label")
        fields[name] = {"options": known.get("options"), "type": variable.type, "label": label}
    return fields
