"""Orders of three service steps, and the proof that each was done once and nothing is torn."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from app.definition import service as definitions
from app.identity.actor import SYSTEM
from app.runtime import service as runtime
from app.worker.clock import now
from tests.fault.plant import Plant
from tests.fault.proof import stories

STEPS = ("validate", "mail", "fulfill")
ORDER: dict[str, Any] = {
    "name": "Order of a test",
    "key": "test_order",
    "version": "1.0.0",
    "variables": {"order_id": "string", "amount": "number"},
    "steps": [
        {
            "id": "validate",
            "name": "Validate",
            "type": "service_task",
            "config": {"service_name": "OrderValidationService", "method": "validate"},
            "next": ["mail"],
        },
        {
            "id": "mail",
            "name": "Confirm",
            "type": "service_task",
            "config": {
                "service_name": "EmailService",
                "method": "send",
                "input": {"to": "buyer@example.com", "subject": "${order_id}"},
            },
            "next": ["fulfill"],
        },
        {
            "id": "fulfill",
            "name": "Fulfill",
            "type": "service_task",
            "config": {"service_name": "OrderService", "method": "fulfill"},
        },
    ],
}
_EFFECTS = {"mail.written_to_log": "message_id", "order.fulfilled": "key"}
"""What the services say in the worker's log when they are called: the outside world's view."""


@dataclass(frozen=True)
class Outcome:
    """What was found.

    Args:
        attempts: leases given; above ``jobs`` some were lost.
        calls: of services that leave a trace outside; above their number some were repeated.
        late: results that came when their attempt did not count any more.
    """

    instances: int
    jobs: int
    attempts: int
    lost: int
    calls: int
    called: int
    late: int

    def __str__(self) -> str:
        return (
            f"{self.instances} instances, {self.jobs} steps, each applied once;"
            f" {self.attempts} attempts, {self.lost} lost with their worker;"
            f" {self.calls} calls of {self.called} services with an outside effect,"
            f" {self.late} late results ignored"
        )


def publish(plant: Plant) -> None:
    """Store the definition."""
    definitions.create(plant.db, SYSTEM, json.dumps(ORDER), known=None, now=now())


def start(plant: Plant, number: int = 1) -> int:
    """Start an order in this process; return the instance's id."""
    row = runtime.start(
        plant.engine,
        SYSTEM,
        definition_key="test_order",
        variables={"order_id": f"O-{number}", "amount": number},
        now=now(),
    )
    return int(row.id)


def all_ended(plant: Plant, count: int) -> bool:
    """Say whether there are so many instances and none is under way."""
    (row,) = plant.rows(
        "select count(*) as n, count(*) filter (where status = 'running') as running"
        " from process_instances"
    )
    return bool(row["n"] >= count and row["running"] == 0)


def check(plant: Plant, count: int) -> Outcome:
    """Fail unless all orders ended and each step of each was applied exactly once."""
    told = stories(plant)
    assert len(told) == count
    for story in told:
        assert [step for kind, step in story.order if kind == "job.completed"] == list(STEPS)
    jobs = plant.rows("select * from jobs")
    assert Counter((job["step"], job["state"]) for job in jobs) == {
        (step, "done"): count for step in STEPS
    }
    calls = _calls(plant)
    assert calls.keys() == {str(job["id"]) for job in jobs if job["step"] != "validate"}
    return Outcome(
        instances=count,
        jobs=len(jobs),
        attempts=sum(job["attempt"] for job in jobs),
        lost=sum(job["lost"] for job in jobs),
        calls=calls.total(),
        called=len(calls),
        late=sum(kind == "job.completed" for story in told for kind, _ in story.late),
    )


def _calls(plant: Plant) -> Counter[str]:
    """Count what the services did outside, by the key they were given."""
    counts: Counter[str] = Counter()
    for log in sorted(plant.folder.glob("worker*.log")):
        for line in log.read_text(encoding="utf-8").splitlines():
            said = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
            if said.get("event") in _EFFECTS:
                counts[said[_EFFECTS[said["event"]]]] += 1
    return counts
