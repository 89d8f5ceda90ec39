"""Steps whose work a machine does: they ask for a job and take its result along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from app.core.duration import parse_duration
from app.core.effects import Effect, StartJob
from app.core.events import Event, JobFailed, JobSucceeded
from app.core.expression import evaluate_config
from app.core.keys import Key
from app.core.nodes.base import Decision, Fail, Leave, Node, Stay, Visit, kept
from app.core.nodes.result import taken
from app.core.retry import expand

if TYPE_CHECKING:
    from app.core.compiling import Compiling

DEFAULT_TIMEOUT = 60
"""Seconds an attempt may take."""

OUTPUT = Key("output", "variables", expr=True, doc="variable ← expression over `result`")
TIMEOUT = Key("timeout", "duration", doc="how long an attempt may take; default 60s")
RETRY = Key("retry_policy", "retry", doc="`max_attempts`, `backoff`, `initial`, …")


class JobNode(Node):
    """A step that waits for a job. Subclasses say what is called, and with what."""

    waits = True
    repeats = True
    service: ClassVar[str] = ""
    """What does the work, ``Name.method``."""

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Expand timeout and policy once."""
        timeout = config.get("timeout")
        seconds = parse_duration(timeout).fixed_seconds() if timeout else DEFAULT_TIMEOUT
        return {**config, "timeout": seconds, "retry": expand(config.get("retry_policy"))}

    def call(self, visit: Visit) -> tuple[str, str]:
        """Return service and method."""
        name, _, method = self.service.partition(".")
        return name, method

    def given(self, visit: Visit) -> Any:
        """Return what the job is given, or a ``Fail``: every key of the config that is its own."""
        own = {key.name for key in self.keys} - {OUTPUT.name, TIMEOUT.name, RETRY.name}
        config = {name: value for name, value in visit.step.config.items() if name in own}
        return kept(evaluate_config(config, visit.scope, visit.now))

    def topic(self, visit: Visit) -> str | None:
        """Return the topic under which a worker elsewhere fetches it; None: ours do it."""
        return None

    def enter(self, visit: Visit) -> Decision:
        """Ask for the job."""
        config = visit.step.config
        service, method = self.call(visit)
        value, topic = self.given(visit), self.topic(visit)
        if isinstance(value, Fail):
            return value

        def effects(wait: int) -> tuple[Effect, ...]:
            return (
                StartJob(
                    step=visit.step.id,
                    wait=wait,
                    token=visit.token,
                    service=service,
                    method=method,
                    input=value,
                    timeout=config["timeout"],
                    retry=config["retry"],
                    topic=topic,
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
        variables = taken(visit, event.result, visit.step.config.get("output"))
        return variables if isinstance(variables, Fail) else Leave(None, variables, by_edges=True)


def all_or_given(visit: Visit) -> Any:
    """Return the evaluated ``input``, or all variables where there is none."""
    if visit.step.config.get("input") is None:
        return dict(visit.variables)
    return visit.kept("input")
