"""Writing a plan: effects become rows, events and lines one packed row of the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.codec import event_to_json, state_to_json
from app.core.definition import Definition
from app.core.effects import OpenTask, StartJob
from app.core.events import Event, TaskCompleted
from app.core.state import ENDED, State
from app.db.tx import Tx
from app.db.types import Jsonb
from app.runtime import people, store
from app.runtime.lines import KINDS, Line
from app.runtime.plan import Plan
from app.runtime.row import open_incidents


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written.

    Args:
        changed: columns of the instance.
        opened: ``{id, wait, step}`` of new tasks, in the order of their waits.
        done: False: the task that should be completed was not the actor's (any more).
            Then the transaction must not be committed.
    """

    changed: Mapping[str, Any]
    opened: tuple[Mapping[str, Any], ...]
    done: bool


def apply(
    tx: Tx,
    definition: Definition,
    plan: Plan,
    columns: Mapping[str, Any],
    *,
    at: datetime,
    actor: str,
    on_behalf_of: str | None = None,
    before: State | None,
    done_task: int | None = None,
) -> Applied:
    """Write the plan in one statement.

    Args:
        columns: the instance's row as it was locked; for a new one what it begins with
            (id, definition_id, business_key, title, started_by, history_seq, history_hash).
        before: the state that the plan began from; None for a new instance.
        done_task: the actor's task that the first event completes.
    """
    lines = list(plan.lines)
    kinds = {"history"}
    params: dict[str, Any] = {
        "id": columns["id"],
        "definition": columns["definition_id"],
        "at": at,
        "actor": actor,
        "behalf": on_behalf_of,
        "kind": KINDS[plan.events[0].kind],
        "seq": columns["history_seq"] + 1,
        "prev": columns["history_hash"],
    }
    if plan.tasks:
        kinds.add("tasks")
        params["tasks"] = Jsonb(
            [_task(tx, definition, plan, task, lines) for task in plan.tasks.values()]
        )
    _add_others(plan, kinds, params)
    changed = _add_instance(plan, columns, kinds, params, before)
    if done_task is not None:
        kinds.add("done_task")
        params |= _completion(plan.events[0], done_task)
    params["data"] = {"events": [event_to_json(event) for event in plan.events], "lines": lines}
    rows = store.write(tx, kinds, params)
    opened = sorted((row for row in rows if row["wait"] is not None), key=lambda row: row["wait"])
    return Applied(changed, tuple(opened), done_task is None or len(opened) < len(rows))


def _completion(event: Event, task_id: int) -> dict[str, Any]:
    if not isinstance(event, TaskCompleted):
        raise TypeError(f"{event.kind} completes no task")
    return {
        "done_task": task_id,
        "outcome": event.outcome,
        "values": dict(event.values),
        "comment": event.comment,
    }


def _add_instance(
    plan: Plan,
    columns: Mapping[str, Any],
    kinds: set[str],
    params: dict[str, Any],
    before: State | None,
) -> dict[str, Any]:
    state = plan.state
    ended = state.status in ENDED
    changed = {
        "status": state.status,
        "result": state.result,
        "incident_count": open_incidents(state),
        "ended_at": params["at"] if ended else None,
        "variables": state.variables,
    }
    params |= changed
    params["state"] = state_to_json(state)
    params["variables"] = dict(state.variables)
    if before is None:
        kinds.add("insert")
        params |= {name: columns[name] for name in ("business_key", "title", "started_by")}
        params |= {name: columns.get(name) for name in ("parent_id", "parent_wait", "root_id")}
    elif state.variables is before.variables:  # not ==: True and 1 are equal
        kinds.add("update")
    else:
        kinds.add("update_with_variables")
    return changed


def _add_others(plan: Plan, kinds: set[str], params: dict[str, Any]) -> None:
    if plan.closed_tasks:
        params["closed_tasks"] = Jsonb(
            [{"wait": wait, "reason": why or None} for wait, why in plan.closed_tasks.items()]
        )
    if plan.jobs:
        params["jobs"] = Jsonb([_job(job) for job in plan.jobs.values()])
    if plan.cancelled_jobs:
        params["cancelled_jobs"] = list(plan.cancelled_jobs)
    if plan.timers:
        params["timers"] = Jsonb(
            [{"wait": t.wait, "step": t.step, "due_at": t.due_at} for t in plan.timers.values()]
        )
    if plan.ended_timers:
        params["ended_timers"] = list(plan.ended_timers)
    if plan.subscriptions:
        params["subscriptions"] = Jsonb(
            [
                {"wait": each.wait, "step": each.step, "name": each.name, "key": each.key}
                for each in plan.subscriptions.values()
            ]
        )
    if plan.ended_subscriptions:
        params["ended_subscriptions"] = list(plan.ended_subscriptions)
    if plan.messages:
        params["messages"] = Jsonb(
            [
                {"name": each.name, "key": each.key, "payload": each.payload, "ttl": each.ttl}
                for each in plan.messages
            ]
        )
    if plan.incidents:
        params["incidents"] = Jsonb(
            [
                {
                    "wait": raised.wait,
                    "step": raised.step,
                    "kind": raised.error_kind,
                    "message": raised.message,
                    "detail": raised.detail,
                    "attempts": plan.attempts.get(raised.wait, 0),
                }
                for raised in plan.incidents.values()
            ]
        )
    if plan.resolved_incidents:
        params["resolved_incidents"] = Jsonb(
            [{"wait": wait, "how": how} for wait, how in plan.resolved_incidents.items()]
        )
    kinds |= params.keys() & store.OPTIONAL


def _task(
    tx: Tx, definition: Definition, plan: Plan, task: OpenTask, lines: list[Line]
) -> dict[str, Any]:
    given = people.give(tx, definition, task)
    if given.line is not None:
        lines.append(given.line)
    return {
        "wait": task.wait,
        "step": task.step,
        "name": definition.by_id[task.step].name,
        "assignee": given.assignee,
        "candidates": list(given.candidates),
        "form": task.form,
        "outcomes": task.outcomes,
        "priority": task.priority,
        "round": plan.state.visits.get(task.step, 1),
        "due_at": task.due_at,
    }


def _job(job: StartJob) -> dict[str, Any]:
    return {
        "wait": job.wait,
        "step": job.step,
        "service": job.service,
        "method": job.method,
        "input": job.input,
        "timeout": job.timeout,
        "retry": job.retry,
        "topic": job.topic,
    }
