"""Runs of a definition as a person reads them: step by step, with what was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask_babel import LazyString, gettext, lazy_gettext

from app.core.definition import Definition
from app.web.i18n import pick

_CHOICES: Final[Mapping[str, LazyString]] = {
    "otherwise": lazy_gettext("otherwise"),
    "skipped": lazy_gettext("skipped"),
    "error": lazy_gettext("it fails"),
    "released": lazy_gettext("it is the first to go on"),
}
"""Choices that the checker names with a word of its own."""


def moves(
    witness: Iterable[Mapping[str, str]], steps: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return a run for the macro ``run``: ``{name, choice}`` for each step that is passed.

    Args:
        witness: of a finding.
        steps: by their ids, as the document has them; its shape has been checked.
    """
    return [
        {
            "name": pick(steps.get(move["step"], {}).get("name"), move["step"]),
            "choice": _choice(steps.get(move["step"], {}), move.get("choice", "")),
        }
        for move in witness
    ]


def step_name(definition: Definition, step_id: str) -> str:
    """Return what a step is called."""
    step = definition.by_id[step_id]
    return pick(step.name, step.id)


def _choice(step: Mapping[str, Any], choice: str) -> str:
    """Return a choice in words: by its label if the definition has one for it."""
    if choice in _CHOICES:
        return str(_CHOICES[choice])
    kind, _, named = choice.partition(" ")
    if named and kind == "error":
        return str(gettext("it fails with %(code)s", code=named))
    for outcome in step.get("config", {}).get("outcomes", ()):
        if outcome["id"] == choice:
            return pick(outcome.get("label"), choice)
    return choice
