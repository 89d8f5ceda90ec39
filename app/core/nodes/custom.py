"""Step types that a registration adds: their config is evaluated and given to a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.expression import evaluate_config
from app.core.nodes.base import Visit, kept
from app.core.nodes.job import OUTPUT, RETRY, TIMEOUT, JobNode

METHOD = "execute"
"""What is called of the registered object."""
_OURS = frozenset({"output", "timeout", "retry", "retry_policy"})


class Custom(JobNode):
    """A registered type; the service has its name."""

    type = "custom"
    doc = "A type that was registered."
    keys = (OUTPUT, TIMEOUT, RETRY)

    def call(self, visit: Visit) -> tuple[str, str]:
        """Return the type's own name."""
        return visit.step.type, METHOD

    def given(self, visit: Visit) -> Any:
        """Return the evaluated config."""
        return kept(evaluate_config(given_keys(visit.step.config), visit.scope, visit.now))


def given_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a config that belongs to the type itself."""
    return {k: v for k, v in config.items() if k not in _OURS and not k.startswith("x-")}
