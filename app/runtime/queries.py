"""Reading instances: one with where it stands, lists, and incidents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core.codec import state_from_json
from app.core.definition import Definition
from app.core.state import Token
from app.db.tx import Database, Tx
from app.definition.cache import SHARED
from app.errors import NotFound
from app.identity.actor import Actor
from app.identity.sensitive import hidden_names, masked, masked_detail
from app.runtime import access
from app.runtime.candidates import by_kind
from app.runtime.listing import incidents, list_, mine

__all__ = ["get", "incidents", "list_", "mine"]

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
_SINCE: Final = """
select wait, created_at as since from tasks where instance_id = %(id)s and wait = any(%(waits)s)
union all
select wait, created_at from jobs where instance_id = %(id)s and wait = any(%(waits)s)
union all
select wait, at from incidents where instance_id = %(id)s and wait = any(%(waits)s)
union all
select wait, created_at from subscriptions where instance_id = %(id)s and wait = any(%(waits)s)
union all
select parent_wait, started_at from process_instances
 where parent_id = %(id)s and parent_wait = any(%(waits)s)
"""
# What may let a token go on without a person or a worker, by wait.
_AWAITED: Final = """
select wait, 'timer' as kind, due_at, null as message, null as correlation_key,
       null::bigint as child_id
  from timers where instance_id = %(id)s and wait = any(%(waits)s)
union all
select wait, 'message', null, name, key, null
  from subscriptions where instance_id = %(id)s and wait = any(%(waits)s)
union all
select parent_wait, 'child', null, null, null, id
  from process_instances
 where parent_id = %(id)s and parent_wait = any(%(waits)s) and status in ('running', 'suspended')
"""
_CHILDREN: Final = """
select c.id, d.key as definition_key, c.title, c.status
  from process_instances c join process_definitions d on d.id = c.definition_id
 where c.parent_id = %(id)s order by c.id desc limit %(limit)s
"""
MAX_CHILDREN: Final = 200
"""Of an instance, as its body lists them: the newest ones."""


def get(
    db: Database, actor: Actor, instance_id: int, *, now: datetime | None = None
) -> dict[str, Any]:
    """Return an instance as the REST documentation's body ``instance``.

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
        tasks = tx.run(_TASKS, {"id": instance_id, "now": clock}).fetchall()
        troubles = tx.run(_INCIDENTS, {"id": instance_id}).fetchall()
        tokens = _tokens(tx, definition, row)
        children = tx.run(_CHILDREN, {"id": instance_id, "limit": MAX_CHILDREN}).fetchall()
    hidden = hidden_names(definition, actor)
    return {
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
        "tokens": tokens,
        "tasks": [_task(task, row) for task in tasks],
        "incidents": [_incident(trouble, definition, hidden) for trouble in troubles],
        "started_by": row["started_by"],
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        "workflow_id": None,
        "parent_id": row["parent_id"],
        "children": [dict(child) for child in children],
    }


def _tokens(tx: Tx, definition: Definition, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    state = state_from_json(row["state"], row["variables"])
    waits = [token.wait.id for token in state.tokens if token.wait is not None]
    attached = [each.id for token in state.tokens if token.wait for each in token.wait.attached]
    since: dict[int, datetime] = {}
    awaited: dict[int, list[dict[str, Any]]] = {}
    if waits:
        found = tx.run(_SINCE, {"id": row["id"], "waits": waits}).fetchall()
        since = {each["wait"]: each["since"] for each in found}
        for each in tx.run(_AWAITED, {"id": row["id"], "waits": waits + attached}).fetchall():
            wait = each.pop("wait")
            said = {name: value for name, value in each.items() if value is not None}
            awaited.setdefault(wait, []).append(said)
    return [
        {
            "id": token.id,
            "step": _step(definition, token.step),
            "since": since.get(token.wait.id) if token.wait else None,
            "waiting_for": token.wait.kind if token.wait else None,
            "awaits": _awaits(token, awaited),
        }
        for token in state.tokens
    ]


def _awaits(token: Token, awaited: Mapping[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what may let a token go on by itself; ``boundary`` says that it is attached."""
    if token.wait is None:
        return []
    own = [{**each, "boundary": None} for each in awaited.get(token.wait.id, ())]
    beside = [
        {**each, "boundary": attached.index}
        for attached in token.wait.attached
        for each in awaited.get(attached.id, ())
    ]
    return own + beside


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
    }


def _incident(
    row: Mapping[str, Any], definition: Definition, hidden: frozenset[str]
) -> dict[str, Any]:
    return {
        "id": row["id"],
        "process_instance_id": row["instance_id"],
        "step": _step(definition, row["step"]),
        "kind": row["kind"],
        "message": row["message"],
        "detail": masked_detail(row["detail"], hidden),
        "attempts": row["attempts"],
        "at": row["at"],
        "resolved_at": row["resolved_at"],
    }
