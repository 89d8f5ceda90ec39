"""Reading instances: one with where it stands, lists, and incidents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.codec import state_from_json
from app.core.definition import Definition
from app.core.state import State, Token, Wait
from app.db.tx import Database
from app.definition.cache import SHARED
from app.errors import NotFound
from app.identity.actor import Actor
from app.identity.parts import TAKES_PART
from app.identity.seats import ForSeats
from app.identity.sensitive import hidden_names, masked
from app.runtime import access
from app.runtime.candidates import by_kind
from app.runtime.listing import incidents, list_, mine, started_processes, viewed_processes
from app.runtime.trouble import told
from app.runtime.waits import Open, open_waits

__all__ = ["get", "incidents", "list_", "mine", "started_processes", "viewed_processes"]

_ONE: Final = """
select i.*, d.key as definition_key, d.names as definition_names, d.version as definition_version,
       d.checksum
  from process_instances i join process_definitions d on d.id = i.definition_id
 where i.id = %(id)s
"""
_TASKS: Final = """
select t.*, coalesce(t.due_at < coalesce(%(now)s, now()), false) as overdue
  from tasks t where t.instance_id = %(id)s and t.state in ('open', 'claimed') order by t.id
"""
_INCIDENTS: Final = """
select * from incidents where instance_id = %(id)s and resolved_at is null order by id
"""
_CHILDREN: Final = ForSeats(f"""
select i.id, d.key as definition_key, i.title, i.status, i.incident_count > 0 as stuck
  from process_instances i join process_definitions d on d.id = i.definition_id
 where i.parent_id = %(id)s and (%(all)s or {TAKES_PART})
 order by i.id desc limit %(limit)s
""")  # noqa: S608 - constants only
MAX_CHILDREN: Final = 200
"""Of an instance, as its body lists them: the newest ones that the reader may see."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An instance as a reader sees it.

    Args:
        body: the REST documentation's body ``instance``.
        definition: what it runs by.
        state: where it stands.
        waits: what may answer its tokens.
        children: ``{id, definition_key, title, status, stuck}`` of those that it called and
            that the reader may see, the newest first.
    """

    body: dict[str, Any]
    definition: Definition
    state: State
    waits: Mapping[int, Open]
    children: list[Mapping[str, Any]]


def get(
    db: Database, actor: Actor, instance_id: int, *, now: datetime | None = None
) -> dict[str, Any]:
    """Return an instance as the REST documentation's body ``instance``; see ``seen``."""
    return seen(db, actor, instance_id, now=now).body


def seen(db: Database, actor: Actor, instance_id: int, *, now: datetime | None = None) -> Seen:
    """Return an instance, and what its body was made from.

    ``allowed`` of its tasks is empty: what the actor may do with a task is the task
    module's to say.

    Args:
        now: decides which tasks are overdue; default: the database's clock.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    with db.transaction() as tx:
        row = tx.run(_ONE, {"id": instance_id}).fetchone()
        if row is None or not access.may_see(tx, actor, instance_id):
            raise NotFound(
                "instance_not_found", "There is no such instance, or you may not see it."
            )
        definition = SHARED.get(tx, row["definition_id"], row["checksum"])
        clock = row["suspended_at"] or now
        related = {"limit": MAX_CHILDREN, "all": actor.can("process:read")}
        tasks, troubles, children = (
            answer.rows
            for answer in tx.together(
                [
                    (_TASKS, {"id": instance_id, "now": clock}),
                    (_INCIDENTS, {"id": instance_id}),
                    _CHILDREN.by(actor, {"id": instance_id, **related}),
                ]
            )
        )
        state = state_from_json(row["state"], row["variables"])
        waits = open_waits(tx, instance_id, state)
    hidden = hidden_names(definition, actor)
    body = {
        "id": row["id"],
        "process_definition_id": row["definition_id"],
        "definition": {
            "id": row["definition_id"],
            "key": row["definition_key"],
            "name": row["definition_names"],
            "version": row["definition_version"],
        },
        "business_key": row["business_key"],
        "title": row["title"],
        "status": row["status"],
        "result": row["result"],
        "variables": masked(row["variables"], hidden),
        "tokens": [_token(definition, token, waits) for token in state.tokens],
        "tasks": [_task(task, row) for task in tasks],
        "incidents": [_incident(trouble, definition, hidden) for trouble in troubles],
        "started_by": row["started_by"],
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        "workflow_id": None,
        "parent_id": row["parent_id"],
        "children": [
            {name: child[name] for name in ("id", "definition_key", "title", "status")}
            for child in children
        ],
    }
    return Seen(body, definition, state, waits, list(children))


def _token(definition: Definition, token: Token, waits: Mapping[int, Open]) -> dict[str, Any]:
    wait = token.wait
    answer = waits.get(wait.id) if wait is not None else None
    return {
        "id": token.id,
        "step": _step(definition, token.step),
        "since": answer.since if answer is not None else None,
        "waiting_for": wait.kind if wait is not None else None,
        "awaits": list(_awaits(wait, waits)) if wait is not None else [],
    }


def _awaits(wait: Wait, waits: Mapping[int, Open]) -> Iterator[dict[str, Any]]:
    """Yield what may let a token go on by itself; ``boundary`` says that it is attached."""
    for number, boundary in ((wait.id, None), *((each.id, each.index) for each in wait.attached)):
        answer = waits.get(number)
        if answer is None:
            continue
        if answer.kind == "timer":
            yield {"kind": "timer", "boundary": boundary, "due_at": answer.due_at}
        elif answer.kind == "message":
            yield {
                "kind": "message",
                "boundary": boundary,
                "message": answer.name,
                "correlation_key": answer.key,
            }
        elif answer.kind == "child":
            yield {"kind": "child", "boundary": boundary, "child_id": answer.id}


def _step(definition: Definition, step_id: str) -> dict[str, Any]:
    step = definition.by_id[step_id]
    return {"id": step.id, "name": step.name, "type": step.type}


def _task(task: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": task["id"],
        "process_instance_id": instance["id"],
        "process_definition_id": instance["definition_id"],
        "business_key": instance["business_key"],
        "title": instance["title"],
        "step": {"id": task["step"], "name": task["name"]},
        "state": task["state"],
        "assignee": task["assignee"],
        "candidates": by_kind(task["candidates"]),
        "form": task["form"],
        "values": None,
        "outcomes": task["outcomes"],
        "allowed": [],
        "due_at": task["due_at"],
        "overdue": task["overdue"],
        "priority": task["priority"],
        "round": task["round"],
        "created_at": task["created_at"],
        "completed_at": None,
        "completed_by": None,
        "on_behalf_of": None,
        "outcome": None,
        "role": task["role"],
        "waits_for": task["waits_for"],
    }


def _incident(
    row: Mapping[str, Any], definition: Definition, hidden: frozenset[str]
) -> dict[str, Any]:
    return {
        "id": row["id"],
        "process_instance_id": row["instance_id"],
        "step": _step(definition, row["step"]),
        "kind": row["kind"],
        **told(row["message"], row["detail"], hidden),
        "attempts": row["attempts"],
        "at": row["at"],
        "resolved_at": row["resolved_at"],
    }
