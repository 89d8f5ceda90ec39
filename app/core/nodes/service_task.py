"""Calls ``service_name.method`` and waits for the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.duration import parse_duration
from app.core.effects import Effect, StartJob
from app.core.events import Event, JobFailed, JobSucceeded
from app.core.expression import evaluate_config, shown
from app.core.keys import Key
from app.core.nodes.base import Decision, Fail, Leave, Node, Stay, Visit, kept
from app.core.retry import expand
from app.core.values import coerce_type_problem

if TYPE_CHECKING:
    from app.core.compiling import Compiling

DEFAULT_TIMEOUT = 60
"""Seconds an attempt may take."""


class ServiceTask(Node):
    """Work for a machine."""

    type = "service_task"
    doc = "Calls a service and waits for its result."
    keys = (
        Key("service_name", "text", required=True, doc="the connector's name"),
        Key("method", "text", required=True, doc="what to call of it"),
        Key("input", "expr_map", expr=True, doc="what it is given; default: all variables"),
        Key("output", "variables", expr=True, doc="variable ← expression over `result`"),
        Key("timeout", "duration", doc="how long an attempt may take; default 60s"),
        Key("retry_policy", "retry", doc="`max_attempts`, `backoff`, `initial`, …"),
    )

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Expand the policy once."""
        name = f"{config['service_name']}.{config['method']}"
        making.service(name, (*making.path, "service_name"))
        timeout = config.get("timeout")
        seconds = parse_duration(timeout).fixed_seconds() if timeout else DEFAULT_TIMEOUT
        return {**config, "timeout": seconds, "retry": expand(config.get("retry_policy"))}

    def enter(self, visit: Visit) -> Decision:
        """Ask for the job."""
        config = visit.step.config
        given = config.get("input")
        if given is None:
            value: Any = dict(visit.variables)
        else:
            value = kept(evaluate_config(given, visit.scope, visit.now))
            if isinstance(value, Fail):
                return value

        def effects(wait: int) -> tuple[Effect, ...]:
            return (
                StartJob(
                    step=visit.step.id,
                    wait=wait,
                    token=visit.token,
                    service=config["service_name"],
                    method=config["method"],
                    input=value,
                    timeout=config["timeout"],
                    retry=config["retry"],
                ),
            )

        return Stay("job", effects)

    def answer(self, visit: Visit, event: Event) -> Decision | None:
        """Take the result along, or fail."""
        if isinstance(event, JobFailed):
            return Fail(
                event.code if event.code == "unknown_service" else "job_failed",
                event.message,
                {"code": event.code, "attempt": event.attempt, "business": event.business},
                caught=True,
            )
        if not isinstance(event, JobSucceeded):
            return None
        variables = _taken(visit, event.result)
        if isinstance(variables, Fail):
            return variables
        return Leave(variables=variables, by_edges=True)


def _taken(visit: Visit, result: Any) -> dict[str, Any] | Fail:
    """Return the variables that a result sets."""
    output = visit.step.config.get("output")
    declared = visit.definition.variables
    if output is not None:
        scope = {**visit.scope, "result": result}
        taken = kept(evaluate_config(output, scope, visit.now))
        if isinstance(taken, Fail):
            return taken
    elif isinstance(result, dict) and any(name in declared for name in result):
        taken = {name: value for name, value in result.items() if name in declared}
    else:
        taken = {} if result is None else {visit.step.id: result}
    for name, value in taken.items():
        variable = declared.get(name)
        problem = coerce_type_problem(value, variable.type) if variable else None
        if problem is not None and variable is not None:
            return Fail(
                "wrong_type",
                f"The result for {name} is not of its declared type {variable.type}.",
                {"variable": name, "value": shown(value)},
            )
    return dict(taken)
