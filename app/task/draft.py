"""Keeping what someone has typed into a form that is not finished."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core.values import check_json
from app.errors import Invalid
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime.ports import Engine
from app.task import store
from app.task.queries import seen
from app.task.refuse import refusal

MAX_BYTES: Final = 256 * 1024
"""Size of a draft as JSON."""


def save_draft(
    engine: Engine,
    actor: Actor,
    task_id: int,
    raw: Mapping[str, Any],
    *,
    comment: str = "",
    now: datetime,
) -> None:
    """Keep what the actor has typed so far, as typed: only its size is checked.

    Args:
        comment: what they have begun to say to their decision.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden, Conflict: the actor could not complete it (see ``complete``).
        Invalid: too large, or characters that cannot be stored.
    """
    require(actor, "task:work")
    typed = {**raw, store.COMMENT: comment} if comment else dict(raw)
    problem = check_json(typed, max_bytes=MAX_BYTES)
    if problem is not None:
        raise Invalid("bad_draft", "The draft cannot be kept: %(problem)s", problem=problem.text())
    with engine.db.transaction() as tx:
        seen(tx, actor, task_id)
        if not store.save_draft(tx, actor, task_id, typed, now=now):
            raise refusal(engine.db, actor, seen(tx, actor, task_id), "complete")
