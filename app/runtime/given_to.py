"""To whom a task goes, or what a rule decided instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.runtime.lines import Line


@dataclass(frozen=True, slots=True)
class Given:
    """To whom a task goes.

    Args:
        assignee: the person who has it from the start; None: it is offered.
        candidates: keys (``u:``, ``g:``, ``r:``) of whom it is offered to.
        line: the history's line if a rule of the engine decided.
        barred: usernames of people who may not decide it.
        alert: those who got it are told that it is for lack of others.
        rule: which rule decided instead of people, with ``answer``: the values and the outcome.
        nobody: there is nobody whom it could be given to: an incident.
    """

    assignee: str | None
    candidates: Sequence[str]
    line: Line | None = None
    barred: Sequence[str] | None = None
    alert: bool = False
    rule: str | None = None
    answer: tuple[Mapping[str, Any], str | None] | None = None
    nobody: bool = False


def turns(mode: str, seats: Sequence[Given]) -> tuple[list[Given], list[Given], list[Given]]:
    """Return the seats that rules have decided, those that are open now, and those for later.

    Args:
        mode: where one decides after the other (``sequential``), a rule decides only for those
            whose turn it is.
    """
    if mode != "sequential":
        return [s for s in seats if s.answer], [s for s in seats if not s.answer], []
    first = next((place for place, seat in enumerate(seats) if not seat.answer), len(seats))
    return list(seats[:first]), list(seats[first : first + 1]), list(seats[first + 1 :])
