"""What variables are called, and how their values are read: by declarations and by forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.definition import Definition
from app.core.once import once


@once
def fields_of(definition: Definition) -> Mapping[str, Mapping[str, Any]]:
    """Return how variables are called: as declared, else as the first form calls them.

    Returns:
        Variable → ``label``, ``type`` and ``options`` at least, or the whole field of a form.
    """
    fields: dict[str, Mapping[str, Any]] = {}
    forms = [definition.start.get("form") or ()]
    forms += [step.config.get("form") or () for step in definition.steps]
    for field in (field for form in forms for field in form):
        fields.setdefault(field["name"], field)
    for name, variable in definition.variables.items():
        known = fields.get(name, {})
        label = variable.label or known.get("label")
        options = known.get("options")
        shown: dict[str, Any] = {"options": options if isinstance(options, list | tuple) else None}
        if known.get("type") == "rows":
            shown = {"columns": known["columns"], "name": name}
        kind = "rows" if "columns" in shown else variable.type
        fields[name] = {**shown, "type": kind, "label": label}
    return fields
