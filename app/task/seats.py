"""The seats of a task that several people decide: how they stand, and who may have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from app.core.definition import Step
from app.core.events import TaskCompleted
from app.core.tally import approval, decide, rules_of
from app.db.tx import Tx
from app.db.wire import Answer, Statement
from app.errors import Conflict, FieldError, Invalid
from app.identity.actor import Actor
from app.runtime import visits
from app.runtime.candidates import by_kind
from app.runtime.visits import Visit
from app.task import access

Row = Mapping[str, Any]


# Of few visits: those of one page of a list.
_PROGRESS: Final = f"""
select v.instance_id, v.wait,
       v.total - count(s.id) filter (where s.rule = '{visits.BY_MANAGER}') as total,
       count(s.id) filter (where s.rule is distinct from '{visits.BY_MANAGER}') as decided
  from unnest(%(instances)s::bigint[], %(waits)s::bigint[]) asked(instance_id, wait)
  join visits v on v.instance_id = asked.instance_id and v.wait = asked.wait
  left join tasks s on s.instance_id = v.instance_id and s.wait = v.wait and s.role is null
        and s.state = 'completed'
 group by v.instance_id, v.wait, v.total
"""  # noqa: S608 - constants only


def progress(tx: Tx, tasks: Sequence[Row]) -> dict[int, dict[str, int]]:
    """Return how many have decided beside those of a list, by the task's id.

    ``{decided, total}``, of live tasks that more than one person decides; without these in the
    list nothing is asked.
    """
    live = [each for each in tasks if each["seat"] and each["role"] is None]
    live = [each for each in live if each["state"] in access.LIVE]
    waits = {(each["instance_id"], each["wait"]) for each in live}
    if not waits:
        return {}
    instances, ids = zip(*sorted(waits), strict=True)
    rows = tx.run(_PROGRESS, {"instances": [*instances], "waits": [*ids]}).fetchall()
    found = {
        (row["instance_id"], row["wait"]): {"decided": row["decided"], "total": row["total"]}
        for row in rows
        if row["total"] > 1
    }
    keyed = ((each["id"], found.get((each["instance_id"], each["wait"]))) for each in live)
    return {task: stand for task, stand in keyed if stand is not None}


def asking(task: Row) -> list[Statement]:
    """Return what asks for the seats beside a task; nothing for who decides alone."""
    return visits.asking(task["instance_id"], task["wait"]) if task["seat"] else []


def told(actor: Actor, task: Row, answers: Sequence[Answer]) -> dict[str, Any] | None:
    """Return how those stand who decide together, or None.

    ``{mode, needed, total, approved, rejected, decided, as_manager, seats}``; each seat as
    ``{task_id, user, candidates, state, outcome, approved, counted, comment, at, added_by,
    decided_by, removable}``. ``as_manager`` says what the actor's decision would be who has taken
    this seat as a manager: ``not_counted`` or ``decides``.
    ``decided`` is what they came to, None while it is open; seats whose turn has not come have
    the state ``waiting`` and no id.
    """
    visit = visits.answered(task["instance_id"], task["wait"], answers) if answers else None
    if visit is None:
        return None
    cast = visit.votes
    decided = decide(visit.rules, cast, visit.counting)
    there = [seat for seat in visit.seats if seat["reason"] != visits.REMOVED]
    return {
        **visits.counts(visit, cast, visit.counting),
        "decided": decided.approved if decided is not None else None,
        "as_manager": _as_manager(actor, task, visit),
        "seats": [
            *(_seat(actor, task, visit, seat) for seat in there),
            *(_seat(actor, task, visit, seat) for seat in visit.queue),
        ],
    }


def _as_manager(actor: Actor, task: Row, visit: Visit) -> Literal["not_counted", "decides"] | None:
    taken = task["rule"] == visits.BY_MANAGER and task["state"] in access.LIVE
    if not taken or not access.is_holder(actor, task):
        return None
    return "not_counted" if visit.counting > 1 else "decides"


def _seat(actor: Actor, task: Row, visit: Visit, seat: Row) -> dict[str, Any]:
    live = {"role": None, "added_by": None, "state": "open", **seat}
    running = task["instance_status"] == "running" and access.permits(task, "remove_signer")
    return {
        "task_id": seat.get("id"),
        "user": seat.get("completed_by") or seat["assignee"],
        "candidates": by_kind(seat["candidates"]),
        "state": seat.get("state", "waiting"),
        "outcome": seat.get("outcome"),
        "approved": visit.approves(seat) if "id" in seat else None,
        "counted": seat.get("rule") != visits.BY_MANAGER or seat["state"] != "completed",
        "comment": seat.get("comment"),
        "at": seat.get("completed_at"),
        "added_by": seat.get("added_by"),
        "decided_by": seat.get("decided_by"),
        "removable": running and access.may_remove_signer(actor, live),
    }


def is_seated(actor: Actor, visit: Row | None) -> bool:
    """Say whether the actor decides, or has decided, by one of the seats: nobody has two."""
    seats = (visit or {}).get("seats", ())
    return any(each["user"] == actor.username and each["state"] != "cancelled" for each in seats)


def people(visit: Row | None) -> set[str]:
    """Return the usernames that a visit names."""
    named = {each[key] for each in (visit or {}).get("seats", ()) for key in ("user", "added_by")}
    return {name for name in named if name}


def check_second(tx: Tx, username: str, task: Row) -> None:
    """Refuse who wants a second seat of one visit.

    Args:
        username: who would have it.
        task: a seat that is locked, and not theirs.

    Raises:
        Conflict: they have one, or have decided.
    """
    visit = visits.visit_of(tx, task["instance_id"], task["wait"])
    if visit is not None and visit.held_by(username) is not None:
        raise Conflict(
            "has_a_seat",
            "You decide here already, by another task of this step. Leave this one to others.",
        )


def check_answer(step: Step, event: TaskCompleted) -> None:
    """Refuse a vote that says neither yes nor no where that is what counts.

    Raises:
        Invalid: the field that decides was left empty.
    """
    rules = rules_of(step)
    if approval(rules, event.values, event.outcome) is None:
        error = FieldError(rules.field or "", "required", "Choose yes or no.")
        raise Invalid("invalid_form", "Correct the marked fields.", errors=(error,))
