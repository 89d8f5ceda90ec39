"""Where the tokens of a net rest, and what an answer makes of one."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.core.definition import Step
from app.core.soundness_problem import Move, decided_twice

BEGIN: Final = 0
"""The place before the first step. Others have numbers above, edges of joins below."""


MAX_OUTCOMES: Final = 4_096
"""Of one answer."""
DEEP: Final = 20
"""Boundaries beside a step that a boundary beside a step set free, and so on."""


class TooMany(Exception):
    """One answer can lead to more combinations than are explored."""


class Outcome(NamedTuple):
    """What an answer can make of a token.

    Args:
        landed: the places where tokens rest then.
        path: the steps that were passed.
        ends: the scope is over, whatever else moves in it.
        thrown: it is over with an error of this code.
    """

    landed: tuple[int, ...]
    path: tuple[Move, ...] = ()
    ends: bool = False
    thrown: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing of the scope is left."""
        return self.ends or self.thrown is not None


class Place(NamedTuple):
    """Where a token rests.

    Args:
        edge: at a join, the edge it came by.
        fired: boundaries that do not interrupt and have happened on this visit, as bits.
    """

    step: Step
    edge: str = ""
    fired: int = 0


def cost(outcome: Outcome) -> tuple[bool, int]:
    """Return how readily an outcome is shown: a certain one, then a near one, first."""
    return bool(decided_twice(outcome.path)), len(outcome.path)
