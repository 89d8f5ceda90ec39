"""Calls ``service_name.method`` and waits for the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.keys import Key
from app.core.nodes.base import Visit
from app.core.nodes.job import OUTPUT, RETRY, TIMEOUT, JobNode, all_or_given

if TYPE_CHECKING:
    from app.core.compiling import Compiling


class ServiceTask(JobNode):
    """Work for a machine."""

    type = "service_task"
    doc = "Calls a service and waits for its result."
    keys = (
        Key("service_name", "text", required=True, doc="the connector's name"),
        Key("method", "text", required=True, doc="what to call of it"),
        Key("input", "expr_map", expr=True, doc="what it is given; default: all variables"),
        OUTPUT,
        TIMEOUT,
        RETRY,
    )

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Note the service."""
        name = f"{config['service_name']}.{config['method']}"
        making.service(name, (*making.path, "service_name"))
        return super().compile(config, making)

    def call(self, visit: Visit) -> tuple[str, str]:
        """Return what the config names."""
        return visit.step.config["service_name"], visit.step.config["method"]

    def given(self, visit: Visit) -> Any:
        """Return ``input``, or all variables."""
        return all_or_given(visit)
