"""Step types that a registration adds: their config is evaluated and given to a job."""

from __future__ import annotations

from typing import Any

from app.core.expression import evaluate_config
from app.core.nodes.base import Visit, kept
from app.core.nodes.job import JobNode

METHOD = "execute"
"""What is called of the registered object."""
_OURS = frozenset({"output", "timeout", "retry", "retry_policy"})


class Custom(JobNode):
    """A registered type; the service has its name."""

    type = "custom"
    doc = "A type that was registered."

    def call(self, visit: Visit) -> tuple[str, str]:
        """Return the type's own name."""
        return visit.step.type, METHOD

    def given(self, visit: Visit) -> Any:
        """Return the evaluated config."""
        config = {k: v for k, v in visit.step.config.items() if k not in _OURS}
        return kept(evaluate_config(config, visit.scope, visit.now))
