"""What a person may prefer: the languages and time zones there are."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from app.errors import FieldError

LANGUAGES: Final = ("en", "zh")


def preference_errors(language: str | None, timezone: str | None) -> tuple[FieldError, ...]:
    """Say which of the two preferences is not known; None is always fine."""
    errors = []
    if language is not None and language not in LANGUAGES:
        errors.append(
            FieldError(
                "language",
                "unknown_language",
                "Choose one of: %(languages)s.",
                {"languages": ", ".join(LANGUAGES)},
            )
        )
    if timezone is not None and timezone not in _timezones():
        errors.append(
            FieldError(
                "timezone",
                "unknown_timezone",
                "“%(timezone)s” is not a time zone; use a name such as Asia/Shanghai.",
                {"timezone": timezone},
            )
        )
    return tuple(errors)


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())
