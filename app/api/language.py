"""The caller's language: what is said in an answer, by ``Accept-Language``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import force_locale, gettext

from app.errors import Phrase, say


def language() -> str:
    """Return the language of the answer by ``Accept-Language``: ``en`` or ``zh``."""
    for tag, _quality in request.accept_languages:
        primary = tag.replace("_", "-").split("-")[0].lower()
        if primary in ("en", "zh"):
            return primary
    return "en"


def said(template: str, params: Mapping[str, Any] | None = None) -> str:
    """Return an English template in the caller's language, filled in."""
    wanted = language()

    def pick(label: Mapping[str, str]) -> str:
        return label.get(wanted) or next(iter(label.values()), "")

    with force_locale(wanted):
        return say(template, params, lambda text: str(gettext(text)), pick)


def translated(value: Any) -> Any:
    """Return a JSON value with every phrase in it in the caller's language."""
    if isinstance(value, Phrase):
        return said(value.template, value.params)
    if isinstance(value, Mapping):
        return {name: translated(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [translated(inner) for inner in value]
    return value
