"""Taking back what one has done oneself, while nobody has gone on from it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Final

from app.core import returning
from app.core.events import Recalled
from app.core.state import Completion, Token
from app.core.values import iso_text
from app.db.tx import Tx
from app.db.wire import Statement
from app.errors import Conflict, Forbidden
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.queries import display_names
from app.runtime.ports import Engine
from app.runtime.refuse import refuse_unless_running
from app.runtime.step import Locked, loaded, move_locked
from app.task import access, side_store, store, untouched, unvote
from app.task.comment import check_comment
from app.task.complete import opened
from app.task.present import body
from app.task.queries import seen
from app.task.side_close import pull_back
from app.task.untouched import Obstacle
from app.task.ways_back import token_of

Row = dict[str, Any]

_UNDONE: Final = """
update tasks
   set state = 'cancelled', completed_by = null, on_behalf_of = null, decided_by = null,
       outcome = null, values = null, comment = null, reason = %(reason)s
 where id = %(task)s
"""


def recall(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> Row:
    """Take back: from those who were asked first, or what the actor has decided themselves.

    A live task comes back to its holder, see ``side_close.pull_back``. A completed one is open
    again for who completed it: every task, job and clock that followed must be untouched, and
    the variables that it changed get their former values. Of several who decide it is their vote
    alone, the others' stay: while it is open anybody's, then that of who decided last; the seats
    that this withdrew are open again.

    Args:
        comment: why, for the history.

    Returns:
        The body of the task that is open (again).

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it is neither the actor's nor was it, or the step does not allow it.
        Conflict: ``too_late``, ``gone_on`` (``extra["in_the_way"]``: ``{kind, step, by, at}``
            each, ``extra["ask"]``: usernames who could return it); it waits for nobody, has
            ended, or is suspended.
    """
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if task["state"] != "completed" or task["role"] is not None:
            return pull_back(engine, actor, task_id, comment=comment, now=now)
        require(actor, "task:work")
        return _undo(engine, tx, actor, task, (comment or "").strip() or None, now)


def _undo(engine: Engine, tx: Tx, actor: Actor, task: Row, why: str | None, now: datetime) -> Row:
    """Undo the completion of a task (locked), if it is the actor's and nobody went on from it."""
    locked = loaded(engine, tx, store.instance_of(task))
    if not access.may_recall(actor, task):
        raise _forbidden(actor, task)
    refuse_unless_running(locked.instance)
    if task["runs_by"] != task["definition_id"]:  # migrated since
        raise _gone_on(engine, task, [Obstacle("joined")], [])
    if access.is_late(task, now):
        raise _too_late(_holders(tx, locked, task))
    signed = (
        [row for row in side_store.of(tx, task) if row["role"] == "after"] if task["sides"] else []
    )
    by = next((row["completed_by"] for row in signed if row["state"] == "completed"), None)
    if by is not None:
        raise _gone_on(engine, task, [Obstacle("task", task["step"], by)], [])
    if task["seat"] and token_of(locked.state, task) is not None:  # the others still decide
        visit, obstacles = unvote.in_the_way(tx, task)
        if obstacles:
            raise _gone_on(engine, task, obstacles, [])
        task |= unvote.take_back(tx, actor, task, visit, comment=why, now=now)
        return body(task, actor, now=now)
    tokens, later = _become(locked, task)
    if not tokens and later is None:
        raise _gone_on(engine, task, [Obstacle("joined")], [])
    found = untouched.look(tx, locked, task, tokens)
    if later is not None or found.obstacles:
        before = [later] if later is not None else []
        raise _gone_on(engine, task, [*before, *found.obstacles], found.holders)
    event = Recalled(
        at=now,
        by=actor.username,
        step=task["step"],
        restore=found.restore,
        forget=tuple(found.forget),
        reason=why,
    )
    seats = partial(unvote.reseat, actor, task, now=now) if task["seat"] else None
    also: list[Statement] = [(_UNDONE, {"task": task["id"], "reason": why})] if not seats else []
    try:
        moved = move_locked(engine, tx, locked, event, actor=actor, also=also, adjust=seats)
    except unvote.NotOpened:
        raise _gone_on(engine, task, [Obstacle("joined")], []) from None
    if moved.ignored is not None:
        raise _gone_on(engine, task, [Obstacle("joined")], [])
    about = {"instance_status": moved.instance.status, "variables": moved.instance.variables}
    if seats is not None:
        return body(task | unvote.given_back(task) | about, actor, now=now)
    mine = [row for row in moved.opened if row["assignee"] == actor.username] or moved.opened
    again = opened(task, mine[0])
    tx.together(unvote.kept(task, again, actor, now), last=True)
    return body(again | about, actor, now=now)


def _become(locked: Locked, task: Row) -> tuple[tuple[Token, ...], Obstacle | None]:
    """Return the tokens that a task's step has become, and who has decided it after the actor.

    There are none if the step was completed by another task, or once more.
    """
    done = locked.state.completed.get(task["step"])
    if done is None or done.void:
        return (), None
    last = done.at == iso_text(task["completed_at"])
    later = None if last else _decided_later(task, done)
    return returning.descended(locked.state, done) if last or later else (), later


def _holders(tx: Tx, locked: Locked, task: Row) -> list[str]:
    """Return who has what has followed from a completion, as far as somebody has it."""
    tokens, _ = _become(locked, task)
    return untouched.look(tx, locked, task, tokens).holders if tokens else []


def _decided_later(task: Row, done: Completion) -> Obstacle | None:
    """Return who has decided a step after the actor had, if others decided it with them."""
    votes = (done.votes or {}).get("votes", ())
    own = (task["completed_by"], iso_text(task["completed_at"]))
    if own not in [(vote["user"], vote["at"]) for vote in votes]:
        return None
    last = votes[-1]
    return Obstacle("vote", task["step"], last["user"], datetime.fromisoformat(last["at"]))


def _forbidden(actor: Actor, task: Row) -> Forbidden:
    if task["completed_by"] != actor.username:
        return Forbidden("not_yours", "Only who has completed a task can take that back.")
    return Forbidden("not_allowed_here", "The process does not allow this in the task's step.")


def _too_late(holders: list[str]) -> Conflict:
    minutes = int(access.RECALLED_WITHIN.total_seconds() // 60)
    return Conflict(
        "too_late",
        "A decision can be recalled for %(minutes)d minutes. Ask for it to be returned to you.",
        extra={"in_the_way": [], "ask": holders},
        minutes=minutes,
    )


def _gone_on(engine: Engine, task: Row, obstacles: list[Obstacle], holders: list[str]) -> Conflict:
    """Return the refusal that says what stands in the way, the first of it in words."""
    first = obstacles[0]
    with engine.db.transaction() as tx:
        definition = engine.definitions.get(tx, task["definition_id"], task["definition_checksum"])
    step = first.step or task["step"]
    known = definition.by_id.get(step)
    name = display_names(engine.db, [first.by]).get(first.by, first.by) if first.by else ""
    return Conflict(
        "gone_on",
        _WORDS[first.kind],
        extra={"in_the_way": [each.told() for each in obstacles], "ask": holders},
        name=name,
        step=known.name or step if known is not None else step,
    )


_WORDS: Final = {
    "joined": "It has gone on from here already. Ask for it to be returned to you.",
    "task": "%(name)s is at work on “%(step)s” already. Ask for it to be returned to you.",
    "vote": "%(name)s has decided after you, and it went on. Ask for it to be returned to you.",
    "draft": "Somebody has begun to fill in “%(step)s”. Ask for it to be returned to you.",
    "job": "“%(step)s” has begun already. Ask for it to be returned to you.",
    "child": "“%(step)s” has begun another process. Ask for it to be returned to you.",
    "message": "“%(step)s” has sent a message already. Ask for it to be returned to you.",
    "variables": "What you entered was changed by others since. Ask for it to be returned to you.",
}
