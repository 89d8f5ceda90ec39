"""Sets variables."""

from __future__ import annotations

from typing import Any

from app.core.expression import evaluate_config
from app.core.keys import Key
from app.core.nodes.base import Decision, Fail, Leave, Node, Visit, kept
from app.core.nodes.result import fitting
from app.core.values import storable


class Script(Node):
    """Pure assignments, in order: later ones see what earlier ones set."""

    type = "script"
    doc = "Sets variables, in order; nothing else."
    keys = (Key("set", "variables", required=True, expr=True, doc="variable ← expression"),)

    def enter(self, visit: Visit) -> Decision:
        """Evaluate one after the other."""
        values: dict[str, Any] = {}
        for name, given in visit.step.config["set"].items():
            values[name] = storable(evaluate_config(given, {**visit.scope, **values}, visit.now))
        values = kept(values)
        fit = values if isinstance(values, Fail) else fitting(visit, values)
        return fit if isinstance(fit, Fail) else Leave(None, fit, by_edges=True)
