"""A task's row as the body that every door shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core.form_seen import GUARDED
from app.identity.actor import Actor
from app.runtime.candidates import by_kind
from app.task import access
from app.task.summary import told

Field = Mapping[str, Any]


def body(
    row: Mapping[str, Any], actor: Actor, *, now: datetime, verbs: access.Allowed | None = None
) -> dict[str, Any]:
    """Return what is public of a task, with the verbs that the actor may use.

    Args:
        row: as selected by ``task.select.listed()``.
        now: decides whether it is overdue.
        verbs: of a list, where there are many.
    """
    return {
        "id": row["id"],
        "process_instance_id": row["instance_id"],
        "process_definition_id": row["definition_id"],
        "definition": {
            "id": row["definition_id"],
            "key": row["definition_key"],
            "name": row["definition_names"],
            "version": row["definition_version"],
        },
        "instance_status": row["instance_status"],
        "business_key": row["business_key"],
        "title": row["title"],
        "started_by": row["started_by"],
        "step": {"id": row["step"], "name": row["name"]},
        "state": row["state"],
        "assignee": row["assignee"],
        "candidates": by_kind(row["candidates"]),
        "form": form_for(actor, row["form"]),
        "values": row["values"],
        "outcomes": row["outcomes"],
        "allowed": verbs.of(row) if verbs else access.allowed(actor, row, now=now),
        "mine": access.is_holder(actor, row),
        "for": access.acting_for(actor, row),
        "due_at": row["due_at"],
        "overdue": is_overdue(row, now),
        "priority": row["priority"],
        "round": row["round"],
        "created_at": row["created_at"],
        "claimed_at": row["claimed_at"],
        "completed_at": row["completed_at"],
        "completed_by": row["completed_by"],
        "on_behalf_of": row["on_behalf_of"],
        "outcome": row["outcome"],
        "comment": row["comment"],
        "summary": told(actor, row),
        "reason": row["reason"],
        "rule": row["rule"],
        "barred": access.is_barred(row, *access.deciding(actor, row)),
        "decided_by": row["decided_by"],
        "reminders": row["reminders"],
        "reminded_at": row["reminded_at"],
        "role": row["role"],
        "waits_for": row["waits_for"] if row["state"] in access.LIVE else None,
    }


def is_overdue(row: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a task is past its due date.

    A finished one by when it was finished, one of a suspended instance by when that stopped.
    """
    if row["due_at"] is None:
        return False
    return bool(row["due_at"] < (row["completed_at"] or row["suspended_at"] or now))


def form_for(actor: Actor, form: Sequence[Field]) -> Sequence[Field]:
    """Return a form without the defaults that are made of values the reader may not see."""
    if actor.can("variable:read_sensitive") or not any(GUARDED in field for field in form):
        return form
    left = (GUARDED, "default")
    return [
        {key: value for key, value in field.items() if GUARDED not in field or key not in left}
        for field in form
    ]


def withheld(row: Mapping[str, Any], hidden: frozenset[str]) -> frozenset[str]:
    """Return which fields of a task's form have a value that the reader may not see.

    Left empty it stays; see ``core.form_seen.Seen.kept``.

    Args:
        row: with the ``form``, and the ``variables`` of its instance.
        hidden: names of the values that the reader may not see.
    """
    if not hidden:
        return hidden
    given = row["variables"]
    return frozenset(
        field["name"]
        for field in row["form"]
        if field["name"] in hidden and given.get(field["name"]) is not None
    )
