"""Who gets a task: the names that the core evaluated, looked up among today's people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.core.definition import Definition
from app.core.effects import OpenTask
from app.db.tx import Tx
from app.db.wire import Answer, Statement
from app.identity.queries import Ahead, Kind, Resolved, ahead_of, resolve_all
from app.runtime import rules
from app.runtime.given_to import Given


def ask_ahead(tx: Tx, definition: Definition | None, first: Statement) -> Answer:
    """Run a statement, and in the same trip look up whom the definition's tasks name.

    Returns:
        What came of the statement.
    """
    named = definition.people if definition is not None else frozenset()
    if not named:
        return tx.run(*first)
    who = ahead_of(named)
    answer, found = tx.together([first, who.question])
    who.take(found)
    tx.ahead[Ahead] = who
    return answer


def give(tx: Tx, definition: Definition, task: OpenTask) -> Given:
    """Decide who gets the task.

    One person named as assignee has it from the start. A group or role, and the candidates
    beside it, are offered it. If none of these exist (any more), it goes to the owners of
    the definition, else to the administrators: work never waits for nobody. What its approval
    rules say comes first.
    """
    named = resolve_all(tx, [(task.assignee, None)]) if task.assignee else Resolved()
    wanted: list[tuple[str, Kind | None]] = [
        *((name, "user") for name in task.candidate_users),
        *((name, "group") for name in task.candidate_groups),
    ]
    offered = resolve_all(tx, wanted) if wanted else Resolved()
    if task.rules is not None:
        return rules.keep(tx, definition, task, named, offered)
    if named.users:
        return Given(named.users[0], offered.keys)
    keys = list(dict.fromkeys((*named.keys, *offered.keys)))
    if keys:
        return Given(None, keys)
    return to_owner(tx, definition, task)


def to_owner(tx: Tx, definition: Definition, task: OpenTask, barred: Sequence[str] = ()) -> Given:
    """Give a task to the owners of its definition, whatever its rules say, else to others.

    Args:
        barred: usernames of people who may not decide it.
    """
    return rules.empty(tx, definition, replace(task, rules=None), barred)
