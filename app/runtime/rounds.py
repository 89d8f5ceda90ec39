"""Rounds: each return closes one, and what was to be seen in it is kept for comparison."""

from __future__ import annotations

from typing import Final

from app.core.events import Returned, Withdrawn
from app.db.types import Json
from app.db.wire import Statement
from app.errors import Conflict
from app.runtime.moved import Locked

_CLOSED: Final = """
insert into rounds (instance_id, round, step, target, by, reason, variables, at)
values (%(instance)s, %(round)s, %(step)s, %(target)s, %(by)s, %(reason)s, %(variables)s, %(at)s)
"""


def closed(locked: Locked, step: str | None, target: str, event: Returned | Withdrawn) -> Statement:
    """Return what keeps the round that an event closes.

    Args:
        locked: the instance before the event.
        step: what it is returned from; None: it is withdrawn to the start form.
        target: the step that is opened again.
    """
    return _CLOSED, {
        "instance": locked.row["id"],
        "round": locked.state.round,
        "step": step,
        "target": target,
        "by": event.by,
        "reason": event.reason,
        "variables": Json(dict(locked.state.variables)),
        "at": event.at,
    }


def refuse_more(locked: Locked) -> None:
    """Refuse a round more than the definition allows.

    Raises:
        Conflict: code ``too_many_rounds``.
    """
    most = locked.definition.max_rounds
    if locked.state.round >= most:
        raise Conflict(
            "too_many_rounds",
            "There were %(max)d rounds already, which is as many as the process allows. Decide on"
            " it as it is, or ask for it to be ended.",
            extra={"round": locked.state.round, "max_rounds": most},
            max=most,
        )
