"""Instances over REST: starting, seeing, steering; and incidents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from app.api import answers, bodies, payloads
from app.api.call import Answer, Call
from app.api.language import translated
from app.api.operation import BASE, Operations
from app.errors import FieldError, Invalid
from app.runtime import queries, service
from app.runtime.row import InstanceRow
from app.task import queries as tasks

operations = Operations("runtime", "Process instances")

_ALL = "/process-instances"
_ONE = "/process-instances/<int:instance_id>"
_READ = "process:read, or started by or takes part"
_OPERATE = "process:operate"
STEERS: Final[dict[str, Any]] = {"permission": _OPERATE, "answers": {200: bodies.Instance}}
"""What the document says of each way to steer an instance."""


@operations.add(
    "POST",
    _ALL,
    "Start an instance",
    body=payloads.StartInstance,
    permission="process:start, or the definition allows it",
    answers={201: bodies.Instance},
)
def start(call: Call, body: payloads.StartInstance) -> Answer:
    """Start a definition by id, or the newest active one by key."""
    row = start_row(call, body)
    place = f"{BASE}{_ALL}/{row.id}"
    return instance_answer(call, row.id, 201, Location=place)


@operations.add(
    "GET",
    _ALL,
    "List instances",
    query=payloads.InstanceQuery,
    permission=_READ,
    answers={200: bodies.Paged[bodies.InstanceSummary]},
)
def list_instances(call: Call, query: payloads.InstanceQuery) -> Answer:
    """List what the caller may see, the newest first."""
    page = queries.list_(call.db, call.actor, **query.model_dump(exclude_none=True))
    return Answer(answers.paged(page, answers.as_it_is))


@operations.add("GET", _ONE, "One instance", permission=_READ, answers={200: bodies.Instance})
def one(call: Call, instance_id: int) -> Answer:
    """Return where it stands, its variables, open tasks and incidents."""
    return instance_answer(call, instance_id)


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/suspend",
    "Suspend an instance",
    body=payloads.Reason,
    **STEERS,
)
def suspend(call: Call, instance_id: int, body: payloads.Reason) -> Answer:
    """Nothing moves until it is activated again."""
    return steered(call, service.suspend, instance_id, reason=body.reason)


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/activate",
    "Activate a suspended instance",
    body=payloads.Reason,
    **STEERS,
)
def activate(call: Call, instance_id: int, body: payloads.Reason) -> Answer:
    """It goes on where it stood."""
    return steered(call, service.activate, instance_id, reason=body.reason)


@operations.add(
    "DELETE",
    _ONE,
    "Terminate an instance",
    body=payloads.Reason,
    **STEERS,
)
def terminate(call: Call, instance_id: int, body: payloads.Reason) -> Answer:
    """End it with all its open work; its history stays."""
    return steered(call, service.terminate, instance_id, reason=body.reason)


@operations.add(
    "PATCH",
    f"{_ONE}/variables",
    "Correct variables",
    body=payloads.SetVariables,
    **STEERS,
)
def set_variables(call: Call, instance_id: int, body: payloads.SetVariables) -> Answer:
    """Set the given names; others stay. The change and its reason are in the history."""
    return steered(call, service.set_variables, instance_id, body.variables, reason=body.reason)


@operations.add(
    "GET",
    "/incidents",
    "List incidents",
    query=payloads.IncidentQuery,
    permission=_OPERATE,
    answers={200: bodies.Paged[bodies.Incident]},
    tag="Incidents",
)
def list_incidents(call: Call, query: payloads.IncidentQuery) -> Answer:
    """List what waits for help, the newest first."""
    page = queries.incidents(call.db, call.actor, **query.model_dump(exclude_none=True))
    return Answer(answers.paged(page, translated))


@operations.add(
    ("POST", "PUT"),
    "/incidents/<int:incident_id>/retry",
    "Try the step again",
    body=payloads.Reason,
    **STEERS,
    tag="Incidents",
)
def retry(call: Call, incident_id: int, body: payloads.Reason) -> Answer:
    """Enter the step again with a fresh set of attempts; answers with the instance."""
    return steered(call, service.retry_incident, incident_id, reason=body.reason)


def start_row(call: Call, body: payloads.StartInstance) -> InstanceRow:
    """Start an instance.

    Raises:
        Invalid: not exactly one of the two ways to name a definition, or wrong values.
    """
    if (body.process_definition_id is None) == (body.process_definition_key is None):
        raise Invalid(
            "invalid_body",
            "Give either process_definition_id or process_definition_key.",
            errors=(
                FieldError(
                    "/process_definition_id", "required", "Say which definition to start, once."
                ),
            ),
        )
    return service.start(
        call.engine,
        call.actor,
        definition_id=body.process_definition_id,
        definition_key=body.process_definition_key,
        business_key=body.business_key,
        variables=body.variables,
        title=body.title,
        now=call.now,
    )


def steered(
    call: Call, act: Callable[..., InstanceRow], which: int, *args: object, **more: object
) -> Answer:
    """Steer an instance as the caller, and answer with how it stands then.

    Args:
        act: the use case.
        which: id of the instance, or of its incident.
        args, more: what else the use case takes, but for the time.
    """
    row = act(call.engine, call.actor, which, *args, **more, now=call.now)
    return instance_answer(call, row.id)


def instance_answer(call: Call, instance_id: int, status: int = 200, **headers: str) -> Answer:
    """Answer with an instance; its tasks say what the caller may do with them."""
    body = queries.get(call.db, call.actor, instance_id, now=call.now)
    if body["tasks"]:
        shown = tasks.of_instance(call.db, call.actor, instance_id, now=call.now)
        mine = {task["id"]: task for task in shown}
        body["tasks"] = [mine.get(task["id"], task) for task in body["tasks"]]
    body["incidents"] = translated(body["incidents"])
    return Answer(body, status, headers)
