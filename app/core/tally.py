"""Several people decide one step: what counts as approval, and when it is decided.

Pure arithmetic over votes. Whoever asks holds the lock of the instance, so that two last votes
are counted one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any, Final

from app.core.definition import Step
from app.core.events import TaskCompleted
from app.core.record import dataclass
from app.core.rules import Mode, OnReject, Rules
from app.core.values import iso_text

MAX_SEATS: Final = 200
"""People that one visit of a step may have."""
_SLACK: Final = Fraction(1, 10**9)
"""So that ``${2 / 3}`` of three people, rounded to 28 digits, are two."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one of the people decided.

    Args:
        approves: as ``approval`` says; fixed when the vote is read.
        at: moment in UTC, as text.
        behalf: username of whom it was decided for, by somebody who stands in.
        counted: whether it is a vote; what a manager decides in the place of those it was meant
            for is none.
    """

    user: str
    approves: bool
    at: str
    outcome: str | None = None
    values: Mapping[str, Any] | None = None
    comment: str | None = None
    behalf: str | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Decided:
    """What the votes come to.

    Args:
        last: the vote whose outcome and comment stand for the decision: the last of those who
            decided as all together did. Where nobody has a say any more it is that of the
            manager who decided in their place.
    """

    approved: bool
    last: Vote


def rules_of(step: Step, *, mode: Mode | None = None, ratio: Fraction | None = None) -> Rules:
    """Return how people decide a step together.

    Args:
        mode: instead of the step's own.
        ratio: as it was evaluated.
    """
    config = step.config
    chosen: Mode = mode or config.get("mode", "all")
    default: OnReject = "after_all" if chosen == "ratio" else "at_once"
    field = decision_field(step)
    return Rules(
        chosen,
        Fraction(1) if ratio is None else ratio,
        default if mode else config.get("on_reject", default),
        field,
        None if field is not None else _approving(step),
    )


def decision_field(step: Step) -> str | None:
    """Return the yes/no of the form that says what counts as approval, if one does."""
    named: str | None = step.config.get("decision_field")
    if named is not None or step.config.get("outcomes"):
        return named
    fields = deciding_candidates(step.config.get("form", ()))
    return fields[0] if len(fields) == 1 else None


def deciding_candidates(form: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the yes/no fields that somebody always answers: neither hidden nor read only."""
    return [
        field["name"]
        for field in form
        if field["type"] == "boolean" and not field.get("read_only") and "show_if" not in field
    ]


def _approving(step: Step) -> tuple[str, ...] | None:
    declared = step.config.get("outcomes")
    if declared:
        return approving(declared)
    plain = [edge.target for edge in step.next if edge.when is None]
    return (plain[0],) if len(plain) > 1 and len(plain) == len(step.next) else None


def approving(outcomes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the ids of the outcomes that approve.

    Where some are of the style ``danger``, those reject and the others approve; where none is,
    the first approves.
    """
    if any(each.get("style") == "danger" for each in outcomes):
        return tuple(each["id"] for each in outcomes if each.get("style") != "danger")
    return (outcomes[0]["id"],)


def approval(rules: Rules, values: Mapping[str, Any], outcome: str | None) -> bool | None:
    """Say whether a completion approves; None: the field that decides was left empty."""
    if rules.field is not None:
        answer = values.get(rules.field)
        return answer if isinstance(answer, bool) else None
    return rules.approving is None or outcome in rules.approving


def needed(rules: Rules, total: int) -> int:
    """Return how many of ``total`` people have to approve."""
    if rules.mode == "any":
        return 1
    if rules.mode != "ratio":
        return total
    return min(total, max(1, ceil(rules.ratio * total - _SLACK)))


def verdict(rules: Rules, votes: Sequence[bool], total: int) -> bool | None:
    """Say whether so many people together approve; None: it is still open.

    Args:
        votes: whether each approves, in the order in which they came.
        total: people who have a say, those who have voted included.
    """
    if rules.mode == "any":
        return votes[0] if votes else None
    approved = sum(votes)
    rejected = len(votes) - approved
    at_once = rules.on_reject == "at_once" or rules.mode == "sequential"
    if rejected and at_once:
        return False
    wanted = needed(rules, total)
    if rules.mode == "ratio":
        if approved >= wanted:
            return True
        return False if total - rejected < wanted else None
    if len(votes) < total:
        return None
    return approved >= wanted if total else None


def decide(rules: Rules, votes: Sequence[Vote], total: int) -> Decided | None:
    """Return what the votes come to, or None while it is open.

    Args:
        votes: in the order in which they came, those that do not count among them.
        total: people who have a say; see ``verdict``.
    """
    if total == 0 and votes:
        return Decided(votes[-1].approves, votes[-1])
    cast = of_count(votes)
    approved = verdict(rules, [vote.approves for vote in cast], total)
    if approved is None:
        return None
    same = [vote for vote in cast if vote.approves is approved]
    return Decided(approved, same[-1])


def of_count(votes: Sequence[Vote]) -> list[Vote]:
    """Return those that are counted."""
    return [vote for vote in votes if vote.counted]


def final(votes: Sequence[Vote]) -> Vote:
    """Return the last one that counted, else the last one."""
    return (of_count(votes) or votes)[-1]


def counted(votes: Sequence[Vote], total: int, decided: Decided) -> dict[str, Any]:
    """Return what a step that several decided is called in expressions: ``${step}``."""
    cast = of_count(votes)
    approved = sum(vote.approves for vote in cast)
    return {
        "outcome": decided.last.outcome,
        "approved": approved,
        "rejected": len(cast) - approved,
        "total": total,
        "votes": [
            {
                "user": vote.user,
                "for": vote.behalf,
                "outcome": vote.outcome,
                "approved": vote.approves,
                "counted": vote.counted,
                "values": dict(vote.values or {}),
                "comment": vote.comment,
                "at": vote.at,
            }
            for vote in votes
        ],
    }


def values_of(rules: Rules, votes: Sequence[Vote], decided: Decided) -> dict[str, Any]:
    """Return what becomes of the process's variables: the last voter's, with the decision."""
    values = dict(final(votes).values or {})
    if rules.field is not None:
        values[rules.field] = decided.approved
    return values


def alone(step: Step, event: TaskCompleted) -> Mapping[str, Any]:
    """Return the votes of a completion that was not put together from any: a dry run's, say."""
    rules = rules_of(step, mode="any")
    approves = approval(rules, event.values, event.outcome) is not False
    at = iso_text(event.at)
    vote = Vote(event.by, approves, at, event.outcome, event.values, event.comment)
    return counted([vote], 1, Decided(approves, vote))
