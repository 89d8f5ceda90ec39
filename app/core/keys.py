"""What an object of a definition may hold, said as data: for checking, docs and editors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One allowed key.

    Args:
        kind: how its value is checked; a word of ``app.core.kinds``.
        expr: whether ``${…}`` may stand in it.
        choices: the allowed words, for the kind ``choice``.
        doc: one line for the reference.
    """

    name: str
    kind: str
    required: bool = False
    expr: bool = False
    choices: tuple[str, ...] = ()
    doc: str = ""
