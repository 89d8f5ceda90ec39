"""Who gets a task: the names that the core evaluated, looked up among today's people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.core.definition import Definition
from app.core.effects import OpenTask
from app.core.tally import MAX_SEATS
from app.db.tx import Tx
from app.db.wire import Answer, Statement
from app.identity.queries import Ahead, Kind, Resolved, ahead_of, members_of, resolve_all
from app.runtime import rules
from app.runtime.given_to import Given

_LISTED: Final = 10 * MAX_SEATS
"""Members of groups that are looked at: one person may be in several."""


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

    Who has done it before has a step that is opened once more, if they are still there. One
    person named as assignee has it from the start. A group or role, and the candidates
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
    if task.again:
        before = resolve_all(tx, [(task.again, "user")]).users
        if before:
            groups = [key for key in named.keys if not key.startswith("u:")]
            offered = Resolved(keys=tuple(dict.fromkeys((*groups, *offered.keys))))
            named = Resolved(before[:1], (f"u:{before[0]}",))
    if task.approval is not None:
        return rules.keep(tx, definition, task, named, offered)
    if named.users:
        return Given(named.users[0], offered.keys)
    keys = list(dict.fromkeys((*named.keys, *offered.keys)))
    if keys:
        return Given(None, keys)
    return to_owner(tx, definition, task)


def seat(tx: Tx, definition: Definition, task: OpenTask) -> list[Given]:
    """Decide who gets a task each of a step for several people, in the order of their turns.

    A group or role stands for its active members, unless the step says that it is one of them.
    Who is named twice has one seat. Nobody left, or more people than can decide together: the
    owners get one, as ``give`` says.
    """
    found = resolve_all(tx, [(name, None) for name in task.assignees])
    members = members_of(tx, found.keys, most=_LISTED) if task.expand else {}
    keys: dict[str, None] = {}
    for key in found.keys:
        mine = [f"u:{name}" for name in members[key]] if key in members else [key]
        keys.update(dict.fromkeys(mine))
    many = len(keys) > MAX_SEATS or sum(map(len, members.values())) >= _LISTED
    if task.approval is not None:
        return rules.keep_seats(tx, definition, task, () if many else tuple(keys))
    if not keys or many:
        return [to_owner(tx, definition, task)]
    return [rules.seat_of(key) for key in keys]


def to_owner(tx: Tx, definition: Definition, task: OpenTask, barred: Sequence[str] = ()) -> Given:
    """Give a task to the owners of its definition, whatever its rules say, else to others.

    Args:
        barred: usernames of people who may not decide it.
    """
    return rules.empty(tx, definition, replace(task, approval=None), barred)
