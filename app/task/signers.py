"""Adding people to a task and taking them away again: who decides before, beside or after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from app.core.rules import Rules
from app.core.tally import MAX_SEATS, rules_of
from app.db.tx import Tx
from app.db.types import Json
from app.db.wire import Statement
from app.definition.cache import SHARED
from app.errors import Conflict, FieldError, Forbidden, Invalid
from app.identity import names
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.queries import display_names
from app.runtime import store as rows
from app.runtime import votes
from app.runtime.ports import Engine
from app.runtime.step import loaded
from app.runtime.visits import Visit, visit_of
from app.task import access, side_remove, side_store, store
from app.task.comment import check_comment
from app.task.person import check_rules, invalid, worker
from app.task.present import body
from app.task.queries import seen
from app.task.refuse import changed, refusal
from app.task.side import add_after, add_before
from app.task.side_people import busy
from app.task.tell import tell

Row = Mapping[str, Any]

Where = Literal["parallel", "before", "after"]
"""When those who are added decide: beside the holder, or before or after them."""
MOST: Final = 20
"""People who are added at once."""
# A task of one person becomes a seat; the number is one that nothing of its wait has.
_SIT: Final = "update tasks set seat = %(seat)s where id = %(task)s"
_TOP: Final = """
select max(seat) as top from tasks where instance_id = %(instance)s and wait = %(wait)s
"""


def add_signer(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    where: Where = "parallel",
    *,
    values: Mapping[str, Any] | None = None,
    outcome: str | None = None,
    comment: str | None = None,
    cc: Sequence[str] = (),
    now: datetime,
) -> dict[str, Any]:
    """Let more people decide a task that the actor has.

    ``parallel``: each gets a seat of their own beside the others'; votes stay. A task of one
    person becomes one that all of them have to approve. ``before`` and ``after``: see
    ``side.add_before`` and ``side.add_after``.

    Args:
        users: usernames.
        where: when they decide.
        values, outcome, cc: the decision that those after sign; nothing for the others.
        comment: why, for the history.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: the step does not allow it, or the actor does not have the task.
        Conflict: it is over, suspended, or the actor was added to it themselves.
        Invalid: nobody named, people who cannot be given a task, or who decide here already.
    """
    if where == "after":
        return add_after(
            *(engine, actor, task_id, users, values or {}),
            outcome=outcome,
            comment=comment,
            cc=cc,
            now=now,
        )
    if values or outcome or cc:
        message = "You decide this yourself, not by adding people: leave this out."
        error = FieldError("variables", "no_choice", message)
        raise Invalid("invalid_position", "Say when they are to sign.", errors=(error,))
    if where == "before":
        return add_before(engine, actor, task_id, users, comment=comment, now=now)
    return _add_beside(engine, actor, task_id, users, comment=comment, now=now)


def _add_beside(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    *,
    comment: str | None,
    now: datetime,
) -> dict[str, Any]:
    require(actor, "task:work")
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if "add_signer" not in access.allowed(actor, task):
            raise refusal(engine.db, actor, task, "add_signer")
        visit, also = _visit(tx, task)
        wanted = _wanted(tx, task, users, visit)
        check_rules(task, wanted, field="users")
        added = votes.add_seats(visit, task_id, wanted, actor=actor, at=now)
        said = {"users": wanted, "where": "parallel", "comment": comment or None}
        head = tell(tx, actor, task, "task.signer_added", said, [*also, *added], now=now)
    return body(task | head, actor, now=now)


def remove_signer(
    engine: Engine,
    actor: Actor,
    task_id: int,
    user: str,
    *,
    comment: str | None = None,
    now: datetime,
) -> dict[str, Any]:
    """Take away somebody who was added and has not decided.

    Have those who remain decided with that, the instance goes on in the same transaction. Was it
    the last whom a task waited for to sign, that goes on.

    Args:
        task_id: any task of those who decide together, or sign before or after one of them.
        user: username of who was added.
        comment: why, for the history.

    Returns:
        The task's body.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: the step does not allow it; the actor neither added them nor has
            ``task:assign``.
        Conflict: it is over or suspended; they have decided; nobody else would be left.
        Invalid: this person was not added here.
    """
    check_comment(comment)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        if not access.permits(task, "remove_signer"):
            raise Forbidden(
                "not_allowed_here", "The process does not allow this in the task's step."
            )
        if task["instance_status"] != "running":
            raise refusal(engine.db, actor, task, "remove_signer")
        username = names.normal(user)
        name = display_names(engine.db, [username]).get(username, username)
        side = side_store.signer(tx, task, username)
        if side is not None:
            side_remove.remove(engine, tx, actor, side, name, comment=comment, now=now)
        else:
            _remove_seat(engine, tx, actor, task, username, name, comment, now)
    with engine.db.transaction() as tx:
        return body(seen(tx, actor, task_id), actor, now=now)


def _remove_seat(
    engine: Engine,
    tx: Tx,
    actor: Actor,
    task: Row,
    username: str,
    name: str,
    comment: str | None,
    now: datetime,
) -> None:
    visit = visit_of(tx, task["instance_id"], task["wait"]) if task["seat"] else None
    if visit is None:
        raise _nobody(name)
    seat = _removable(actor, visit, username, name)
    locked = loaded(engine, tx, store.instance_of(task))
    said = {"wait": task["wait"], "round": task["round"], "users": [seat["assignee"]]}
    if comment:
        said["comment"] = comment
    line = ["task.signer_removed", task["step"], said]
    done = votes.remove_seat(engine, tx, locked, visit, seat, line, actor=actor, at=now)
    if done.moved is not None and done.moved.ignored is not None:
        raise changed()


def _visit(tx: Tx, task: Row) -> tuple[Visit, list[Statement]]:
    """Return the visit of a task that is locked, and what makes one of a task of one person."""
    if task["seat"]:
        found = visit_of(tx, task["instance_id"], task["wait"])
        if found is None:
            raise LookupError(f"task {task['id']} has no visit")
        return found, []
    step = SHARED.get(tx, task["definition_id"], task["definition_checksum"]).by_id[task["step"]]
    rules = rules_of(step, mode="all")
    about = {"instance": task["instance_id"], "wait": task["wait"]}
    top = (tx.run(_TOP, about).fetchone() or {})["top"]
    first = {**task, "seat": top + 1}
    visit = Visit(task["instance_id"], task["wait"], rules, (), 1, [first], first["seat"])
    sit = {"seat": first["seat"], "task": task["id"]}
    return visit, [(_SIT, sit), (rows.VISIT, _visit_row(task, rules))]


def _visit_row(task: Row, rules: Rules) -> dict[str, Any]:
    return {
        "id": task["instance_id"],
        "wait": task["wait"],
        "rules": Json(rules.to_json()),
        "queue": Json([]),
        "total": 1,
    }


def _wanted(tx: Tx, task: Row, users: Sequence[str], visit: Visit) -> list[str]:
    """Return the usernames of those who are added; who has a seat is refused by name."""
    given = list(dict.fromkeys(each.strip() for each in users if each.strip()))
    if not given:
        raise invalid(FieldError("users", "required", "Say who else is to decide."))
    most = min(MOST, MAX_SEATS - visit.total)
    if len(given) > most:
        message = "Name at most %(max)d people at once."
        raise invalid(FieldError("users", "too_long", message, {"max": most}))
    wanted = list(dict.fromkeys(worker(tx, each, field="users") for each in given))
    errors = busy(tx, task, wanted, "before", field="users")
    if errors:
        raise invalid(*errors)
    return wanted


def _removable(actor: Actor, visit: Visit, username: str, name: str) -> Row:
    """Return the seat that is to go.

    Raises:
        Invalid, Conflict, Forbidden: it cannot, or not by the actor.
    """
    seat = visit.held_by(username)
    if seat is None or seat.get("added_by") is None:
        raise _nobody(name)
    side_remove.check(actor, seat, name)
    if visit.counting <= 1:
        raise Conflict("last_seat", "Nobody would be left to decide this.")
    return seat


def _nobody(name: str) -> Invalid:
    message = "%(name)s was not added here. Choose somebody who was."
    return invalid(FieldError("user", "not_added", message, {"name": name[:100]}))
