"""Tasks that rules decide at once: each is completed as it is opened, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core.approval import SYSTEM
from app.core.definition import Definition
from app.core.events import Event, NobodyLeft, TaskCompleted
from app.db.tx import Tx
from app.runtime import people, rules
from app.runtime.plan import Decided, Plan, follow
from app.runtime.ports import Services

MOST: Final = 100
"""Decisions of rules in one transaction; what comes then is the owners' to look at."""


def settle(tx: Tx, definition: Definition, plan: Plan, services: Services, *, at: datetime) -> None:
    """Give the plan's tasks that have rules, and let it go on where a rule decides.

    One after the other, each by what the ones before have led to.
    """
    decided = 0
    waiting = True
    while waiting:
        waiting = False
        for task in list(plan.tasks.values()):
            if task.rules is None or task.wait in plan.given:
                continue
            given = people.give(tx, definition, task)
            by_rule = given.nobody or given.answer is not None
            if by_rule and decided >= MOST:
                given, by_rule = people.to_owner(tx, definition, task, given.barred or ()), False
            if not by_rule:
                plan.given[task.wait] = given
                continue
            decided += 1
            waiting = True
            del plan.tasks[task.wait]
            event: Event = NobodyLeft(at=at, wait=task.wait, wanted=rules.wanted_of(task))
            if given.answer is not None:
                event = _completed(task.wait, given.answer, given.rule, at)
                plan.decided.append(Decided(task, given, event))
            follow(plan, definition, [event], services)
            break


def _completed(
    wait: int, answer: tuple[Mapping[str, Any], str | None], rule: str | None, at: datetime
) -> TaskCompleted:
    values, outcome = answer
    return TaskCompleted(at=at, by=SYSTEM, wait=wait, values=values, outcome=outcome, rule=rule)
