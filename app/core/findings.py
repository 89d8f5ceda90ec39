"""What the checker says about a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.errors import Phrase

Severity = Literal["error", "warning", "info"]


MAX_SHOWN: Final = 200
"""Characters of a name or value in a message; the place says the rest."""


def shortened(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what fills a message, long texts out of the document cut short."""
    return {
        name: value[:MAX_SHOWN] + "…" if type(value) is str and len(value) > MAX_SHOWN else value
        for name, value in params.items()
    } or None


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark, at one place.

    Args:
        code: stable and documented.
        pointer: JSON pointer of the place; ``""`` is the whole document.
        line, column: of the very token, from 1.
        message: English template with ``%(name)s`` parameters, filled from ``params``.
        hint: what to do about it, also a template, filled from ``hint_params``.
        witness: the shortest run that leads there, ``{step, choice}`` in order.
    """

    code: str
    severity: Severity
    pointer: str
    line: int
    column: int
    message: str
    params: Mapping[str, Any] | None = None
    hint: str | None = None
    hint_params: Mapping[str, Any] | None = None
    witness: tuple[Mapping[str, str], ...] = ()

    def text(self) -> Phrase:
        """Return the message in English, filled in."""
        return Phrase(self.message, **self.params or {})


@dataclass(frozen=True, slots=True)
class Known:
    """Names that exist outside the document, for warnings about those that don't (yet).

    Args:
        services: ``Service.method``.
        types: step types that were registered beside ours.
        processes: keys of definitions that can be called; None: not looked up.
    """

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    processes: frozenset[str] | None = None
