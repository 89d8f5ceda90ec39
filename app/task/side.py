"""Asking others about a task that one has: for advice, an answer, or their signature.

Who asks keeps the task. For advice and signatures it waits, and nobody else may act on it; a
question does not hold it up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.core.outcome import deciding_field
from app.db.tx import Tx
from app.db.wire import Statement
from app.definition.cache import SHARED
from app.errors import FieldError, Invalid
from app.identity.actor import Actor
from app.identity.policy import require
from app.notice import store as notices
from app.runtime import files
from app.runtime.ports import Engine
from app.task import access, side_store
from app.task.comment import check_comment
from app.task.complete import judge
from app.task.copy import copy_on_the_way
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import Verb, barred, refusal
from app.task.side_people import askable
from app.task.side_store import Role
from app.task.tell import tell

Row = dict[str, Any]

_VERBS: Final[Mapping[Role, tuple[Verb, str, str]]] = {
    "delegate": ("delegate", "task.delegated", "to"),
    "consult": ("consult", "task.consulted", "users"),
    "before": ("add_signer", "task.signer_added", "users"),
    "after": ("add_signer", "task.signer_added", "users"),
}
"""By role: the verb, the kind of its line, and the field that names the people."""


def delegate(
    engine: Engine,
    actor: Actor,
    task_id: int,
    to: str,
    *,
    comment: str | None = None,
    now: datetime,
) -> Row:
    """Ask somebody for advice: an opinion, and values for the form; then the task comes back.

    Args:
        to: username.
        comment: what the advice is wanted on.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden, Conflict: the actor does not have it, was asked here too, it waits for
            others, is over, or suspended.
        Invalid: nobody who can be asked; see ``side_people.askable``.
    """
    return _ask(engine, actor, task_id, [to], "delegate", comment, now=now)


def consult(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    question: str | None,
    *,
    now: datetime,
) -> Row:
    """Ask people a question; the task can be decided before they have answered.

    Raises:
        As ``delegate``; and Invalid: no question.
    """
    if not (question or "").strip():
        raise Invalid(
            "invalid_comment",
            "Correct the comment.",
            errors=(FieldError("comment", "required", "Say what you want to know."),),
        )
    return _ask(engine, actor, task_id, users, "consult", question, now=now)


def add_before(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    *,
    comment: str | None = None,
    now: datetime,
) -> Row:
    """Let people sign before the actor decides; the task comes back with their opinions.

    Raises:
        As ``delegate``.
    """
    return _ask(engine, actor, task_id, users, "before", comment, now=now)


def add_after(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    values: Mapping[str, Any],
    *,
    text: bool = False,
    outcome: str | None = None,
    comment: str | None = None,
    cc: Sequence[str] = (),
    field: str = "users",
    now: datetime,
) -> Row:
    """Decide, and let people sign after that: the decision is applied when all of them have.

    Args:
        values, text, outcome: the decision, as ``complete`` takes it.
        comment: of the decision; those who sign read it too.
        cc: usernames of people who get a copy, at once.
        field: what errors about the people name.

    Raises:
        As ``delegate``; and Invalid: as ``complete``.
    """

    def decide(tx: Tx, task: Row) -> tuple[Row, list[Statement]]:
        if access.is_barred(task, *access.deciding(actor, task)):
            raise barred(task, actor.username)
        if cc:
            task |= copy_on_the_way(tx, actor, task, cc, comment=comment, now=now)
        _, event = judge(
            *(engine, tx, actor, task, values),
            text=text,
            outcome=outcome,
            comment=comment,
            now=now,
        )
        pending = {
            "values": event.values,
            "outcome": event.outcome,
            "comment": event.comment,
            "by": actor.username,
            "on_behalf_of": event.on_behalf_of,
            "at": now.isoformat(),
        }
        also = files.submitted(task["form"], event.values, task["instance_id"], now)
        return pending, [side_store.drafted(task, actor.username, event.values, at=now), *also]

    return _ask(
        engine, actor, task_id, users, "after", comment, field=field, decide=decide, now=now
    )


def _ask(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    role: Role,
    comment: str | None,
    *,
    field: str | None = None,
    decide: Callable[[Tx, Row], tuple[Row, list[Statement]]] | None = None,
    now: datetime,
) -> Row:
    require(actor, "task:work")
    check_comment(comment)
    verb, kind, named = _VERBS[role]
    comment = comment or None
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if verb not in access.allowed(actor, task):
            raise refusal(engine.db, actor, task, verb)
        people = askable(tx, actor, task, users, role, field=field or named)
        pending, also = decide(tx, task) if decide else (None, [])
        form = _proposal(tx, task) if role == "delegate" else ()
        about = {"instance": task["instance_id"], "task": task_id, "actor": actor.username}
        also = [
            *side_store.asked(
                *(task, role, people),
                by=actor.username,
                form=form,
                text=comment,
                pending=pending,
                at=now,
            ),
            *also,
            *notices.asked(people, role=role, text=comment, at=now, **about),
        ]
        whom = {"to": people[0]} if named == "to" else {"users": people}
        where = role if verb == "add_signer" else None
        head = tell(
            tx, actor, task, kind, {**whom, "where": where, "comment": comment}, also, now=now
        )
    waits = task["waits_for"] if role == "consult" else role
    return body(task | head | {"waits_for": waits}, actor, now=now)


def _proposal(tx: Tx, task: Row) -> list[Row]:
    """Return the form that advice is given with: nothing is required, and nothing decides."""
    definition = SHARED.get(tx, task["definition_id"], task["definition_checksum"])
    deciding = deciding_field(definition.by_id[task["step"]])
    return [_optional(each) for each in task["form"] if each["name"] != deciding]


def _optional(field: Mapping[str, Any]) -> Row:
    changed = {key: value for key, value in field.items() if key != "required"}
    if "columns" in changed:
        changed["columns"] = [_optional(column) for column in changed["columns"]]
    return changed
