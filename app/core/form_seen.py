"""What a form is judged against beside what was filled in: variables, people, files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.core.expression import ExpressionError, condition, truth

GUARDED: Final = "default_of_sensitive"
"""Key of a field whose default is made of values that not everybody may see."""
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """The surroundings of a form; the caller has looked them up.

    Args:
        scope: what ``show_if`` sees beside the form's own values.
        now: the time that expressions see.
        users: those of the usernames that were filled in that are active people; None if
            nobody looked, then every name counts.
        files: what is known of the files that were filled in, by id: ``{id, name, size,
            type, sha256}``, for each that may stand here; None if nobody looked.
        kept: names of fields whose value is there and not shown to who fills in: left empty,
            it stays.
    """

    scope: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = _NO_TIME
    users: frozenset[str] | None = None
    files: Mapping[int, Mapping[str, Any]] | None = None
    kept: frozenset[str] = frozenset()


NOTHING: Final = Seen()


def is_shown(given: Mapping[str, Any], scope: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a field's ``show_if`` holds.

    A condition that cannot be evaluated yet, because something in it is still empty, hides
    the field: who has not said whether it is urgent is not asked why.
    """
    text = given.get("show_if")
    if not isinstance(text, str):
        return True
    try:
        return truth(condition(text), scope, now)
    except ExpressionError:
        return False
