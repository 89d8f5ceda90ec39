"""Where a completed user step leads: its choices, and the one that a completion makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from app.core.definition import Step
from app.core.form import Seen, fill
from app.core.once import once
from app.core.record import dataclass
from app.errors import FieldError


@dataclass(frozen=True, slots=True)
class Decision:
    """What a completion decided.

    Args:
        outcome: the chosen outcome's id, None where there was nothing to choose.
        target: the step it leads to; None ends the path, or leaves it to conditions.
        errors: why no decision could be made.
    """

    outcome: str | None = None
    target: str | None = None
    errors: tuple[FieldError, ...] = ()


@once
def deciding_field(step: Step) -> str | None:
    """Return the one boolean field whose answer picks the first or the second target."""
    plain = [edge for edge in step.next if edge.when is None]
    if len(step.next) != 2 or len(plain) != 2 or step.config.get("outcomes"):
        return None
    if step.config.get("decision_field"):
        named: str = step.config["decision_field"]
        return named
    booleans = [
        field["name"]
        for field in step.config.get("form", ())
        if field["type"] == "boolean"
        and not field.get("read_only")
        and "show_if" not in field  # what may be hidden cannot decide
    ]
    return booleans[0] if len(booleans) == 1 else None


@once
def choices(step: Step) -> tuple[Mapping[str, Any], ...]:
    """Return the outcomes a person chooses from, empty where none has to be chosen.

    Each is ``{id, label, style, requires, target}``, and ``confirm`` where it asks before.
    """
    declared = step.config.get("outcomes")
    if declared:
        return tuple(
            {
                "id": outcome["id"],
                "label": outcome.get("label", outcome["id"]),
                "style": outcome.get("style", "plain"),
                "requires": list(outcome.get("requires", ())),
                "target": outcome.get("next") or _same(step, outcome["id"]),
                **({"confirm": outcome["confirm"]} if "confirm" in outcome else {}),
            }
            for outcome in declared
        )
    plain = all(edge.when is None for edge in step.next)
    if len(step.next) < 2 or not plain or deciding_field(step) is not None:
        return ()
    return tuple(
        {
            "id": edge.target,
            "label": edge.label or edge.target,
            "style": "plain",
            "requires": [],
            "target": edge.target,
        }
        for edge in step.next
    )


class Way(NamedTuple):
    """One of the ways past a step that is skipped.

    Args:
        name: how an operator chooses it.
        target: None ends the path, or leaves it to conditions.
        edge: as ``state.Token.edge``.
    """

    name: str
    target: str | None
    edge: str


@once
def ways_past(step: Step) -> tuple[Way, ...]:
    """Return what can be chosen when a step is skipped, empty where its edges decide.

    People's choices, the two answers that a form decides between, or what an event gateway
    waits for; the first is taken where nobody chooses.
    """
    offered = choices(step)
    if offered:
        return tuple(Way(row["id"], row["target"], step.id) for row in offered)
    if deciding_field(step) is not None:
        return tuple(Way(edge.target, edge.target, step.id) for edge in step.next)
    if step.type == "event_gateway":
        return tuple(
            Way(each.target or "", each.target, f"{step.id}#{index}")
            for index, each in enumerate(step.boundary)
        )
    return ()


def decide(
    step: Step,
    values: Mapping[str, Any],
    outcome: str | None,
    *,
    comment: str | None = None,
    seen: Seen | None = None,
    together: bool = False,
) -> Decision:
    """Return where a completion with these values leads.

    Args:
        values: as validated by the form.
        outcome: what the person chose, if anything.
        comment: what was said to it; an outcome may require one by the name ``comment``.
        seen: what the form was judged against: what it hides cannot be required.
        together: several people decided; what an outcome requires was asked of each by itself.
    """
    offered = choices(step)
    if offered:
        decided = _chosen(step, offered, values, outcome, comment, seen)
        return (
            Decision(decided.outcome, decided.target) if together and decided.outcome else decided
        )
    field = deciding_field(step)
    if field is not None:
        if outcome is not None:
            message = "The answer to %(field)s decides here; leave out the outcome."
            return Decision(errors=(FieldError("outcome", "no_choice", message, {"field": field}),))
        answer = values.get(field)
        if not isinstance(answer, bool):
            return Decision(errors=(FieldError(field, "required", "Choose yes or no."),))
        return Decision(target=step.next[0 if answer else 1].target)
    if outcome is not None:
        error = FieldError("outcome", "no_choice", "This task has no outcomes to choose from.")
        return Decision(errors=(error,))
    if len(step.next) == 1 and step.next[0].when is None:
        return Decision(target=step.next[0].target)
    return Decision()


COMMENT: Final = "comment"
"""Stands in ``requires`` for the comment of the completion, unless a field has this name."""


def _chosen(
    step: Step,
    offered: tuple[Mapping[str, Any], ...],
    values: Mapping[str, Any],
    outcome: str | None,
    comment: str | None,
    seen: Seen | None,
) -> Decision:
    names = ", ".join(choice["id"] for choice in offered)
    if outcome is None:
        message = "Choose an outcome: %(choices)s."
        return Decision(errors=(FieldError("outcome", "required", message, {"choices": names}),))
    for choice in offered:
        if choice["id"] == outcome:
            missing = _missing(step, choice["requires"], values, comment, seen)
            errors = tuple(map(_needed, missing))
            return Decision(outcome, choice["target"], errors)
    message = "There is no outcome %(given)s. Choose one of: %(choices)s."
    params = {"given": outcome, "choices": names}
    return Decision(errors=(FieldError("outcome", "unknown_outcome", message, params),))


def _needed(name: str) -> FieldError:
    if name == COMMENT:
        return FieldError(name, "required", "Say why: this decision needs a comment.")
    return FieldError(name, "required", "This outcome needs a value here.")


def _missing(
    step: Step,
    required: Sequence[str],
    values: Mapping[str, Any],
    comment: str | None,
    seen: Seen | None,
) -> list[str]:
    """Return what an outcome requires and nobody gave; what is hidden cannot be given."""
    form = step.config.get("form", ())
    fields = {field["name"] for field in form}
    given = {**values} if COMMENT in fields else {**values, COMMENT: (comment or "").strip()}
    missing = [name for name in required if given.get(name) in (None, "", [])]
    if not missing or seen is None or not any("show_if" in field for field in form):
        return missing
    hidden = fill(form, values, text=False, seen=seen).hidden
    return [name for name in missing if name not in hidden]


def _same(step: Step, outcome: str) -> str | None:
    """Return the plain target that an outcome without ``next`` means; None: ask the edges."""
    if any(edge.when is not None for edge in step.next):
        return None
    targets = [edge.target for edge in step.next]
    if outcome in targets:
        return outcome
    return targets[0] if len(targets) == 1 else None
