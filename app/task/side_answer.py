"""Answering what one was asked about a task, and what follows for the task from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.core.form import validate
from app.db.tx import Tx
from app.db.wire import Statement
from app.definition.cache import SHARED
from app.errors import AppError, FieldError, Invalid
from app.identity.actor import SYSTEM, Actor
from app.identity.policy import require
from app.identity.store import actor_of, person_by_username
from app.notice.store import told, told_for
from app.runtime import files
from app.runtime.ports import Engine
from app.task import access, side_store, store
from app.task.comment import check_comment
from app.task.complete import finish, judge
from app.task.form import judged_against
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import changed, refusal
from app.task.side_close import decided, unasked
from app.task.tell import tell

Row = dict[str, Any]

YES: Final = "approve"
NO: Final = "reject"
"""The opinions."""


def resolve(
    engine: Engine,
    actor: Actor,
    task_id: int,
    values: Mapping[str, Any],
    *,
    text: bool = False,
    outcome: str | None = None,
    comment: str | None = None,
    now: datetime,
) -> Row:
    """Give the opinion, the answer or the signature that the actor was asked for.

    The task that it serves goes back to its holder when it waits for nobody any more: with
    advice, with the last signature before, with any "no". With the last signature after it
    the decision is applied that was made before.

    Args:
        task_id: of the side task, or of the task that the actor was asked about.
        values: proposed for the form, where advice is wanted.
        text: the values are what a browser's form posts, not JSON values.
        outcome: ``approve`` or ``reject``; None for a question.
        comment: the opinion; to a question the answer, which has to be given.

    Returns:
        The body of the side task.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden, Conflict: the actor was not asked, it was withdrawn, or is suspended.
        Invalid: no opinion, no answer, wrong values.
    """
    require(actor, "task:work")
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = _own(tx, actor, task_id)
        if "resolve" not in access.allowed(actor, task):
            raise refusal(engine.db, actor, task, "resolve")
        served = store.seen(tx, task["serves"], locked=True)
        if served is None or served["state"] not in access.LIVE:  # then this would be over too
            raise changed()
        clean = _checked(tx, actor, task, values, outcome, comment, text=text, now=now)
        given = {"outcome": outcome or None, "comment": (comment or "").strip() or None}
        others = [row for row in side_store.live(tx, served) if row["id"] != task["id"]]
        ends = _ends(task["role"], outcome, others)
        applied = ends and task["role"] == "after" and outcome == YES
        behalf = access.acting_for(actor, task)
        also = side_store.answered(
            task, by=actor.username, behalf=behalf, values=clean, at=now, **given
        )
        also += files.submitted(task["form"], clean, task["instance_id"], now)
        if ends and not applied:
            also.append(side_store.freed(served))
        if ends or task["role"] == "consult":  # of several who sign, the last one tells
            also += _notes(actor, task, served, given["comment"], now)
        said = {"role": task["role"], "to": task["added_by"], **given}
        dropped = [row for row in others if ends and row["role"] == task["role"]]
        more = bool(dropped) or applied
        head = tell(tx, actor, task, "task.resolved", said, also, now=now, last=not more)
        if dropped:
            head = unasked(tx, actor, served | head, dropped, "refused", now=now, last=True)
        if applied:
            apply_pending(engine, tx, served | head, now=now)
    done = {"state": "completed", "completed_at": now, "completed_by": actor.username}
    done["on_behalf_of"] = behalf
    return body(task | head | done | given | {"values": clean}, actor, now=now)


def _own(tx: Tx, actor: Actor, task_id: int) -> Row:
    """Return the row, locked, of the side task: the one named, or the actor's for that one."""
    task = seen(tx, actor, task_id, locked=True)
    if task["role"] is not None or not task["sides"]:
        return task
    mine = [row for row in side_store.live(tx, task) if access.is_holder(actor, task | row)]
    mine.sort(key=lambda row: row["assignee"] != actor.username)
    return seen(tx, actor, mine[0]["id"], locked=True) if mine else task


def _checked(
    tx: Tx,
    actor: Actor,
    task: Row,
    values: Mapping[str, Any],
    outcome: str | None,
    comment: str | None,
    *,
    text: bool,
    now: datetime,
) -> Row:
    """Return the values that are proposed, without what was left empty."""
    errors: tuple[FieldError, ...] = ()
    if task["role"] == "consult":
        if outcome:
            message = "A question is answered in words: leave this out."
            errors += (FieldError("outcome", "no_choice", message),)
        if not (comment or "").strip():
            errors += (FieldError("comment", "required", "Write your answer."),)
    elif outcome not in (YES, NO):
        message = "Say whether you approve or not."
        errors += (FieldError("outcome", "required", message),)
    definition = SHARED.get(tx, task["definition_id"], task["definition_checksum"])
    around = judged_against(
        *(tx, actor, definition, task, values), text=text, state=task["instance_state"], now=now
    )
    clean, wrong = validate(task["form"], values, text=text, seen=around)
    if errors or wrong:
        raise Invalid("invalid_form", "Correct the marked fields.", errors=errors + wrong)
    return {name: value for name, value in clean.items() if value is not None}


def _ends(role: str, outcome: str | None, others: list[Row]) -> bool:
    """Say whether the answer ends the task's waiting for this role."""
    if role == "consult":
        return False
    return outcome == NO or not any(row["role"] == role for row in others)


def _notes(
    actor: Actor, task: Row, served: Row, comment: str | None, now: datetime
) -> list[Statement]:
    """Return what tells the holder, and those who stand in, that there is an answer."""
    about = {"task": served["id"], "actor": actor.username, "text": comment, "at": now}
    whom = served["assignee"] or task["added_by"]
    return [
        told("answered", [f"u:{whom}"], instance=task["instance_id"], **about),
        told_for("answered", **about),
    ]


def apply_pending(
    engine: Engine, tx: Tx, served: Row, *, dated: bool = True, now: datetime
) -> None:
    """Complete a task as its holder decided; if that is not possible any more, it is theirs again.

    Args:
        served: its row, locked.
        dated: as of when they decided; else as of now, so that they can recall it.
    """
    pending = side_store.pending(tx, served["id"])
    person = person_by_username(tx, pending["by"]) if pending else None
    if pending is None or person is None:
        raise changed()
    holder, at = actor_of(person), datetime.fromisoformat(pending["at"])
    free = served | {"waits_for": None}
    try:
        with tx.undone_on_error():
            free |= decided(tx, holder, free, now=now)
            locked, event = judge(
                *(engine, tx, holder, free, pending["values"]),
                text=False,
                outcome=pending["outcome"],
                comment=pending["comment"],
                now=now,
            )
            event = replace(event, on_behalf_of=pending.get("on_behalf_of"))
            finish(engine, tx, holder, free, locked, event, last=False)
            dating = [side_store.decided_at(served, at)] if dated else []
            tx.together([side_store.freed(served), *dating])
    except AppError as error:
        if error.status >= 500:
            raise
        _return(tx, pending["by"], served, error, now=now)


def _return(tx: Tx, holder: str, served: Row, error: AppError, *, now: datetime) -> None:
    """Give a task back whose decision is not possible any more, and say why."""
    said = {"to": holder, "code": error.code, "fields": _fields(error)}
    tell(tx, SYSTEM, served, "task.not_applied", said, [side_store.freed(served)], now=now)


def _fields(error: AppError) -> list[str] | None:
    return sorted({each.field for each in error.errors if each.field}) or None
