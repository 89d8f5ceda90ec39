"""Taking back: from those who were asked first, or what one has decided oneself."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.core import returning
from app.core.events import Recalled
from app.core.values import iso_text
from app.db.tx import Tx
from app.db.wire import Statement
from app.errors import Conflict
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.queries import display_names
from app.runtime.ports import Engine
from app.runtime.step import loaded, move_locked
from app.runtime.visits import visit_of
from app.task import access, untouched
from app.task.comment import check_comment
from app.task.complete import opened
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import refusal
from app.task.side_close import pull_back
from app.task.tell import tell
from app.task.untouched import Obstacle

Row = dict[str, Any]

_UNVOTED: Final = """
update tasks
   set state = 'claimed', assignee = %(me)s, completed_at = null, completed_by = null,
       on_behalf_of = null, outcome = null, values = null, comment = null
 where id = %(task)s
"""
_UNDONE: Final = """
update tasks
   set state = 'cancelled', completed_by = null, outcome = null, values = null, comment = null,
       reason = %(reason)s
 where id = %(task)s
"""


def recall(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> Row:
    """Take a task back: from those who were asked first, or one's own decision.

    A task that waits for others is pulled back from them (see ``side_close.pull_back``); of one
    that is completed the completion is undone.

    Args, Returns, Raises: as ``side_close.pull_back`` and ``undo``.
    """
    with engine.db.transaction() as tx:
        live = seen(tx, actor, task_id)["state"] in access.LIVE
    way = pull_back if live else undo  # which looks again when it has locked the task
    return way(engine, actor, task_id, comment=comment, now=now)


def undo(
    engine: Engine, actor: Actor, task_id: int, *, comment: str | None = None, now: datetime
) -> Row:
    """Undo the actor's own completion of a task: it is open for them again.

    Every task, job and clock that followed must be untouched. The variables that the completion
    changed get their former values. Of several who decide together, one takes back the own vote
    while the others have not decided.

    Args:
        comment: why, for the history.

    Returns:
        The body of the task that is open again.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: the actor has not completed it, or the step does not allow it.
        Conflict: ``too_late``, ``gone_on`` (``extra["in_the_way"]``: ``{kind, step, by, at}``
            each, ``extra["ask"]``: usernames who could return it), ``instance_ended`` or
            ``instance_suspended``.
    """
    require(actor, "task:work")
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        may = access.may_recall(actor, task) and access.permits(task, "recall")
        if not may or task["instance_status"] != "running":
            raise refusal(engine.db, actor, task, "recall")
        if now > task["completed_at"] + access.RECALLED_WITHIN:
            raise _too_late()
        locked = loaded(
            engine, tx, task | {"id": task["instance_id"], "state": task["instance_state"]}
        )
        if task["seat"]:
            return _own_vote(engine, tx, actor, task, comment, now)
        done = locked.state.completed.get(task["step"])
        last = done is not None and not done.void and done.at == iso_text(task["completed_at"])
        tokens = returning.descended(locked.state, done) if done is not None and last else ()
        if not tokens:
            raise _gone_on(engine, task, [Obstacle("joined")], [])
        found = untouched.look(tx, locked, task, tokens)
        if found.obstacles:
            raise _gone_on(engine, task, found.obstacles, found.holders)
        event = Recalled(
            at=now,
            by=actor.username,
            step=task["step"],
            restore=found.restore,
            forget=tuple(found.forget),
            reason=(comment or "").strip() or None,
        )
        also: list[Statement] = [(_UNDONE, {"task": task_id, "reason": event.reason})]
        moved = move_locked(engine, tx, locked, event, actor=actor, also=also, last=True)
        if moved.ignored is not None:
            raise _gone_on(engine, task, [Obstacle("joined")], [])
    about = {"instance_status": moved.instance.status, "variables": moved.instance.variables}
    return body(opened(task, moved.opened[0]) | about, actor, now=now)


def _own_vote(
    engine: Engine, tx: Tx, actor: Actor, task: Row, comment: str | None, now: datetime
) -> Row:
    """Take back one of several votes (its instance is locked); nothing has come of it yet.

    Raises:
        Conflict: they have decided, or the next of them has been asked because of it.
    """
    visit = visit_of(tx, task["instance_id"], task["wait"])
    later = [seat for seat in visit.seats if seat["seat"] > task["seat"]] if visit else []
    if visit is None or not visit.open:
        raise _gone_on(engine, task, [Obstacle("joined")], [])
    if visit.rules.mode == "sequential" and later:
        holder = later[0]["assignee"]
        asked = [holder] if holder else []
        raise _gone_on(engine, task, [Obstacle("task", task["step"], holder)], asked)
    said = {"comment": (comment or "").strip() or None}
    also: list[Statement] = [(_UNVOTED, {"task": task["id"], "me": actor.username})]
    head = tell(tx, actor, task, "task.recalled", said, also, now=now)
    undone = dict.fromkeys(("completed_at", "completed_by", "outcome", "values", "comment"))
    again = {"state": "claimed", "assignee": actor.username}
    return body(task | head | undone | again, actor, now=now)


def _too_late() -> Conflict:
    minutes = int(access.RECALLED_WITHIN.total_seconds() // 60)
    return Conflict(
        "too_late",
        "A decision can be recalled for %(minutes)d minutes. Ask for it to be returned to you.",
        extra={"in_the_way": [], "ask": []},
        minutes=minutes,
    )


def _gone_on(engine: Engine, task: Row, obstacles: list[Obstacle], holders: list[str]) -> Conflict:
    """Return the refusal that says what stands in the way, the first of it in words."""
    first = obstacles[0]
    name = display_names(engine.db, [first.by]).get(first.by, first.by) if first.by else ""
    return Conflict(
        "gone_on",
        _WORDS[first.kind],
        extra={"in_the_way": [each.told() for each in obstacles], "ask": holders},
        name=name,
        step=first.step or task["step"],
    )


_WORDS: Final = {
    "joined": "It has gone on from here already. Ask for it to be returned to you.",
    "task": "%(name)s is at work on “%(step)s” already. Ask for it to be returned to you.",
    "draft": "Somebody has begun to fill in “%(step)s”. Ask for it to be returned to you.",
    "job": "“%(step)s” has begun already. Ask for it to be returned to you.",
    "child": "“%(step)s” has begun another process. Ask for it to be returned to you.",
    "message": "“%(step)s” has sent a message already. Ask for it to be returned to you.",
    "variables": "What you entered was changed by others since. Ask for it to be returned to you.",
}
