"""Approval rules: what a definition and its steps say about who may decide, and what decides.

``settings.approval`` is for the steps in which something is decided, but for
``empty_assignee``, which is for all. ``config.approval`` of a step comes before it. A step that
is given to the initiator by its very assignee is theirs to do: ``self_approval`` of the
settings is not about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from app.core.definition import Definition, Step
from app.core.nodes.base import Fail, Visit
from app.core.once import once
from app.core.outcome import choices
from app.core.state import Completion, within
from app.core.tally import decision_field
from app.core.values import json_text

SELF: Final = ("allow", "skip", "to_manager", "forbid")
DUPLICATE: Final = ("ask", "auto_approve_consecutive", "auto_approve_any")
EMPTY: Final = ("to_owner", "incident", "auto_approve", "auto_reject")
"""Words of each rule, the default first; ``empty_assignee`` may also be a name."""
SYSTEM: Final = "system"
"""By whom a completion is that a rule of the definition has made."""

_DEFAULTS: Final[Mapping[str, Any]] = {
    "self_approval": SELF[0],
    "exclude": [],
    "duplicate_approver": DUPLICATE[0],
    "empty_assignee": EMPTY[0],
}
_THE_INITIATOR: Final = ("${initiator.username}", "${initiator}")

Answer = tuple[Mapping[str, Any], str | None]
"""The values and the outcome of a completion."""


class Deciding(NamedTuple):
    """What a step's decision is told by.

    Args:
        field: name of the yes/no of the form that decides; None: the outcome does.
        yes, no: ids of the outcomes that approve and reject; ``no`` None: none does.
    """

    field: str | None
    yes: str | None = None
    no: str | None = None


@once
def deciding(step: Step) -> Deciding | None:
    """Return by what a step decides; None where there is nothing to approve."""
    offered, field = choices(step), decision_field(step)
    if offered:
        names = [row["id"] for row in offered]
        danger = [row["id"] for row in offered if row["style"] == "danger"]
        yes = next((name for name in names if name not in danger), names[0])
        no = danger[0] if danger else names[-1]
        named = step.config.get("decision_field")
        return Deciding(named, yes, no if no != yes or named else None)
    return Deciding(field) if field is not None else None


def automatic(step: Step, *, approve: bool) -> Answer | None:
    """Return the completion by which a rule approves or rejects; None: it cannot be said."""
    how = deciding(step)
    if how is None:
        return None
    outcome = how.yes if approve else how.no
    if how.field is not None:
        return {how.field: approve}, outcome
    return ({}, outcome) if outcome is not None else None


def by_word(step: Step, outcome: str) -> Answer | None:
    """Return the completion that an outcome's id, or ``true`` or ``false``, stands for."""
    if outcome not in words(step):
        return None
    how = deciding(step)
    if how is not None and how.field is not None:
        return automatic(step, approve=outcome == "true")
    return {}, outcome


def words(step: Step) -> tuple[str, ...]:
    """Return what ``by_word`` knows."""
    how = deciding(step)
    if how is None:
        return ()
    if how.field is not None:
        return ("true", "false")
    return tuple(row["id"] for row in choices(step))


@once
def rules_of(step: Step) -> Mapping[str, Any]:
    """Return the rules that hold for a step, as far as they are not the usual ones."""
    given = step.config.get("approval_rules")
    if not given:
        return {}
    found = dict(given["all"])
    if deciding(step) is None:
        found = {name: found[name] for name in found if name == "empty_assignee"}
    elif str(step.config.get("assignee", "")).replace(" ", "") in _THE_INITIATOR:
        found.pop("self_approval", None)
    found |= given["own"]
    return {name: said for name, said in found.items() if said != _DEFAULTS.get(name)}


@once
def watched(definition: Definition) -> tuple[str, ...]:
    """Return the names that "form unchanged" is about; none if no step asks for that.

    All that forms show, but for what is decided by.
    """
    if not any("duplicate_approver" in rules_of(step) for step in definition.steps):
        return ()
    forms = [definition.start.get("form") or ()]
    forms += [step.config.get("form", ()) for step in definition.steps]
    names = {field["name"] for form in forms for field in form if field["type"] != "note"}
    decided = {how.field for how in map(deciding, definition.steps) if how is not None}
    return tuple(sorted(names - decided))


def seal(
    definition: Definition, variables: Mapping[str, Any], changed: Mapping[str, Any] | None = None
) -> str | None:
    """Return what a completion keeps of the forms' values, to tell later whether they changed.

    Args:
        changed: values that come before those of ``variables``.
    """
    names = watched(definition)
    if not names:
        return None
    values = {**variables, **(changed or {})}
    kept = {name: values[name] for name in names if values.get(name) is not None}
    return sha256(json_text(kept).encode()).hexdigest()[:16]


def applied(visit: Visit) -> dict[str, Any] | Fail | None:
    """Return what of a step's rules is to be looked at when its task is given to somebody.

    ``initiator``: whom ``self_approval`` is about; ``exclude``: usernames;
    ``approved_before``: usernames of those who need not approve again. None: no rule at all.

    Raises:
        ExpressionError: one of the expressions cannot be evaluated.
    """
    rules = rules_of(visit.step)
    if not rules:
        return None
    found: dict[str, Any] = {}
    if "self_approval" in rules:
        initiator = (visit.scope.get("initiator") or {}).get("username")
        found |= {"self_approval": rules["self_approval"], "initiator": initiator}
    if "exclude" in rules:
        names = _listed(visit.evaluated(rules["exclude"]))
        if any(not isinstance(name, str) for name in names):
            return Fail("bad_people", "Who is excluded must be a list of usernames.")
        found["exclude"] = names
    if "duplicate_approver" in rules:
        before = _approvers(visit, last=rules["duplicate_approver"] == DUPLICATE[1])
        found["approved_before"] = list(dict.fromkeys(before))
    if "empty_assignee" in rules:
        found["empty_assignee"] = rules["empty_assignee"]
    return {name: value for name, value in found.items() if value not in (None, [])} or None


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [name for each in value for name in _listed(each)]
    return [] if value in (None, "") else [value]


def _approvers(visit: Visit, *, last: bool) -> Iterator[str]:
    """Yield who has approved before what would be approved here.

    Args:
        last: only the last person who has done a step on the way here.
    """
    now = seal(visit.definition, visit.variables)
    for step_id, done in reversed(list(visit.completed.items())):
        step = visit.definition.by_id.get(step_id)
        if done.void or done.round != visit.round:  # it was returned since
            continue
        if done.by == SYSTEM or step is None:
            continue
        if not (within(done.forks, visit.forks) or within(visit.forks, done.forks)):
            continue  # another branch
        if step_id != visit.step.id and done.seal == now:
            yield from _who_approved(step, done)
        if last:
            return


def _who_approved(step: Step, done: Completion) -> Iterator[str]:
    if done.votes is not None:
        cast = (vote for vote in done.votes["votes"] if vote.get("counted", True))
        yield from (vote["user"] for vote in cast if vote["approved"])
    elif _approves(step, done):
        yield done.by


def _approves(step: Step, done: Completion) -> bool:
    how = deciding(step)
    if how is None:
        return False
    if how.field is not None:
        return done.values.get(how.field) is True
    return done.outcome == how.yes
