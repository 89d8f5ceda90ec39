"""Where a task can be returned to, and what that would cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core import returning
from app.core.approval import SYSTEM
from app.core.codec import state_from_json
from app.core.definition import Definition
from app.core.returning import Place
from app.core.state import State, Token
from app.db.wire import Statement
from app.errors import FieldError, Invalid
from app.identity.actor import Actor
from app.task import access

Row = Mapping[str, Any]

_STATE = "select state from process_instances where id = %(id)s"


def asking(actor: Actor, task: Row) -> list[Statement]:
    """Return what asks for where an instance stands, if the actor may return its task."""
    if "return" not in access.allowed(actor, task):
        return []
    return [(_STATE, {"id": task["instance_id"]})]


def read(definition: Definition, task: Row, kept: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return where a task can be returned to, the nearest first.

    Args:
        kept: the state of its instance as stored; None: it cannot be returned at all.

    Returns:
        ``{step: {id, name}, by, previous, initiator, straight_back, cancels}`` each: who gets
        it; whether it is what ``previous`` and ``initiator`` mean; whether it could come
        straight back; and the steps, beside the task's own, whose work would be cancelled.
    """
    if kept is None:
        return []
    state = state_from_json(kept, task["variables"])
    token = token_of(state, task)
    if token is None or state.round >= definition.max_rounds:
        return []
    found = returning.places(definition, state, token)
    first = returning.of_initiator(definition, state, token)
    return [
        {
            "step": _step(definition, place.step),
            "by": place.by,
            "previous": place is previous_of(found),
            "initiator": place == first,
            "straight_back": returning.may_go_straight(token, place),
            "cancels": [
                _step(definition, other.step) for other in returning.cancelled(state, token, place)
            ],
        }
        for place in found
    ]


def chosen(definition: Definition, state: State, task: Row, to: str) -> Place:
    """Return the place that somebody named.

    Args:
        to: ``previous``, ``initiator`` or the id of a step.

    Raises:
        Invalid: the task cannot be returned there.
    """
    token = token_of(state, task)
    found = returning.places(definition, state, token) if token is not None else ()
    if token is not None and to == "initiator":
        place = returning.of_initiator(definition, state, token)
    elif to == "previous":
        place = previous_of(found)
    else:
        place = next((each for each in found if each.step == to), None)
    if place is None:
        ways = ", ".join(each.step for each in found) or "–"
        message = "It cannot be returned to %(to)s from here. Choose one of: %(choices)s."
        error = FieldError("to", "no_way_back", message, {"to": to[:100], "choices": ways})
        raise Invalid("cannot_return", "Choose where it is returned to.", errors=(error,))
    return place


def previous_of(places: tuple[Place, ...]) -> Place | None:
    """Return the one that a person did last; the start form only if there is nothing else.

    What a rule has decided it would decide once more: that one has to be chosen.
    """
    by_people = (place for place in places if place.by != SYSTEM)
    return next(by_people, places[0] if places else None)


def token_of(state: State, task: Row) -> Token | None:
    """Return the token that waits for a task."""
    waiting = (each for each in state.tokens if each.wait and each.wait.id == task["wait"])
    return next(waiting, None)


def _step(definition: Definition, step: str) -> dict[str, Any]:
    return {"id": step, "name": definition.by_id[step].name}
