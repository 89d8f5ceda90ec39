"""What the third layer of the checker says: a problem, and the shortest way into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.findings import Severity

RELEASED: Final = "released"
"""The choice at one of several joins that wait for each other: one has to go on."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens on the way: a step is passed, by a choice if there is one.

    Args:
        choice: in words of the definition; empty where there is nothing to choose.
        reads: the variables that decide between the choices.
    """

    step: str
    choice: str = ""
    reads: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that can go wrong whatever people do, or with the data that is named.

    Args:
        code: stable and documented.
        step: id of the step it is about; empty for the whole definition.
        message: English template with ``%(name)s`` parameters, filled from ``params``.
        hint: what to do about it, also a template, also filled from ``params``.
        witness: the shortest run that leads there; empty where none is needed.
    """

    code: str
    severity: Severity
    step: str
    message: str
    params: Mapping[str, Any] = field(default_factory=dict)
    hint: str | None = None
    witness: tuple[Move, ...] = ()

    def text(self) -> str:
        """Return the message in English, filled in."""
        return self.message % self.params


def uncertain(witness: Sequence[Move]) -> bool:
    """Say whether a witness may be a run that never happens."""
    return bool(decided_twice(witness)) or any(move.choice == RELEASED for move in witness)


def decided_twice(witness: Iterable[Move]) -> frozenset[str]:
    """Return the variables that two decisions of a witness depend on.

    Data may rule such a run out: ``amount > 10`` here and ``amount < 5`` there.
    """
    seen: set[str] = set()
    twice: set[str] = set()
    for move in witness:
        twice |= seen & move.reads
        seen |= move.reads
    return frozenset(twice)
