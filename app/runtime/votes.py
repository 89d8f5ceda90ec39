"""Several people decide one step: their seats as rows, and what a vote does to them.

Whoever calls has locked the instance: votes are counted one after the other, and of two last
ones the second finds the step decided. While it is open a vote is rows and a line of the
history; the one that decides moves the instance, and withdraws the other seats in the same trip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core import tally
from app.core.events import TaskCompleted
from app.core.tally import Decided, Vote
from app.core.values import iso_text
from app.db.tx import Tx
from app.db.types import Json
from app.db.wire import Statement
from app.history import record
from app.identity.actor import Actor
from app.notice.store import seated, seated_for, told, unasked
from app.runtime.lines import Line
from app.runtime.moved import Locked, Moved
from app.runtime.ports import Engine
from app.runtime.step import move_locked
from app.runtime.visits import BY_MANAGER, Visit, counts, visit_of

Row = Mapping[str, Any]

_KEEP: Final = """
update visits set queue = %(queue)s, total = %(total)s
 where instance_id = %(instance)s and wait = %(wait)s
"""
# A new seat has everything of one that is there but its people. The highest number is read
# under the instance's lock, which everybody holds who adds one.
_ADD: Final = """
insert into tasks (instance_id, definition_id, wait, seat, step, name, state, assignee, candidates,
                   form, outcomes, priority, round, due_at, created_at, allow, added_by, barred,
                   remind_at)
select instance_id, definition_id, wait, %(seat)s, step, name, %(state)s, %(assignee)s,
       %(candidates)s, form, outcomes, priority, round, due_at, %(at)s, allow, %(added_by)s,
       barred, remind_at
  from tasks where id = %(like)s
"""
_OTHERS: Final = """
with c as (
    update tasks set state = 'cancelled', completed_at = %(at)s, reason = 'decided',
           decided_by = %(by)s
     where instance_id = %(instance)s and wait = %(wait)s and id <> %(task)s
       and state in ('open', 'claimed')
    returning id
)
delete from drafts where task_id in (select id from c)
"""
# With what its holder has asked of others.
_REMOVE: Final = """
with c as (
    update tasks set state = 'cancelled', completed_at = %(at)s, reason = 'removed'
     where instance_id = %(instance)s and wait = %(wait)s
       and (id = %(task)s or (serves = %(task)s and state in ('open', 'claimed')))
    returning id
)
delete from drafts where task_id in (select id from c)
"""


@dataclass(frozen=True, slots=True)
class Cast:
    """What came of a vote, or of a seat that was taken away.

    Args:
        moved: the instance's move, if that decided the step.
        counts: see ``visits.counts``; None where one person decides alone.
    """

    moved: Moved | None
    counts: Row | None


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

    What a manager decides whose seat it was not is no vote: the seat is counted no more. The
    others decide without it, or it is the decision where nobody else has a say.

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
        counted=event.rule is not None or task["rule"] != BY_MANAGER,
    )
    votes, total = [*visit.votes, vote], visit.counting - (not vote.counted)
    numbers = counts(visit, votes, total)
    said = {
        "wait": task["wait"],
        "round": task["round"],
        "outcome": event.outcome,
        "values": event.values,
        "approved": vote.approves if visit.decides else None,
        "counted": None if vote.counted else False,
        "comment": event.comment,
        "rule": event.rule,
        "votes": {name: numbers[name] for name in ("approved", "rejected", "total")},
    }
    line = ["task.voted", task["step"], {k: v for k, v in said.items() if v is not None}]
    doing = _Doing(engine, tx, locked, visit, actor, event.at, line, last, event.on_behalf_of)
    decided = tally.decide(visit.rules, votes, total)
    if decided is not None:
        return Cast(_close(doing, votes, total, decided, task["id"], also), numbers)
    following = [] if len(visit.open) > 1 else _next(visit, visit.total, actor, event.at)
    _write(doing, [*also, *following])
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
    return [
        _kept(visit, visit.queue, total),
        *(_seat(each, like, number, at) for number, each in enumerate(added, start=visit.top + 1)),
        seated(visit.instance, visit.wait, visit.top, actor=actor.username, at=at),
        seated_for(visit.instance, visit.wait, visit.top, actor=actor.username, at=at),
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
    total, votes = visit.counting - 1, visit.votes
    doing = _Doing(engine, tx, locked, visit, actor, at, line, last=True)
    queue = [each for each in visit.queue if each is not seat]
    about = {"instance": visit.instance, "wait": visit.wait, "at": at}
    gone: list[Statement] = []
    if "id" in seat:
        told_ = {"instance": visit.instance, "task": seat["id"], "actor": actor.username, "at": at}
        gone = [
            (_REMOVE, {**about, "task": seat["id"]}),
            told("withdrawn", [f"u:{seat['assignee']}"], text=line[2].get("comment"), **told_),
        ]
    numbers = counts(visit, votes, total)
    decided = tally.decide(visit.rules, votes, total)
    if decided is not None:
        gone.append(_kept(visit, queue, visit.total - 1))
        return Cast(_close(doing, votes, total, decided, seat.get("id", 0), gone), numbers)
    if "id" in seat and len(visit.open) == 1:
        gone += _next(visit, visit.total - 1, actor, at)
    else:
        gone.append(_kept(visit, queue, visit.total - 1))
    _write(doing, [*gone, *_unasked(doing)])
    return Cast(None, numbers)


@dataclass(frozen=True, slots=True)
class _Doing:
    """What somebody does to a visit whose instance is locked.

    Args:
        line: what the history tells of it.
        last: nothing follows in this transaction.
        behalf: for whom they do it, who is away.
    """

    engine: Engine
    tx: Tx
    locked: Locked
    visit: Visit
    actor: Actor
    at: datetime
    line: Line
    last: bool
    behalf: str | None = None


def _close(
    doing: _Doing,
    votes: Sequence[Vote],
    total: int,
    decided: Decided,
    task: int,
    also: Sequence[Statement],
) -> Moved:
    """Let the instance go on with what the votes come to, and withdraw all that is left.

    Args:
        task: whose row ``also`` writes.
    """
    final, visit = tally.final(votes), doing.visit
    event = TaskCompleted(
        at=doing.at,
        by=final.user,
        wait=visit.wait,
        values=tally.values_of(visit.rules, votes, decided),
        outcome=decided.last.outcome,
        comment=decided.last.comment,
        on_behalf_of=final.behalf,
        votes=tally.counted(votes, total, decided),
    )
    about = {"instance": visit.instance, "wait": visit.wait, "task": task}
    withdrawn = (_OTHERS, {**about, "at": doing.at, "by": final.user})
    return move_locked(
        doing.engine,
        doing.tx,
        doing.locked,
        event,
        actor=doing.actor,
        on_behalf_of=doing.behalf,
        told=[doing.line],
        also=[*also, withdrawn, *_unasked(doing)],
        last=doing.last,
    )


def _unasked(doing: _Doing) -> list[Statement]:
    """Return what tells those who were asked by people whose seats are withdrawn."""
    if not doing.visit.asking:
        return []
    visit, actor = doing.visit, doing.actor.username
    return [unasked(visit.instance, visit.wait, actor=actor, at=doing.at)]


def _next(visit: Visit, total: int, actor: Actor, at: datetime) -> list[Statement]:
    """Return what opens the first seat of the queue, if there is one."""
    if not visit.queue:
        return [] if total == visit.total else [_kept(visit, (), total)]
    like = visit.seats[-1]["id"]
    return [
        _kept(visit, visit.queue[1:], total),
        _seat(visit.queue[0], like, visit.top + 1, at),
        seated(visit.instance, visit.wait, visit.top, actor=actor.username, at=at),
        seated_for(visit.instance, visit.wait, visit.top, actor=actor.username, at=at),
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
        "added_by": given.get("added_by"),
    }


def _write(doing: _Doing, more: Sequence[Statement]) -> None:
    """Write what leaves it open."""
    told = record.told(
        doing.locked.row,
        at=doing.at,
        actor=doing.actor.username,
        kind=str(doing.line[0]),
        lines=[doing.line],
        on_behalf_of=doing.behalf,
    )
    doing.tx.together([*told, *more], last=doing.last)
