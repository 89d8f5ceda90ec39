"""Completing a task: the form's values in, the instance's next wait out, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.definition import Definition, Step
from app.core.events import TaskCompleted
from app.core.form import Seen, validate
from app.core.outcome import decide
from app.db.tx import Tx
from app.db.types import dump_bytes, loads
from app.definition.sensitive import hidden_names, masked
from app.errors import FieldError, Invalid
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime import files, votes
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow
from app.runtime.step import Locked, loaded, move_locked
from app.runtime.variables import variable_errors
from app.task import access, side_close, store
from app.task.claim import take
from app.task.comment import check_comment
from app.task.copy import copy_on_the_way
from app.task.form import judged_against
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import changed, refusal
from app.task.seats import check_answer
from app.telemetry import metrics

Row = dict[str, Any]

_AS_WRITTEN: Final = (
    *("id", "wait", "step", "assignee", "candidates", "priority", "round", "due_at", "allow"),
    "barred",
)
_NOT_YET: Final = (
    "claimed_at",  # whom it was given to has not claimed it
    *("completed_at", "completed_by", "on_behalf_of", "outcome", "comment", "reason", "values"),
    *("reminded_at", "added_by", "decided_by", "role", "serves", "asked", "waits_for", "rule"),
)


@dataclass(frozen=True, slots=True)
class Completed:
    """What came of completing a task.

    Args:
        task: the body of the task as it is now.
        instance: its instance after the move.
        next: bodies of the tasks that were opened by it.
        counts: of a step that several people decide, how it stands with them; see
            ``runtime.visits.counts``. None where one decides alone.
    """

    task: Row
    instance: InstanceRow
    next: list[Row]
    counts: Mapping[str, Any] | None = None


def complete(
    engine: Engine,
    actor: Actor,
    task_id: int,
    values: Mapping[str, Any],
    *,
    text: bool = False,
    outcome: str | None = None,
    comment: str | None = None,
    cc: Sequence[str] = (),
    now: datetime,
) -> Completed:
    """Finish a task; a candidate who has not claimed it claims it on the way.

    Args:
        values: what the form holds; an unknown name is an error.
        text: the values are what a browser's form posts, not JSON values.
        outcome: id of the chosen outcome, where the step leaves the way to the person.
        comment: for the history.
        cc: usernames of people who get a copy.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it was not offered to the actor.
        Invalid: one error per wrong value; an error of ``outcome`` comes with
            ``extra["choices"]``.
        Conflict: ``already_completed`` (``extra``: by, name, at, outcome),
            ``claimed_by_other``, ``task_cancelled`` or ``instance_suspended``.
    """
    require(actor, "task:work")
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if task["instance_status"] != "running":
            raise refusal(engine.db, actor, task, "complete")
        task = take(engine.db, tx, actor, task, "complete", now=now)
        if cc:
            task |= copy_on_the_way(tx, actor, task, cc, comment=comment, now=now)
        if task["sides"]:
            task |= side_close.decided(tx, actor, task, now=now)
        locked, event = judge(
            *(engine, tx, actor, task, values),
            text=text,
            outcome=outcome,
            comment=comment,
            now=now,
        )
        done = finish(engine, tx, actor, task, locked, event, last=True)
    moved = done.moved
    instance = moved.instance if moved else locked.instance
    about = {"instance_status": instance.status, "variables": instance.variables}
    return Completed(
        task=body(_finished(locked, task, event, actor) | about, actor, now=now),
        instance=instance,
        next=[
            body(opened(task, row) | about, actor, now=now)
            for row in (moved.opened if moved else ())
        ],
        counts=done.counts,
    )


def judge(
    engine: Engine,
    tx: Tx,
    actor: Actor,
    task: Row,
    values: Mapping[str, Any],
    *,
    text: bool,
    outcome: str | None,
    comment: str | None,
    now: datetime,
) -> tuple[Locked, TaskCompleted]:
    """Return what completing a task (locked) would be, with its instance; arguments as above.

    Raises:
        Invalid: as ``complete``.
    """
    locked = loaded(engine, tx, store.instance_of(task))
    around = judged_against(
        *(tx, actor, locked.definition, task, values),
        text=text,
        state=task["instance_state"],
        now=now,
    )
    clean, errors = _checked(locked.definition, task, values, around, text=text)
    event = TaskCompleted(
        at=now,
        by=actor.username,
        wait=task["wait"],
        values=clean,
        outcome=outcome or None,
        comment=comment or None,
        on_behalf_of=access.acting_for(actor, task),
    )
    step = locked.definition.by_id[task["step"]]
    _check_outcome(step, task, event, around, errors)
    if task["seat"]:
        check_answer(step, event)
    return locked, event


def finish(
    engine: Engine,
    tx: Tx,
    actor: Actor,
    task: Row,
    locked: Locked,
    event: TaskCompleted,
    *,
    last: bool,
) -> votes.Cast:
    """Write the completion of a task (locked), and let its instance go on.

    Of several who decide, it counts as a vote; see ``runtime.votes``.

    Raises:
        Conflict: the instance does not wait for it.
    """
    also = store.completed(task["id"], event)
    also += files.submitted(task["form"], event.values, task["instance_id"], event.at)
    if task["seat"]:
        done = votes.cast_vote(engine, tx, locked, task, event, actor=actor, also=also, last=last)
    else:
        moved = move_locked(
            *(engine, tx, locked, event),
            actor=actor,
            on_behalf_of=event.on_behalf_of,
            also=also,
            last=last,
        )
        done = votes.Cast(moved, None)
    if done.moved is not None and done.moved.ignored is not None:
        raise changed()  # the task's row says that it waits, the state does not
    seconds = (event.at - task["created_at"]).total_seconds()
    tx.after_commit(lambda: metrics.task_completed(locked.definition.key, task["step"], seconds))
    return done


def _checked(
    definition: Definition, task: Row, values: Mapping[str, Any], around: Seen, *, text: bool
) -> tuple[Row, tuple[FieldError, ...]]:
    """Return the values that fit the form, and what fits neither it nor its variable."""
    clean, errors = validate(task["form"], values, text=text, seen=around)
    declared = {name: value for name, value in clean.items() if name in definition.variables}
    errors += tuple(variable_errors(definition, declared, start=False))
    return clean, errors


def _check_outcome(
    step: Step, task: Row, event: TaskCompleted, around: Seen, wrong: tuple[FieldError, ...]
) -> None:
    """Refuse a completion with wrong values, or that does not say where to go; all at once."""
    errors = decide(step, event.values, event.outcome, comment=event.comment, seen=around).errors
    if wrong:
        told = {each.field for each in wrong}
        wrong += tuple(each for each in errors if each.field not in told)
        raise Invalid("invalid_form", "Correct the marked fields.", errors=wrong)
    if not errors:
        return
    raise Invalid(
        "outcome_needed",
        "Choose how to go on.",
        errors=errors,
        extra={"choices": task["outcomes"]},
    )


def opened(task: Row, written: Mapping[str, Any]) -> Row:
    """Return the row of a task that a verb on ``task`` has opened, as a list has it."""
    row = {name: written[name] for name in _AS_WRITTEN}
    row |= {name: loads(dump_bytes(written[name].obj)) for name in ("name", "form", "outcomes")}
    row |= {"state": written["task_state"], "created_at": written["at"]}
    return task | dict.fromkeys(_NOT_YET) | {"reminders": 0, "sides": 0, "takes_part": True} | row


def _finished(locked: Locked, task: Row, event: TaskCompleted, actor: Actor) -> Row:
    """Return the row of a task that has just been finished."""
    return task | {
        "state": "completed",
        "completed_at": event.at,
        "completed_by": event.by,
        "on_behalf_of": event.on_behalf_of,
        "decided_by": event.by if event.on_behalf_of else task["decided_by"],
        "outcome": event.outcome,
        "comment": event.comment,
        "values": masked(event.values, hidden_names(locked.definition, actor)),
    }
