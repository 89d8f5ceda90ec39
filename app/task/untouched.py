"""Whether anybody has gone on from a completion, and what the variables were before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.core.state import State, Token
from app.core.values import same
from app.db.tx import Tx
from app.runtime.moved import Locked

Row = Mapping[str, Any]

# The row of the completion, and all that came after it.
_SINCE: Final = """
select seq, at, actor, data -> 'lines' as lines from history_events
 where instance_id = %(instance)s and seq >= (
       select max(seq) from history_events
        where instance_id = %(instance)s and kind = 'task.completed'
          and (data -> 'events' -> 0 ->> 'wait')::bigint = %(wait)s)
 order by seq
"""
_AFTER: Final = """
select seq, at, actor, data -> 'lines' as lines from history_events
 where instance_id = %(instance)s and seq >= (
       select max(seq) from history_events
        where instance_id = %(instance)s and kind = 'task.voted'
          and (data -> 'lines' -> 0 -> 2 ->> 'wait')::bigint = %(wait)s)
 order by seq
"""
_BEFORE: Final = """
select data -> 'lines' as lines from history_events
 where instance_id = %(instance)s and seq < %(seq)s
   and (seq = 1 or data::text like '%%"variables.changed"%%')
 order by seq desc
"""
_TASKS: Final = """
select t.step, t.assignee, (select min(d.username) from drafts d where d.task_id = t.id) as drafted
  from tasks t
 where t.instance_id = %(instance)s and t.wait = any(%(waits)s) and t.state in ('open', 'claimed')
 order by t.id
"""
# Locked: from here on no worker can begin one of them.
_JOBS: Final = """
select step, state, attempt from jobs
 where instance_id = %(instance)s and wait = any(%(waits)s) order by id for update
"""
_HARMLESS: Final = frozenset(
    {"task.reminded", "task.overdue", "task.commented", "task.comment_edited", "task.copied"}
)
"""What may have been done with a task that is untouched."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands in the way.

    Args:
        kind: ``task``, ``draft``, ``job``, ``child``, ``message``, ``variables``, ``vote``: others
            decided after it, or ``joined``: other branches have come together with it.
        step: id of the step it is about.
        by: username of who did it, if it was a person.
    """

    kind: str
    step: str | None = None
    by: str | None = None
    at: datetime | None = None

    def told(self) -> dict[str, Any]:
        """Return it as a refusal tells it."""
        at = self.at.isoformat().replace("+00:00", "Z") if self.at else None
        return {"kind": self.kind, "step": self.step, "by": self.by, "at": at}


@dataclass(slots=True)
class Found:
    """What was found out.

    Args:
        obstacles: what stands in the way, the earliest first.
        holders: usernames of who has what followed.
        restore: variables that the completion has changed, as they were before.
        forget: those that did not exist.
    """

    obstacles: list[Obstacle] = field(default_factory=list)
    holders: list[str] = field(default_factory=list)
    restore: dict[str, Any] = field(default_factory=dict)
    forget: list[str] = field(default_factory=list)


def look(tx: Tx, locked: Locked, task: Row, tokens: Sequence[Token]) -> Found:
    """Find out whether all that followed from a completion is untouched.

    Args:
        task: the row of the completed task; its instance is locked.
        tokens: what the completion has become.
    """
    state, found = locked.state, Found()
    there = list(_with_inner(state, tokens))
    waits = sorted({token.wait.id for token in there if token.wait is not None})
    about = {"instance": task["instance_id"], "wait": task["wait"], "waits": waits}
    since, tasks, jobs = (
        answer.rows for answer in tx.together([(_SINCE, about), (_TASKS, about), (_JOBS, about)])
    )
    if not since:  # it is no completion of this task alone
        return Found([Obstacle("joined")])
    own, *later = since
    found.obstacles += _done_at_once(own)
    found.obstacles += _done_since(later, {token.id for token in there}, set(waits))
    found.obstacles += [
        Obstacle("draft", row["step"], row["drafted"]) for row in tasks if row["drafted"]
    ]
    found.obstacles += [
        Obstacle("job", row["step"]) for row in jobs if row["state"] != "due" or row["attempt"]
    ]
    found.holders += sorted({row["assignee"] for row in tasks if row["assignee"]})
    changed = _changed(own["lines"])
    for name, value in changed.items():
        if name not in state.variables or not same(state.variables[name], value):
            found.obstacles.append(Obstacle("variables"))
            break
    if not found.obstacles and changed:
        _former(tx, locked, {**about, "seq": own["seq"]}, changed, found)
    return found


def since_vote(tx: Tx, task: Row) -> list[Obstacle] | None:
    """Return what was done since somebody voted where one decides after the other.

    None: since then it was decided, and that taken back.

    Args:
        task: their seat, the last one that is decided.
    """
    about = {"instance": task["instance_id"], "wait": task["wait"], "waits": [task["wait"]]}
    later, tasks = (answer.rows for answer in tx.together([(_AFTER, about), (_TASKS, about)]))
    if not later:
        return None
    found = list(_done_since(later[1:], set(), {task["wait"]}))
    return found + [
        Obstacle("draft", row["step"], row["drafted"]) for row in tasks if row["drafted"]
    ]


def _with_inner(state: State, tokens: Iterable[Token]) -> Iterable[Token]:
    """Yield tokens, and those that move in scopes inside them."""
    for token in tokens:
        yield token
        inner = [scope.id for scope in state.scopes.values() if scope.owner == token.id]
        yield from _with_inner(state, [each for each in state.tokens if each.scope in inner])


def _done_at_once(row: Row) -> Iterable[Obstacle]:
    """Yield what the completion itself has set off and nobody can take back."""
    for kind, step, _ in row["lines"]:
        if kind == "message.sent":
            yield Obstacle("message", step)
        elif kind == "child.started":
            yield Obstacle("child", step)


def _done_since(rows: Iterable[Row], tokens: set[int], waits: set[int]) -> Iterable[Obstacle]:
    """Yield what was done since to what has followed."""
    for row in rows:
        for kind, step, data in row["lines"]:
            touched = data.get("wait") in waits or data.get("token") in tokens
            if touched and kind not in _HARMLESS:
                what = "job" if kind.startswith(("job.", "incident.")) else "task"
                by = row["actor"] if what == "task" and row["actor"] != "system" else None
                yield Obstacle(what if by or what == "job" else "joined", step, by, row["at"])
                break


def _changed(lines: Iterable[Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for kind, _, data in lines:
        if kind == "variables.changed" and not data.get("scope"):
            changed.update(data["values"])
    return changed


def _former(tx: Tx, locked: Locked, about: Row, names: Iterable[str], found: Found) -> None:
    """Note what variables were before: by the history, else as declared."""
    left = set(names)
    for row in tx.run(_BEFORE, about).fetchall():
        values = _changed(row["lines"])
        for kind, _, data in row["lines"]:
            if kind == "instance.started":
                values = {**data["variables"], **values}
        for name in left & values.keys():
            found.restore[name] = values[name]
        left -= values.keys()
        if not left:
            return
    for name in sorted(left):
        declared = locked.definition.variables.get(name)
        if declared is not None and declared.default is not None:
            found.restore[name] = declared.default
        else:
            found.forget.append(name)
