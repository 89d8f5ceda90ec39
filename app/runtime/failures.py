"""How a service's exception becomes a failure that definitions can speak about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from app.core.values import check_json, storable

MAX_MESSAGE: Final = 2_000
"""Characters of a message that are kept."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed.

    Args:
        code: stable word that ``retry_on``, ``do_not_retry`` and ``on_error`` name.
        message: for people.
        business: the service understood and refused: trying again would not help.
        retry_after: seconds for which the service asked to be left alone.
    """

    code: str
    message: str
    business: bool = False
    retry_after: float | None = None


class ServiceFailure(Exception):
    """Base of what a service raises on purpose; ``code`` and ``message`` are kept.

    Args:
        code: stable word.
        message: for people.
    """

    business = False
    retry_after: float | None = None

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def of(error: BaseException) -> Failure:
    """Say what failed. An exception that is no :class:`ServiceFailure` has code ``error``."""
    if isinstance(error, ServiceFailure):
        return Failure(_clean(error.code), _clean(error.message), error.business, error.retry_after)
    return Failure("error", f"{type(error).__name__}: {_clean(error)}")


def checked(result: Any) -> tuple[Any, Failure | None]:
    """Return what a service returned as it can be stored, and why it can't be, if so."""
    try:
        value = storable(result)
        problem = check_json(value)
    except Exception as error:  # an object of the service's own may do anything when it is read
        return None, Failure("bad_result", of(error).message)
    return value, Failure("bad_result", _clean(problem.text())) if problem else None


def _clean(said: object) -> str:
    """Make it a storable text: no NUL, no half characters, not endless."""
    try:
        text = str(said)
    except Exception:  # a service's own class; its failure must be told nevertheless
        text = "(cannot be shown)"
    safe = text.replace("\0", "").encode("utf-8", "replace").decode()
    return safe if len(safe) <= MAX_MESSAGE else safe[: MAX_MESSAGE - 1] + "…"
