"""Giving a task to somebody: by a manager, by who has it, and all of a person's at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from app.db.tx import Tx
from app.errors import AppError, FieldError
from app.identity.actor import Actor
from app.identity.policy import require
from app.notice.store import Event, told, told_for
from app.runtime.ports import Engine
from app.runtime.visits import BY_MANAGER
from app.task import access, side_store
from app.task.comment import check_comment
from app.task.person import check_rules, invalid, someone, worker
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import changed, refusal
from app.task.tell import tell

Row = dict[str, Any]

MOST: Final = 200
"""Tasks that are handed over at once; for more of them it is done again."""
_GIVE: Final = """
update tasks set state = 'claimed', assignee = %(to)s, claimed_at = %(at)s, rule = %(rule)s
 where id = %(task)s
"""
_HELD: Final = """
select t.id from tasks t join process_instances i on i.id = t.instance_id and i.status = 'running'
 where t.state in ('open', 'claimed') and t.assignee = %(username)s order by t.id limit %(most)s
"""
_LEFT: Final = """
select count(*) as left from (select 1 from tasks
 where state in ('open', 'claimed') and assignee = %(username)s limit 10000) held
"""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What came of handing over everything that somebody has.

    Args:
        done: ids of the tasks that the other person has now.
        failed: task id → why it could not be given.
        left: how many live tasks the person still has: those that failed, those of suspended
            instances, and those beyond ``MOST``.
    """

    done: Sequence[int]
    failed: Mapping[int, AppError]
    left: int


def assign(
    engine: Engine,
    actor: Actor,
    task_id: int,
    to: str,
    *,
    comment: str | None = None,
    now: datetime,
) -> Row:
    """Give a live task to somebody, whoever had it.

    Args:
        to: username.
        comment: why, for the history.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: without ``task:assign``, or the step does not allow it.
        Invalid: nobody who can be given it, or who has it or a seat beside it already.
        Conflict: it is over, or its instance is suspended.
    """
    require(actor, "task:assign")
    return _give(engine, actor, task_id, to, "assign", comment=comment, now=now)


def transfer(
    engine: Engine,
    actor: Actor,
    task_id: int,
    to: str,
    *,
    comment: str | None = None,
    now: datetime,
) -> Row:
    """Pass a task that the actor has on to somebody, for good.

    The due date stays, and what was typed is offered to the other person.

    Raises:
        As ``assign``; and Conflict, Forbidden: the actor does not have it.
    """
    require(actor, "task:work")
    return _give(engine, actor, task_id, to, "transfer", comment=comment, now=now)


def hand_over(
    engine: Engine,
    actor: Actor,
    username: str,
    to: str,
    *,
    comment: str | None = None,
    now: datetime,
) -> HandedOver:
    """Give everything that somebody has to somebody else, each task for itself.

    What waits for others goes on waiting: they answer whoever has it then.

    Args:
        username: who has it now, active or not.
        to: username of who gets it.

    Raises:
        Forbidden: without ``task:assign``.
        Invalid: ``to`` cannot be given tasks, or is the same person.
    """
    require(actor, "task:assign")
    check_comment(comment)
    with engine.db.transaction() as tx:
        given = worker(tx, to)
        found = str(someone(tx, username, field="from")["username"])
        if given == found:
            raise invalid(FieldError("to", "same_person", "Choose somebody else."))
        held = tx.run(_HELD, {"username": found, "most": MOST}).fetchall()
    done, failed = [], {}
    for each in held:
        error = _apart(engine, actor, each["id"], found, given, comment, now)
        if error is None:
            done.append(each["id"])
        else:
            failed[each["id"]] = error
    with engine.db.transaction() as tx:
        left = tx.run(_LEFT, {"username": found}).fetchone() or {}
    return HandedOver(done, failed, left["left"])


def _apart(
    engine: Engine,
    actor: Actor,
    task_id: int,
    of: str,
    to: str,
    comment: str | None,
    now: datetime,
) -> AppError | None:
    """Give one task, and take it back alone if it is refused; return why it was."""
    with engine.db.transaction() as tx:
        try:
            with tx.undone_on_error():
                _give(engine, actor, task_id, to, "assign", of=of, comment=comment, now=now)
        except AppError as error:
            if error.status >= 500:
                raise
            return error
    return None


def _give(
    engine: Engine,
    actor: Actor,
    task_id: int,
    to: str,
    verb: Literal["assign", "transfer"],
    *,
    of: str | None = None,
    comment: str | None,
    now: datetime,
) -> Row:
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if verb not in access.allowed(actor, task) and not (of and _may_leave(actor, task)):
            raise refusal(engine.db, actor, task, verb)
        if of is not None and task["assignee"] != of:  # somebody was faster
            raise changed()
        given = worker(tx, to)
        check_rules(task, [given], field="to")
        kind, event = _AS[verb]
        # Who manages others' work and decides it in their place is seen to have done so.
        own = verb == "assign" and given == actor.username
        rule = BY_MANAGER if own and not access.is_candidate(actor, task) else None
        _check_seats(tx, actor, task, given, in_place=rule is not None)
        said = {"task": task_id, "from": task["assignee"], "to": given, "comment": comment or None}
        about = {"instance": task["instance_id"], "task": task_id, "actor": actor.username}
        also = [
            (_GIVE, {"task": task_id, "to": given, "at": now, "rule": rule}),
            told(event, [f"u:{given}"], text=comment, at=now, **about),
            told_for(event, task=task_id, actor=actor.username, text=comment, at=now),
        ]
        if verb == "assign" and task["assignee"] not in (None, actor.username):
            also.append(told("withdrawn", [f"u:{task['assignee']}"], text=comment, at=now, **about))
        head = tell(tx, actor, task, kind, said, also, now=now)
    given_now = {"state": "claimed", "assignee": given, "claimed_at": now, "rule": rule}
    return body(task | head | given_now, actor, now=now)


def _may_leave(actor: Actor, task: Row) -> bool:
    running = task["instance_status"] == "running"
    return running and access.permits(task, "assign") and access.may_hand_over(actor, task)


_AS: Final[Mapping[str, tuple[str, Event]]] = {
    "assign": ("task.assigned", "task"),
    "transfer": ("task.transferred", "transferred"),
}
"""Kind of the history's line, and what the other person is told."""


def _check_seats(tx: Tx, actor: Actor, task: Row, to: str, *, in_place: bool) -> None:
    """Refuse who has this task or has, or had, another seat of the same visit.

    Args:
        in_place: they are a manager, who may have several in place of others: none is a vote.
    """
    if task["assignee"] == to:
        message = (
            "You have this task already. Choose somebody else."
            if to == actor.username
            else "This person has the task already. Choose somebody else."
        )
        raise invalid(FieldError("to", "has_it", message))
    state = side_store.seated(tx, task, to, in_place=in_place)
    if state is None:
        return
    message = (
        "This person has decided here already. Choose somebody else."
        if state == "completed"
        else "This person decides here already, beside this task. Choose somebody else."
    )
    raise invalid(FieldError("to", "has_a_seat", message))
