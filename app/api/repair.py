"""Repairing instances over REST: moving, skipping, migrating, restarting; many at once."""

from __future__ import annotations

from dataclasses import asdict

from app.api import batch, bodies
from app.api import bodies_language as more
from app.api import payloads_language as payloads
from app.api.call import Answer, Call
from app.api.operation import BASE, Operations
from app.api.payloads import StartInstance
from app.api.runtime import STEERS, instance_answer, start_row, steered
from app.runtime import incidents, migrate, repair, service

operations = Operations("repair", "Repair")

_ALL = "/process-instances"
_ONE = "/process-instances/<int:instance_id>"
_OPERATE = "process:operate"


@operations.add(
    "POST",
    f"{_ONE}/jump",
    "Move a token to another step",
    body=payloads.Jump,
    **STEERS,
)
def jump(call: Call, instance_id: int, body: payloads.Jump) -> Answer:
    """The instance has to be suspended; the step is entered when it is activated."""
    return steered(call, repair.jump, instance_id, body.token, body.to, reason=body.reason)


@operations.add(
    "POST",
    f"{_ONE}/skip",
    "Let a token go past its step",
    body=payloads.Skip,
    **STEERS,
)
def skip(call: Call, instance_id: int, body: payloads.Skip) -> Answer:
    """It goes on as if the step had been done; what it waits for is withdrawn."""
    told = {"outcome": body.outcome, "reason": body.reason}
    return steered(call, repair.skip, instance_id, body.token, **told)


@operations.add(
    "POST",
    f"{_ONE}/migrate",
    "Go on by another version",
    body=payloads.Migrate,
    permission=_OPERATE,
    answers={200: more.Migration},
)
def migrate_one(call: Call, instance_id: int, body: payloads.Migrate) -> Answer:
    """Refused if a token would be lost; `preview` says what would become of each."""
    done = migrate.migrate(
        call.engine,
        call.actor,
        instance_id,
        body.process_definition_id,
        steps=body.steps,
        only_preview=body.preview,
        reason=body.reason,
        now=call.now,
    )
    return Answer(
        {
            "possible": done.possible,
            "steps": dict(done.steps),
            "tokens": [asdict(fate) for fate in done.fates],
            "instance": (
                None if done.instance is None else instance_answer(call, instance_id).body
            ),
        }
    )


@operations.add(
    "POST",
    f"{_ONE}/restart",
    "Start anew what has ended",
    body=payloads.Restart,
    permission="process:start, or the definition allows it",
    answers={201: bodies.Instance},
)
def restart(call: Call, instance_id: int, body: payloads.Restart) -> Answer:
    """A new instance begins with what the ended one was started with; both tell why."""
    why = body.reason if body.reason is not None else body.comment
    row = repair.restart(call.engine, call.actor, instance_id, reason=why, now=call.now)
    return instance_answer(call, row.id, 201, Location=f"{BASE}{_ALL}/{row.id}")


@operations.add(
    "POST",
    f"{_ALL}/batch",
    "Start, suspend, activate or terminate many",
    body=payloads.InstanceBatch,
    permission="as each of them",
    answers={200: more.Batch},
)
def many(call: Call, body: payloads.InstanceBatch) -> Answer:
    """At most 500; each is done or refused for itself, and has its own result."""
    batch.exactly_one("instances", "ids", (body.instances, body.ids))
    if body.action == "start":
        batch.needed("instances", body.instances, body.action)

        def begin(item: StartInstance) -> int:
            return start_row(call, item).id

        return batch.each(call, body.instances or (), lambda _: None, begin)
    batch.needed("ids", body.ids, body.action)
    act = {
        "suspend": service.suspend,
        "activate": service.activate,
        "terminate": service.terminate,
    }[body.action]

    def do(item: int) -> int:
        return act(call.engine, call.actor, item, reason=body.reason, now=call.now).id

    return batch.each(call, body.ids or (), lambda item: item, do)


@operations.add(
    "POST",
    "/incidents/<int:incident_id>/skip",
    "Go past the step of an incident",
    body=payloads.SkipIncident,
    **STEERS,
    tag="Incidents",
)
def skip_incident(call: Call, incident_id: int, body: payloads.SkipIncident) -> Answer:
    """Go on as if the step had been done; answers with the instance."""
    told = {"outcome": body.outcome, "reason": body.reason}
    return steered(call, incidents.skip, incident_id, **told)


@operations.add(
    "POST",
    "/incidents/batch-retry",
    "Try the steps of many incidents again",
    body=payloads.BatchRetry,
    permission=_OPERATE,
    answers={200: more.Batch},
    tag="Incidents",
)
def retry_many(call: Call, body: payloads.BatchRetry) -> Answer:
    """By their ids, or the oldest open ones of a definition; at most 200."""
    batch.exactly_one("ids", "process_definition_id", (body.ids, body.process_definition_id))
    ids = body.ids or incidents.open_ones(
        call.db, call.actor, body.process_definition_id or 0, limit=payloads.MAX_RETRIES
    )

    def do(item: int) -> int:
        service.retry_incident(call.engine, call.actor, item, reason=body.reason, now=call.now)
        return item

    return batch.each(call, ids, lambda item: item, do)
