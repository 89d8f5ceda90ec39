"""Tasks that rules decide at once: each is completed as it is opened, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core import tally
from app.core.approval import SYSTEM
from app.core.definition import Definition
from app.core.effects import OpenTask
from app.core.events import Event, NobodyLeft, TaskCompleted
from app.core.rules import Rules
from app.core.tally import Vote
from app.core.values import iso_text
from app.db.tx import Tx
from app.db.types import Json
from app.runtime import people, rules
from app.runtime.given_to import Given, turns
from app.runtime.plan import Decided, Plan, follow
from app.runtime.ports import Services

MOST: Final = 100
"""Decisions of rules in one transaction; what comes then is the owners' to look at."""


def settle(tx: Tx, definition: Definition, plan: Plan, services: Services, *, at: datetime) -> None:
    """Give the plan's tasks that have rules, and let it go on where a rule decides.

    One after the other, each by what the ones before have led to.
    """
    decided = 0
    while True:
        task = next((each for each in plan.tasks.values() if _is_new(plan, each)), None)
        if task is None:
            return
        if task.rules is None:
            event = _given(tx, definition, plan, task, at, may=decided < MOST)
        else:
            event = _seated(tx, definition, plan, task, task.rules, at, may=decided < MOST)
        if event is not None:
            decided += 1
            del plan.tasks[task.wait]
            follow(plan, definition, [event], services)


def _is_new(plan: Plan, task: OpenTask) -> bool:
    if task.approval is None:
        return False
    return task.wait not in plan.given and task.wait not in plan.seats


def _given(
    tx: Tx, definition: Definition, plan: Plan, task: OpenTask, at: datetime, *, may: bool
) -> Event | None:
    """Give a task to somebody; return what happens instead if a rule decides, and may."""
    given = people.give(tx, definition, task)
    if given.answer is None and not given.nobody:
        plan.given[task.wait] = given
        return None
    if not may:
        plan.given[task.wait] = people.to_owner(tx, definition, task, given.barred or ())
        return None
    return _whole(plan, task, given, at)


def _seated(
    tx: Tx,
    definition: Definition,
    plan: Plan,
    task: OpenTask,
    together: Rules,
    at: datetime,
    *,
    may: bool,
) -> Event | None:
    """Same for a task of several people, where a rule may also decide for some of them."""
    seats = people.seat(tx, definition, task)
    alone = seats[0]
    if len(seats) == 1 and (alone.nobody or alone.rule in _WHOLE):
        if may:
            return _whole(plan, task, alone, at)
        plan.seats[task.wait] = [people.to_owner(tx, definition, task, alone.barred or ())]
        return None
    voted, _, _ = turns(together.mode, seats)
    made = [_completed(task.wait, seat.answer, seat.rule, at) for seat in voted if seat.answer]
    votes = [
        Vote(SYSTEM, bool(tally.approval(together, each.values, each.outcome)), iso_text(at),
             each.outcome, each.values)
        for each in made
    ]  # fmt: skip
    result = tally.decide(together, votes, len(seats)) if may else None
    for number, (seat, event) in enumerate(zip(voted, made, strict=True), start=1):
        plan.decided.append(Decided(task, seat, event, number))
        said: dict[str, Any] = {"wait": task.wait, "rule": seat.rule, "to": seat.assignee}
        said |= {"values": event.values, "outcome": event.outcome}
        plan.lines.append(["decision.automatic", task.step, said])
    if result is None:
        plan.seats[task.wait] = seats
        return None
    kept = {"wait": task.wait, "rules": Json(together.to_json()), "queue": Json([])}
    plan.visits.append(kept | {"total": len(seats)})
    return TaskCompleted(
        at=at,
        by=SYSTEM,
        wait=task.wait,
        values=tally.values_of(together, votes, result),
        outcome=result.last.outcome,
        votes=tally.counted(votes, len(seats), result),
        rule=voted[-1].rule,
    )


_WHOLE: Final = ("self_approval", "empty_assignee")
"""Rules that decide a step, not for one of several."""


def _whole(plan: Plan, task: OpenTask, given: Given, at: datetime) -> Event:
    if given.answer is None:
        return NobodyLeft(at=at, wait=task.wait, wanted=rules.wanted_of(task))
    event = _completed(task.wait, given.answer, given.rule, at)
    plan.decided.append(Decided(task, given, event))
    return event


def _completed(
    wait: int, answer: tuple[Mapping[str, Any], str | None], rule: str | None, at: datetime
) -> TaskCompleted:
    values, outcome = answer
    return TaskCompleted(at=at, by=SYSTEM, wait=wait, values=values, outcome=outcome, rule=rule)
