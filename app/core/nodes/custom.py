"""Step types that a registration adds: their config is evaluated and given to a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.nodes.base import Visit
from app.core.nodes.job import OUTPUT, RETRY, TIMEOUT, JobNode

if TYPE_CHECKING:
    from app.core.compiling import Compiling

METHOD = "execute"
"""What is called of the registered object."""


class Custom(JobNode):
    """A registered type; the service has its name."""

    type = "custom"
    doc = "A type that was registered."
    keys = (OUTPUT, TIMEOUT, RETRY)

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Keep apart what is its own: none of its keys means anything to ours."""
        common = {key.name for key in self.keys}
        made = super().compile({k: v for k, v in config.items() if k in common}, making)
        return {**made, "own": given_keys(config)}

    def call(self, visit: Visit) -> tuple[str, str]:
        """Return the type's own name."""
        return visit.step.type, METHOD

    def given(self, visit: Visit) -> Any:
        """Return the evaluated config."""
        return visit.kept("own")


def given_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a config that belongs to the type itself."""
    ours = {key.name for key in Custom.keys}
    return {k: v for k, v in config.items() if k not in ours and not k.startswith("x-")}
