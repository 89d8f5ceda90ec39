"""Several people decide one step: their seats as rows, and what a vote does to them.

Whoever calls has locked the instance: votes are counted one after the other, and of two last
ones the second finds the step decided. While it is open a vote is rows and a line of the
history; the one that decides moves the instance, and withdraws the other seats in the same trip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from app.core import tally
from app.core.events import TaskCompleted
from app.core.rules import Rules, rules_from_json
from app.core.tally import Decided, Vote
from app.core.values import iso_text
from app.db.tx import Tx
from app.db.types import Json
from app.db.wire import Answer, Statement
from app.history import record
from app.identity.actor import Actor
from app.notice.store import seated
from app.runtime.lines import Line
from app.runtime.moved import Locked, Moved
from app.runtime.ports import Engine
from app.runtime.step import move_locked

Row = Mapping[str, Any]

DECIDED: Final = "decided"
REMOVED: Final = "removed"
"""Why a seat was withdrawn: the others have decided, or it was taken away."""
_VISIT: Final = """
select rules, queue, total from visits where instance_id = %(instance)s and wait = %(wait)s
"""
_SEATS: Final = """
select id, seat, state, assignee, candidates, completed_at, completed_by, on_behalf_of, outcome,
       values, comment, reason, added_by, decided_by
  from tasks where instance_id = %(instance)s and wait = %(wait)s order by id
"""
_KEEP: Final = """
update visits set queue = %(queue)s, total = %(total)s
 where instance_id = %(instance)s and wait = %(wait)s
"""
# A new seat has everything of one that is there but its people. The highest number is read
# under the instance's lock, which everybody holds who adds one.
_ADD: Final = """
insert into tasks (instance_id, definition_id, wait, seat, step, name, state, assignee, candidates,
                   form, outcomes, priority, round, due_at, created_at, claimed_at, allow, added_by)
select instance_id, definition_id, wait, %(seat)s, step, name, %(state)s, %(assignee)s,
       %(candidates)s, form, outcomes, priority, round, due_at, %(at)s, %(claimed_at)s, allow,
       %(added_by)s
  from tasks where id = %(like)s
"""
_OTHERS: Final = """
with c as (
    update tasks set state = 'cancelled', completed_at = %(at)s, reason = 'decided',
           decided_by = %(by)s
     where id = any(%(ids)s)
    returning id
)
delete from drafts where task_id in (select id from c)
"""
_REMOVE: Final = """
with c as (
    update tasks set state = 'cancelled', completed_at = %(at)s, reason = 'removed'
     where id = %(task)s
    returning id
)
delete from drafts where task_id in (select id from c)
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One arrival at a step that several people decide.

    Args:
        wait: of the token.
        queue: seats that are not open yet, ``{assignee, candidates, added_by?}`` each.
        total: seats that count.
        seats: their rows, withdrawn ones too, in the order in which they were opened.
    """

    instance: int
    wait: int
    rules: Rules
    queue: Sequence[Row]
    total: int
    seats: Sequence[Row]

    @property
    def open(self) -> list[Row]:
        """The seats of those who could decide now."""
        return [seat for seat in self.seats if seat["state"] in ("open", "claimed")]

    @property
    def votes(self) -> list[Vote]:
        """What was decided so far, in the order in which it was."""
        done = [seat for seat in self.seats if seat["state"] == "completed"]
        done.sort(key=lambda seat: (seat["completed_at"], seat["id"]))
        return [self._vote(seat) for seat in done]

    def _vote(self, seat: Row) -> Vote:
        values = seat["values"] or {}
        return Vote(
            user=seat["completed_by"],
            approves=bool(tally.approval(self.rules, values, seat["outcome"])),
            at=iso_text(seat["completed_at"]),
            outcome=seat["outcome"],
            values=values,
            comment=seat["comment"],
            behalf=seat["on_behalf_of"],
        )

    def approves(self, seat: Row) -> bool | None:
        """Say whether a seat's decision approves; None: there is none, or nothing to decide."""
        if seat["state"] != "completed" or not self.decides:
            return None
        return tally.approval(self.rules, seat["values"] or {}, seat["outcome"])

    @property
    def decides(self) -> bool:
        """Whether there is anything to approve, or only something to be done."""
        return self.rules.field is not None or self.rules.approving is not None

    def held_by(self, username: str) -> Row | None:
        """Return the seat, or the place in the queue, that somebody has or has decided."""
        for seat in (*self.seats, *self.queue):
            state = seat.get("state", "waiting")
            if state != "cancelled" and username in (seat["assignee"], seat.get("completed_by")):
                return seat
        return None


@dataclass(frozen=True, slots=True)
class Cast:
    """What came of a vote, or of a seat that was taken away.

    Args:
        moved: the instance's move, if that decided the step.
        counts: ``mode``, ``total``, ``approved``, ``rejected``.
    """

    moved: Moved | None
    counts: Row


def asking(instance_id: int, wait: int) -> list[Statement]:
    """Return what asks for a visit and its seats."""
    about = {"instance": instance_id, "wait": wait}
    return [(_VISIT, about), (_SEATS, about)]


def answered(instance_id: int, wait: int, answers: Sequence[Answer]) -> Visit | None:
    """Return the visit that the answers to ``asking`` tell of; None: there is none."""
    found, seats = answers[0].fetchone(), answers[1].fetchall()
    if found is None:
        return None
    rules = rules_from_json(found["rules"])
    seats = [seat for seat in seats if seat["seat"]]
    return Visit(instance_id, wait, rules, found["queue"], found["total"], seats)


def visit_of(tx: Tx, instance_id: int, wait: int) -> Visit | None:
    """Return a visit; whoever wants to change it has locked its instance."""
    return answered(instance_id, wait, tx.together(asking(instance_id, wait)))


def counts(visit: Visit, votes: Sequence[Vote], total: int) -> dict[str, Any]:
    """Return how a visit stands, as it is told."""
    approved = sum(vote.approves for vote in votes)
    return {
        "mode": visit.rules.mode,
        "needed": tally.needed(visit.rules, total),
        "total": total,
        "approved": approved,
        "rejected": len(votes) - approved,
    }


def cast_vote(
    engine: Engine,
    tx: Tx,
    locked: Locked,
    task: Row,
    event: TaskCompleted,
    *,
    actor: Actor,
    also: Sequence[Statement] = (),
    last: bool = False,
) -> Cast:
    """Count what one of several people decided.

    Args:
        task: the row of the seat, which is locked; ``also`` completes it.
        event: what would have happened had they been alone.
        also: what is written beside, of rows that are locked.
        last: the caller does nothing more in this transaction.

    Returns:
        ``moved.ignored`` says why the instance waits for no decision here any more.

    Raises:
        LookupError: the task is no seat of a visit.
    """
    visit = visit_of(tx, task["instance_id"], task["wait"])
    if visit is None:
        raise LookupError(f"task {task['id']} has no visit")
    vote = Vote(
        user=event.by,
        approves=bool(tally.approval(visit.rules, event.values, event.outcome)),
        at=iso_text(event.at),
        outcome=event.outcome,
        values=event.values,
        comment=event.comment,
        behalf=event.on_behalf_of,
    )
    votes = [*visit.votes, vote]
    numbers = counts(visit, votes, visit.total)
    said = {
        "wait": task["wait"],
        "round": task["round"],
        "outcome": event.outcome,
        "values": event.values,
        "approved": vote.approves if visit.decides else None,
        "comment": event.comment,
        "votes": {name: numbers[name] for name in ("approved", "rejected", "total")},
    }
    line = ["task.voted", task["step"], {k: v for k, v in said.items() if v is not None}]
    decided = tally.decide(visit.rules, votes, visit.total)
    if decided is not None:
        others = [seat["id"] for seat in visit.open if seat["id"] != task["id"]]
        moved = _close(
            engine, tx, locked, visit, votes, decided, others, line, actor, event.at, also, last
        )
        return Cast(moved, numbers)
    following = [] if len(visit.open) > 1 else _next(visit, visit.total, actor, event.at)
    _write(tx, locked, line, actor, event.at, event.on_behalf_of, [*also, *following], last)
    return Cast(None, numbers)


def add_seats(
    visit: Visit, like: int, people: Sequence[str], *, actor: Actor, at: datetime
) -> list[Statement]:
    """Return what gives people a seat beside those that are there.

    Where one decides after the other they come last.

    Args:
        like: id of a seat whose form, due date and verbs they get.
        people: usernames.
    """
    total = visit.total + len(people)
    added = [{"assignee": name, "candidates": [], "added_by": actor.username} for name in people]
    if visit.rules.mode == "sequential":
        return [_kept(visit, [*visit.queue, *added], total)]
    first = max((seat["seat"] for seat in visit.seats), default=0)
    return [
        _kept(visit, visit.queue, total),
        *(_seat(each, like, number, at) for number, each in enumerate(added, start=first + 1)),
        seated(visit.instance, visit.wait, first, actor=actor.username, at=at),
    ]


def remove_seat(
    engine: Engine,
    tx: Tx,
    locked: Locked,
    visit: Visit,
    seat: Row,
    line: Line,
    *,
    actor: Actor,
    at: datetime,
) -> Cast:
    """Withdraw a seat that is open or in the queue; the last write of its transaction.

    Args:
        seat: one of the visit's; others remain.
        line: what the history tells of it.

    Returns:
        ``moved`` if those who remain have decided already.
    """
    total, votes = visit.total - 1, visit.votes
    queue = [each for each in visit.queue if each is not seat]
    gone: list[Statement] = [(_REMOVE, {"task": seat["id"], "at": at})] if "id" in seat else []
    numbers = counts(visit, votes, total)
    decided = tally.decide(visit.rules, votes, total)
    if decided is not None:
        others = [each["id"] for each in visit.open if each is not seat]
        also = [*gone, _kept(visit, queue, total)]
        moved = _close(
            engine, tx, locked, visit, votes, decided, others, line, actor, at, also, True, total
        )
        return Cast(moved, numbers)
    if "id" in seat and len(visit.open) == 1:
        gone += _next(visit, total, actor, at)
    else:
        gone.append(_kept(visit, queue, total))
    _write(tx, locked, line, actor, at, None, gone, True)
    return Cast(None, numbers)


def _close(
    engine: Engine,
    tx: Tx,
    locked: Locked,
    visit: Visit,
    votes: Sequence[Vote],
    decided: Decided,
    others: Sequence[int],
    line: Line,
    actor: Actor,
    at: datetime,
    also: Sequence[Statement],
    last: bool,
    total: int | None = None,
) -> Moved:
    """Let the instance go on with what the votes come to, and withdraw the other seats."""
    final = votes[-1]
    event = TaskCompleted(
        at=at,
        by=final.user,
        wait=visit.wait,
        values=tally.values_of(visit.rules, votes, decided),
        outcome=decided.last.outcome,
        comment=decided.last.comment,
        on_behalf_of=final.behalf,
        votes=tally.counted(votes, visit.total if total is None else total, decided),
    )
    withdrawn: list[Statement] = []
    if others:
        withdrawn.append((_OTHERS, {"ids": list(others), "at": at, "by": final.user}))
    return move_locked(
        engine,
        tx,
        locked,
        event,
        actor=actor,
        on_behalf_of=final.behalf,
        told=[line],
        also=[*also, *withdrawn],
        last=last,
    )


def _next(visit: Visit, total: int, actor: Actor, at: datetime) -> list[Statement]:
    """Return what opens the first seat of the queue, if there is one."""
    if not visit.queue:
        return [] if total == visit.total else [_kept(visit, (), total)]
    number = max(seat["seat"] for seat in visit.seats)
    like = visit.seats[-1]["id"]
    return [
        _kept(visit, visit.queue[1:], total),
        _seat(visit.queue[0], like, number + 1, at),
        seated(visit.instance, visit.wait, number, actor=actor.username, at=at),
    ]


def _kept(visit: Visit, queue: Sequence[Row], total: int) -> Statement:
    about = {"instance": visit.instance, "wait": visit.wait}
    return _KEEP, {**about, "queue": Json(list(queue)), "total": total}


def _seat(given: Row, like: int, number: int, at: datetime) -> Statement:
    held = given["assignee"] is not None
    return _ADD, {
        "like": like,
        "seat": number,
        "state": "claimed" if held else "open",
        "assignee": given["assignee"],
        "candidates": list(given["candidates"]),
        "at": at,
        "claimed_at": at if held else None,
        "added_by": given.get("added_by"),
    }


def _write(
    tx: Tx,
    locked: Locked,
    line: Line,
    actor: Actor,
    at: datetime,
    behalf: str | None,
    more: Sequence[Statement],
    last: bool,
) -> None:
    head = {"at": at, "actor": actor.username, "kind": cast(str, line[0]), "lines": [line]}
    tx.together([*record.told(locked.row, on_behalf_of=behalf, **head), *more], last=last)
