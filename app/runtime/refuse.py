"""What stands in the way of steering an instance, said the same way by all who refuse it."""

from __future__ import annotations

from typing import Final, NoReturn

from app.core.state import ENDED
from app.core.values import check_json
from app.errors import Conflict, FieldError, Invalid
from app.runtime.row import STATUS_WORDS, InstanceRow

MAX_REASON: Final = 2_000
"""Characters."""


def refuse_ended(instance: InstanceRow) -> NoReturn:
    """Say that nothing can be changed any more."""
    raise Conflict(
        "instance_ended",
        "The instance is %(status)s; nothing can be changed any more.",
        extra={"instance_status": instance.status},
        status=STATUS_WORDS[instance.status],
    )


def refuse_unless_running(instance: InstanceRow) -> None:
    """Refuse what only a running instance can take.

    Raises:
        Conflict: it is suspended or has ended.
    """
    if instance.status in ENDED:
        refuse_ended(instance)
    if instance.status == "suspended":
        raise Conflict(
            "instance_suspended",
            "The instance is suspended; activate it first.",
            extra={"instance_status": instance.status},
        )


def checked_reason(reason: str | None, *, field: str = "reason") -> str | None:
    """Return a reason that can be stored, without blanks around it.

    Args:
        field: what errors name.

    Raises:
        Invalid: too long, or characters that cannot be stored.
    """
    if reason is None:
        return None
    problem = check_json(reason)
    error = None
    if problem is not None:
        error = FieldError(field, problem.code, problem.message, problem.params)
    elif len(reason) > MAX_REASON:
        error = FieldError(
            field, "too_long", "Use at most %(max)d characters.", {"max": MAX_REASON}
        )
    if error is not None:
        raise Invalid("invalid_reason", "Correct the reason.", errors=(error,))
    return reason.strip() or None
