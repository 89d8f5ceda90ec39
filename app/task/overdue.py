"""Reminders, and what a step says is to happen when its task is overdue.

A task has the moment at which it has to be looked at (``tasks.remind_at``). Each is looked at
in a transaction of its own, its instance locked; what has come since the last look is told
once, and the next moment is written with it. So nothing happens twice, and what a stop has
held up does not come as a burst.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from app.core import approval, reminding
from app.core.definition import Step
from app.core.events import TaskCompleted
from app.core.expression import ExpressionError, evaluate_config
from app.core.task_scope import scope_of
from app.core.values import plain_text
from app.db.tx import Tx
from app.db.wire import Statement
from app.history import record
from app.identity.actor import SYSTEM
from app.identity.queries import Resolved, manager_of, resolve_all
from app.notice.store import told, told_for
from app.runtime import votes
from app.runtime.ports import Engine
from app.runtime.step import Locked, loaded, move_locked
from app.task import access, side_close, side_store, store
from app.telemetry import metrics

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]

BATCH: Final = 100
"""Tasks that are looked up at once."""
_DUE: Final = """
select id, remind_at from tasks
 where state in ('open', 'claimed') and remind_at <= %(now)s
   and (remind_at, id) > (%(after)s, %(last)s)
 order by remind_at, id limit %(limit)s
"""
_NEXT: Final = "update tasks set remind_at = %(at)s where id = %(task)s"
_GIVE: Final = """
update tasks set state = %(state)s, assignee = %(to)s, candidates = %(candidates)s,
       claimed_at = null, rule = null
 where id = %(task)s
"""


def look(engine: Engine, *, now: datetime, limit: int = 1_000) -> int:
    """Do what is due, the longest due first; return how many tasks it was about.

    One that fails is told in the log, and holds up no other.
    """
    count, after, last = 0, datetime.min.replace(tzinfo=UTC), 0
    while count < limit:
        with engine.db.transaction() as tx:
            asked = {"now": now, "after": after, "last": last, "limit": BATCH}
            rows = tx.run(_DUE, asked).fetchall()
        for row in rows:
            try:
                count += look_at(engine, row["id"], now=now)
            except Exception:
                log.exception("reminder.failed", task_id=row["id"])
        if len(rows) < BATCH:
            break
        after, last = rows[-1]["remind_at"], rows[-1]["id"]
    return count


def look_at(engine: Engine, task_id: int, *, now: datetime) -> int:
    """Do what is due of one task; return 1 unless it was done, or over, already."""
    with engine.db.transaction() as tx:
        task = store.seen(tx, task_id, locked=True)
        if task is None or task["state"] not in access.LIVE or task["remind_at"] is None:
            return 0
        if task["remind_at"] > now or task["instance_status"] != "running":
            return 0
        locked = loaded(engine, tx, store.instance_of(task))
        step = locked.definition.by_id.get(task["step"])
        if step is None or task["due_at"] is None:  # of another version, by a migration
            tx.run(_NEXT, {"task": task_id, "at": None})
            return 0
        marks = reminding.reached(step, task["due_at"], task["remind_at"], now)
        following = reminding.following(step, task["due_at"], now)
        _Look(engine, tx, locked, step, task, now, following).do(marks)
    return 1


class _Look:
    """One task that is looked at; its instance and its row are locked."""

    def __init__(
        self,
        engine: Engine,
        tx: Tx,
        locked: Locked,
        step: Step,
        task: Row,
        now: datetime,
        following: datetime | None,
    ) -> None:
        self.engine, self.tx, self.locked, self.step = engine, tx, locked, step
        self.task, self.now = task, now
        self.lines: list[list[Any]] = []
        self.also: list[Statement] = [(_NEXT, {"task": task["id"], "at": following})]

    def do(self, marks: Sequence[reminding.Mark]) -> None:
        """Do what these say, and write it."""
        late = self.step.config["on_overdue"] if any(m.text is None for m in marks) else None
        action = late["action"] if late else None
        # What somebody has decided is not decided otherwise because others sign it late.
        signed = action == "outcome" and self.task["waits_for"] == "after"
        if late and action == "outcome" and not signed and self._decide(late["outcome"]):
            return
        reminders = [mark.text for mark in marks if mark.text is not None]
        if reminders:
            self._tell_holders("reminded")
            self._say("task.reminded", to=self.task["assignee"], at=reminders[-1])
            self._count("remind")
        if late and action == "reassign":
            self._reassign(late["to"])
        elif late and (action == "escalate" or signed):
            self._escalate(self._named(late.get("to")))
        elif late:
            self._tell_holders("overdue")
            self._say("task.overdue", action="notify", keys=self._holders())
            self._count("notify")
        self._write()

    def _decide(self, outcome: str) -> bool:
        """Complete the task as the rule says; False if its step knows no such outcome."""
        answer = approval.by_word(self.step, outcome)
        if answer is None:
            return False
        if self.task["sides"]:  # who was asked first need not answer any more
            closed = side_close.decided(self.tx, SYSTEM, self.task, now=self.now)
            self.task = {**self.task, **closed}
            self.locked = loaded(self.engine, self.tx, store.instance_of(self.task))
        values, chosen = answer
        event = TaskCompleted(
            at=self.now,
            by=approval.SYSTEM,
            wait=self.task["wait"],
            values=values,
            outcome=chosen,
            rule="on_overdue",
        )
        also = store.completed(self.task["id"], event)
        if self.task["waits_for"]:
            also.append(side_store.freed(self.task))
        if self.task["seat"]:
            votes.cast_vote(
                *(self.engine, self.tx, self.locked, self.task, event),
                actor=SYSTEM,
                also=also,
                last=True,
            )
            self._count("outcome")
            return True
        move_locked(self.engine, self.tx, self.locked, event, actor=SYSTEM, also=also, last=True)
        self._count("outcome")
        return True

    def _reassign(self, to: str) -> None:
        """Give it to others; if nobody is there, those who look after the process are told."""
        found = self._named(to)
        barred = self.task["barred"] or ()
        keys = [key for key in found.keys if not (key[:2] == "u:" and key[2:] in barred)]
        person = next((key[2:] for key in keys if key[:2] == "u:"), None)
        waits = self.task["waits_for"] is not None  # for others, whom it would be taken from
        if (
            waits
            or not keys
            or person == self.task["assignee"]
            or (person and side_store.seated(self.tx, self.task, person))
        ):
            self._escalate(Resolved())
            return
        given = {"task": self.task["id"], "to": person, "candidates": self.task["candidates"]}
        given |= {"state": "claimed"} if person else {"state": "open", "candidates": keys}
        self._tell("overdue", self._holders())
        self.also.append((_GIVE, given))
        if person:
            self._tell("task", [f"u:{person}"])
            about = {"task": self.task["id"], "actor": SYSTEM.username, "at": self.now}
            self.also.append(told_for("task", **about))
            keys = [f"u:{person}"]
        self._say("task.overdue", action="reassign", keys=keys, **{"from": self.task["assignee"]})
        self._count("reassign")

    def _escalate(self, to: Resolved) -> None:
        """Tell who has it, and those above: as it is said, else their manager and the owners."""
        keys = list(to.keys) or [*self._manager(), *self._owners()] or ["r:admin"]
        self._tell_holders("overdue", *keys)
        self._say("task.overdue", action="escalate", keys=list(dict.fromkeys(keys)))
        self._count("escalate")

    def _holders(self) -> list[str]:
        holder = self.task["assignee"]
        return [f"u:{holder}"] if holder else list(self.task["candidates"])

    def _manager(self) -> list[str]:
        manager = manager_of(self.tx, self.task["assignee"])
        return [f"u:{manager}"] if manager is not None else []

    def _owners(self) -> list[str]:
        owners = self.locked.definition.settings.get("owners") or ()
        return list(resolve_all(self.tx, [(str(name), None) for name in owners]).keys)

    def _named(self, to: str | None) -> Resolved:
        """Return whom a name, or an expression that gives one, means today."""
        if to is None:
            return Resolved()
        scope = scope_of(self.locked.definition, self.locked.state, self.task["wait"], self.now)
        try:
            name = plain_text(evaluate_config(to, scope, self.now))
        except ExpressionError as error:
            log.warning(
                "reminder.nobody_to_give", task_id=self.task["id"], error=str(error.message)
            )
            return Resolved()
        return resolve_all(self.tx, [(name, None)]) if name else Resolved()

    def _tell(self, event: Any, keys: Sequence[str]) -> None:
        about = {"instance": self.task["instance_id"], "task": self.task["id"]}
        but = self.task["barred"] if event == "reminded" else None
        self.also.append(told(event, keys, actor=SYSTEM.username, but=but, at=self.now, **about))

    def _tell_holders(self, event: Any, *others: str) -> None:
        """Tell who has the task, and whoever stands in for them; each once."""
        keys = [*self._holders(), *others]
        self._tell(event, keys)
        about = {"task": self.task["id"], "actor": SYSTEM.username, "at": self.now}
        self.also.append(told_for(event, keys=keys, **about))

    def _say(self, kind: str, **said: Any) -> None:
        data = {"wait": self.task["wait"], "round": self.task["round"]}
        data |= {name: value for name, value in said.items() if value is not None}
        self.lines.append([kind, self.task["step"], data])

    def _count(self, action: str) -> None:
        task_id = self.task["id"]
        self.tx.after_commit(lambda: metrics.task_reminded(action))
        self.tx.after_commit(lambda: log.info("reminder.done", task_id=task_id, action=action))

    def _write(self) -> None:
        head = {name: self.task[name] for name in ("history_seq", "history_hash")}
        head["id"] = self.task["instance_id"]
        written: list[Statement] = []
        if self.lines:
            written = record.told(
                head,
                at=self.now,
                actor=SYSTEM.username,
                kind=self.lines[-1][0],
                lines=self.lines,
            )
        self.tx.together([*written, *self.also], last=True)
