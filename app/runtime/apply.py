"""Writing a plan: effects become rows, events and lines one packed row of the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.core.codec import event_to_json, state_to_json
from app.core.definition import Definition
from app.core.effects import OpenTask
from app.core.rules import Rules
from app.core.state import ENDED, State
from app.db.tx import Tx
from app.db.types import Json, Jsonb
from app.db.wire import Statement
from app.history import record
from app.runtime import people, store, telling
from app.runtime.given_to import Given, turns
from app.runtime.lines import KINDS, Line
from app.runtime.plan import Decided, Plan
from app.runtime.row import open_incidents

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written.

    Args:
        changed: columns of the instance.
        opened: what was written of new tasks, in the order of their waits, with their ids.
    """

    changed: Mapping[str, Any]
    opened: tuple[Row, ...]


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
    told: Sequence[Line] = (),
    also: Sequence[Statement] = (),
    last: bool = False,
) -> Applied:
    """Write the plan in one trip.

    Args:
        columns: the instance's row as it was locked; for a new one what it begins with
            (id, definition_id, business_key, title, started_by, history_seq, history_hash).
        before: the state that the plan began from; None for a new instance.
        told: lines about what somebody did, before those of the plan.
        also: what is written beside the plan, of rows that are locked.
        last: nothing follows in this transaction; see ``Tx.together``.
    """
    lines = [*told, *plan.lines]
    opened: list[Row] = []
    visits: list[Statement] = []
    for task in plan.tasks.values():
        if task.rules is None:
            opened.append(_task(tx, definition, plan, task, columns, lines, at))
        else:
            rows, visit = _seats(tx, definition, plan, task, task.rules, columns, lines, at)
            opened += rows
            visits.append((store.VISIT, visit))
    common = {"id": columns["id"], "at": at, "actor": actor}
    decided = [_decided(definition, plan, each, columns) for each in plan.decided]
    visits += [(store.VISIT, {"id": columns["id"], **visit}) for visit in plan.visits]
    notices = telling.of_opened(tx, plan, opened, lines, common) if opened or decided else []
    if plan.closed_tasks:
        notices += telling.of_taken_back(plan, common)
    added = record.row(
        columns,
        at=at,
        actor=actor,
        kind=KINDS[plan.events[0].kind],
        data={"events": [event_to_json(event) for event in plan.events], "lines": lines},
        on_behalf_of=on_behalf_of,
    )
    state = plan.state
    changed = {
        "status": state.status,
        "result": state.result,
        "incident_count": open_incidents(state),
        "ended_at": at if state.status in ENDED else None,
        "variables": state.variables,
    }
    statements = [
        _instance(plan, columns, {**added, **changed}, before),
        (record.INSERT, added),
        *((store.SEAT if "seat" in row else store.TASK, row | common) for row in opened),
        *visits,
    ]
    statements += ((store.DECIDED_TASK, task | common) for task in decided)
    statements += also
    statements += _others(plan, common)
    statements += notices
    if opened or last or before is None:  # what a start breaks is its caller's to tell
        answers = tx.together(statements, last=last)
        for row, answer in zip(opened, answers[2:], strict=False):
            row["id"] = answer.rows[0]["id"]
        opened.sort(key=lambda row: int(row["wait"]))
    else:
        tx.later(statements)
    changed["history_seq"], changed["history_hash"] = added["seq"], added["hash"]
    return Applied(changed, tuple(opened))


def _instance(
    plan: Plan, columns: Mapping[str, Any], params: Row, before: State | None
) -> Statement:
    state = plan.state
    params["state"] = Json(state_to_json(state))
    params["variables"] = dict(state.variables)
    if before is None:
        params["definition"] = columns["definition_id"]
        params |= {name: columns[name] for name in ("business_key", "title", "started_by")}
        params |= {name: columns.get(name) for name in ("parent_id", "parent_wait", "root_id")}
        return store.INSERT, params
    if state.variables is before.variables:  # not ==: True and 1 are equal
        return store.UPDATE, params
    return store.UPDATE_WITH_VARIABLES, params


def _others(plan: Plan, common: Row) -> list[Statement]:
    """Return what is neither the instance nor a new task."""
    made: list[Statement] = [
        (store.CLOSED_TASK, common | {"wait": wait, "reason": why or None})
        for wait, why in plan.closed_tasks.items()
    ]
    for job in plan.jobs.values():
        row = {name: getattr(job, name) for name in ("wait", "step", "service", "method", "topic")}
        row |= {"timeout": job.timeout, "input": Jsonb(job.input), "retry": Jsonb(job.retry)}
        made.append((store.JOB, common | row))
    for timer in plan.timers.values():
        row = {"wait": timer.wait, "step": timer.step, "due_at": timer.due_at}
        made.append((store.TIMER, common | row))
    for each in plan.subscriptions.values():
        row = {"wait": each.wait, "step": each.step, "name": each.name, "key": each.key}
        made.append((store.SUBSCRIPTION, common | row))
    for sent in plan.messages:
        row = {"name": sent.name, "key": sent.key, "payload": Jsonb(sent.payload), "ttl": sent.ttl}
        made.append((store.MESSAGE, common | row))
    for raised in plan.incidents.values():
        row = {
            "wait": raised.wait,
            "step": raised.step,
            "kind": raised.error_kind,
            "message": raised.message,
            "detail": Jsonb(raised.detail),
            "attempts": plan.attempts.get(raised.wait, 0),
        }
        made.append((store.INCIDENT, common | row))
    for wait, how in plan.resolved_incidents.items():
        made.append((store.RESOLVED_INCIDENT, common | {"wait": wait, "how": how}))
    for sql, waits in (
        (store.CANCELLED_JOBS, plan.cancelled_jobs),
        (store.ENDED_TIMERS, plan.ended_timers),
        (store.ENDED_SUBSCRIPTIONS, plan.ended_subscriptions),
    ):
        if waits:
            made.append((sql, common | {"waits": list(waits)}))
    return made


def _task(
    tx: Tx,
    definition: Definition,
    plan: Plan,
    task: OpenTask,
    columns: Mapping[str, Any],
    lines: list[Line],
    at: datetime,
) -> Row:
    """Return the row of a new task; its id is the database's to give."""
    given = plan.given.get(task.wait) or people.give(tx, definition, task)
    if given.line is not None:
        lines.append(given.line)
    return _row(definition, plan, task, given, columns, at)


def _seats(
    tx: Tx,
    definition: Definition,
    plan: Plan,
    task: OpenTask,
    rules: Rules,
    columns: Mapping[str, Any],
    lines: list[Line],
    at: datetime,
) -> tuple[list[Row], Row]:
    """Return the rows of a task of several people, one each, and that of their visit.

    One after another, only the first has theirs; the others wait in the visit.
    """
    given = plan.seats.get(task.wait) or people.seat(tx, definition, task)
    lines.extend(each.line for each in given if each.line is not None)
    voted, now, later = turns(rules.mode, given)
    rows = [
        _row(definition, plan, task, each, columns, at) | {"seat": number}
        for number, each in enumerate(now, start=1 + len(voted))
    ]
    visit = {
        "id": columns["id"],
        "wait": task.wait,
        "rules": Json(rules.to_json()),
        "queue": Json(
            [{"assignee": each.assignee, "candidates": list(each.candidates)} for each in later]
        ),
        "total": len(given),
    }
    return rows, visit


def _row(
    definition: Definition,
    plan: Plan,
    task: OpenTask,
    given: Given,
    columns: Mapping[str, Any],
    at: datetime,
) -> Row:
    held = given.assignee is not None
    return _base(definition, plan, task, given, columns) | {
        "task_state": "claimed" if held else "open",
        "at": at,
        "alert": given.alert,
    }


def _base(
    definition: Definition,
    plan: Plan,
    task: OpenTask,
    given: Given,
    columns: Mapping[str, Any],
) -> Row:
    return {
        "definition": columns["definition_id"],
        "wait": task.wait,
        "step": task.step,
        "name": Jsonb(definition.by_id[task.step].name),
        "assignee": given.assignee,
        "candidates": list(given.candidates),
        "form": Json(task.form),
        "outcomes": Json(task.outcomes),
        "priority": task.priority,
        "round": plan.state.round,
        "due_at": task.due_at.astimezone(UTC) if task.due_at else None,
        "allow": list(task.allow) if task.allow is not None else None,
        "barred": list(given.barred) if given.barred else None,
        "remind_at": task.remind_at,
    }


def _decided(
    definition: Definition, plan: Plan, decided: Decided, columns: Mapping[str, Any]
) -> Row:
    """Return the row of a task that a rule has decided already."""
    event = decided.event
    return _base(definition, plan, decided.task, decided.given, columns) | {
        "seat": decided.seat,
        "by": event.by,
        "outcome": event.outcome,
        "values": dict(event.values),
        "rule": event.rule,
    }
