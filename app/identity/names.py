"""Names of people and groups: their form, and the words nobody may be called."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from app.errors import FieldError

RESERVED: Final = frozenset({"current_user", "me", "system"})
"""Words of the API and of the history that would be ambiguous as usernames."""

MAX_LENGTH: Final = 64
_ALLOWED = re.compile(r"[\w.@+-]+")


def normal(username: str) -> str:
    """Return the form in which a username is stored and compared (NFKC, lower case)."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def problem(field: str, name: str) -> FieldError | None:
    """Say what is wrong with the (normalised) name of a person or group.

    Args:
        field: the field that the error is about.
        name: what was asked for.
    """
    if not name:
        return FieldError(field, "required", "Enter a name.")
    if len(name) > MAX_LENGTH:
        return FieldError(field, "too_long", "Use at most %(max)d characters.", {"max": MAX_LENGTH})
    if not _ALLOWED.fullmatch(name):
        return FieldError(
            field, "wrong_form", "Use letters, digits and the characters . _ @ + - only."
        )
    if name in RESERVED:
        return FieldError(
            field, "reserved", "“%(name)s” is a reserved word; choose another name.", {"name": name}
        )
    return None
