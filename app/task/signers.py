"""Letting more people sign a task that one has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.errors import FieldError, Invalid
from app.identity.actor import Actor
from app.runtime.ports import Engine
from app.task.side import add_after, add_before

WHERE = ("before", "after")


def add_signer(
    engine: Engine,
    actor: Actor,
    task_id: int,
    users: Sequence[str],
    where: str,
    *,
    values: Mapping[str, Any] | None = None,
    outcome: str | None = None,
    comment: str | None = None,
    cc: Sequence[str] = (),
    now: datetime,
) -> dict[str, Any]:
    """Add people to a task; see ``side.add_before`` and ``side.add_after``.

    Args:
        where: ``before`` or ``after``.
        values, outcome, cc: the decision that those after sign; nothing for those before.

    Raises:
        As those; and Invalid: an unknown place, or a decision where none is taken.
    """
    if where == "after":
        return add_after(
            *(engine, actor, task_id, users, values or {}),
            outcome=outcome,
            comment=comment,
            cc=cc,
            now=now,
        )
    if where != "before":
        error = FieldError(
            "position",
            "not_an_option",
            "Choose one of: %(choices)s.",
            {"choices": "before, after"},
        )
        raise Invalid("invalid_position", "Say when they are to sign.", errors=(error,))
    if values or outcome or cc:
        error = FieldError(
            "variables", "no_choice", "You decide when they have signed: leave this out."
        )
        raise Invalid("invalid_position", "Say when they are to sign.", errors=(error,))
    return add_before(engine, actor, task_id, users, comment=comment, now=now)
