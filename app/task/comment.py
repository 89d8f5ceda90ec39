"""The comment that every verb takes."""

from __future__ import annotations

from typing import Final

from app.core.values import check_json
from app.errors import FieldError, Invalid

MAX_LENGTH: Final = 10_000
"""Characters."""


def check_comment(comment: str | None) -> None:
    """Refuse a comment that is too long or cannot be stored.

    Raises:
        Invalid: with an error of the field ``comment``.
    """
    if comment is None:
        return
    if len(comment) > MAX_LENGTH:
        error = FieldError(
            "comment", "too_long", "Use at most %(max)d characters.", {"max": MAX_LENGTH}
        )
    elif (problem := check_json(comment)) is not None:
        error = FieldError("comment", problem.code, problem.message, problem.params)
    else:
        return
    raise Invalid("invalid_comment", "Correct the comment.", errors=(error,))
