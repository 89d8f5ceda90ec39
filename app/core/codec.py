"""State, events and effects as JSON values, for the rows they are kept in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from app.core import events as ev
from app.core.effects import Effect
from app.core.state import ROOT, Attached, Completion, Scope, State, Token, Wait

VERSION: Final = 1
"""Of the state's JSON form."""

EVENTS: Final[Mapping[str, type[ev.Event]]] = {
    event.kind: event
    for event in (
        ev.Started,
        ev.TaskCompleted,
        ev.JobSucceeded,
        ev.JobFailed,
        ev.Suspended,
        ev.Activated,
        ev.Terminated,
        ev.Retried,
        ev.VariablesSet,
        ev.TimerFired,
        ev.MessageReceived,
        ev.ChildEnded,
        ev.Skipped,
        ev.Jumped,
        ev.Migrated,
    )
}
_NAMES: Final = {kind: tuple(each.name for each in fields(kind)) for kind in EVENTS.values()}
"""Of the fields of each kind of event."""


def state_to_json(state: State) -> dict[str, Any]:
    """Return the state without its variables (they have a column of their own)."""
    kept: dict[str, Any] = {
        "v": VERSION,
        "status": state.status,
        "tokens": [_token_to_json(token) for token in state.tokens],
        "facts": state.facts,
        "completed": {
            step: {
                "by": done.by,
                "at": done.at,
                "values": done.values,
                "outcome": done.outcome,
                "forks": list(done.forks),
            }
            for step, done in state.completed.items()
        },
        "visits": state.visits,
        "next_id": state.next_id,
        "result": state.result,
    }
    if state.scopes:
        kept["scopes"] = [_scope_to_json(scope) for scope in state.scopes.values()]
    if state.end is not None:
        kept["end"] = list(state.end)
    return kept


def state_from_json(kept: Mapping[str, Any], variables: Mapping[str, Any]) -> State:
    """Read a state back.

    Raises:
        ValueError: it was written by a newer version of this code.
    """
    if kept.get("v") != VERSION:
        raise ValueError(f"a state of version {kept.get('v')!r} cannot be read by this code")
    return State(
        status=kept["status"],
        tokens=tuple(_token_from_json(token) for token in kept["tokens"]),
        variables=variables,
        facts=kept["facts"],
        completed={
            step: Completion(
                by=done["by"],
                at=done["at"],
                values=done["values"],
                outcome=done["outcome"],
                forks=tuple(done["forks"]),
            )
            for step, done in kept["completed"].items()
        },
        visits=kept["visits"],
        next_id=kept["next_id"],
        result=kept["result"],
        scopes={each["id"]: _scope_from_json(each) for each in kept.get("scopes", ())},
        end=(kept["end"][0], kept["end"][1]) if "end" in kept else None,
    )


def _token_to_json(token: Token) -> dict[str, Any]:
    kept: dict[str, Any] = {"id": token.id, "step": token.step}
    if token.edge:
        kept["edge"] = token.edge
    if token.scope != ROOT:
        kept["scope"] = token.scope
    if token.forks:
        kept["forks"] = list(token.forks)
    if token.wait is not None:
        kept["wait"] = {"id": token.wait.id, "kind": token.wait.kind}
        if token.wait.error is not None:
            kept["wait"]["error"] = token.wait.error
        if token.wait.attached:
            kept["wait"]["attached"] = [
                [each.id, each.index, each.kind, each.left] for each in token.wait.attached
            ]
    return kept


def _token_from_json(kept: Mapping[str, Any]) -> Token:
    wait = kept.get("wait")
    return Token(
        id=kept["id"],
        step=kept["step"],
        edge=kept.get("edge", ""),
        scope=kept.get("scope", ROOT),
        forks=tuple(kept.get("forks", ())),
        wait=_wait_from_json(wait) if wait else None,
    )


def _wait_from_json(kept: Mapping[str, Any]) -> Wait:
    attached = tuple(Attached(*each) for each in kept.get("attached", ()))
    return Wait(kept["id"], kept["kind"], kept.get("error"), attached)


def _scope_to_json(scope: Scope) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "id": scope.id,
        "kind": scope.kind,
        "parent": scope.parent,
        "owner": scope.owner,
        "step": scope.step,
    }
    if scope.kind == "element":
        kept |= {"variables": scope.variables, "index": scope.index}
    elif scope.kind == "sub" and scope.visits:
        kept["visits"] = scope.visits
    elif scope.kind == "multi":
        kept |= {"items": list(scope.items), "next": scope.next, "done": scope.done}
        kept["collected"] = scope.collected
    return kept


def _scope_from_json(kept: Mapping[str, Any]) -> Scope:
    given = dict(kept)
    if "items" in given:
        given["items"] = tuple(given["items"])
    return Scope(**given)


def event_to_json(event: ev.Event) -> dict[str, Any]:
    """Return an event so that it can be given to the core again."""
    kept = {name: getattr(event, name) for name in _NAMES[type(event)]}
    kept["at"] = event.at.isoformat()
    kept["kind"] = event.kind
    return {name: value for name, value in kept.items() if value is not None}


def event_from_json(kept: Mapping[str, Any]) -> ev.Event:
    """Read an event back.

    Raises:
        ValueError: unknown kind.
    """
    given = dict(kept)
    kind = EVENTS.get(given.pop("kind"))
    if kind is None:
        raise ValueError(f"unknown event {kept['kind']!r}")
    given["at"] = datetime.fromisoformat(given["at"])
    return kind(**given)


def effect_line(effect: Effect) -> list[Any]:
    """Return ``[kind, step id or None, data]``: the effect's line in the history."""
    return effect_lines((effect,))[0]


def effect_lines(effects: Iterable[Effect]) -> list[list[Any]]:
    """Return the line of each effect."""
    lines = []
    for effect in effects:
        kind, data = effect.told()
        lines.append([kind, effect.step or None, data])
    return lines
