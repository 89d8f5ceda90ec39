"""State, events and effects as JSON values, for the rows they are kept in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from app.core import effects as fx
from app.core import events as ev
from app.core.state import ROOT, Again, Attached, Completion, Scope, State, Token, Wait

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
        ev.Returned,
        ev.Recalled,
        ev.Withdrawn,
        ev.NobodyLeft,
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
        "completed": {step: _completion_to_json(done) for step, done in state.completed.items()},
        "visits": state.visits,
        "next_id": state.next_id,
        "result": state.result,
    }
    if state.scopes:
        kept["scopes"] = [_scope_to_json(scope) for scope in state.scopes.values()]
    if state.end is not None:
        kept["end"] = list(state.end)
    if state.round != 1:
        kept["round"] = state.round
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
            step: Completion(**{**done, "forks": tuple(done["forks"])})
            for step, done in kept["completed"].items()
        },
        visits=kept["visits"],
        next_id=kept["next_id"],
        result=kept["result"],
        scopes={each["id"]: _scope_from_json(each) for each in kept.get("scopes", ())},
        end=(kept["end"][0], kept["end"][1]) if "end" in kept else None,
        round=kept.get("round", 1),
    )


def _completion_to_json(done: Completion) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "by": done.by,
        "at": done.at,
        "values": done.values,
        "outcome": done.outcome,
        "forks": list(done.forks),
    }
    if done.mark:
        kept["mark"] = done.mark
    if done.scope != ROOT:
        kept["scope"] = done.scope
    if done.round != 1:
        kept["round"] = done.round
    if done.target is not None:
        kept["target"] = done.target
    if done.void:
        kept["void"] = True
    if done.votes is not None:
        kept["votes"] = done.votes
    if done.seal is not None:
        kept["seal"] = done.seal
    if done.behalf is not None:
        kept["behalf"] = done.behalf
    return kept


def _token_to_json(token: Token) -> dict[str, Any]:
    kept: dict[str, Any] = {"id": token.id, "step": token.step}
    if token.edge:
        kept["edge"] = token.edge
    if token.scope != ROOT:
        kept["scope"] = token.scope
    if token.forks:
        kept["forks"] = list(token.forks)
    if token.again is not None:
        kept["again"] = [token.again.by, [list(each) for each in token.again.back]]
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
        again=_again_from_json(kept["again"]) if "again" in kept else None,
    )


def _again_from_json(kept: Sequence[Any]) -> Again:
    return Again(kept[0], tuple((step, by) for step, by in kept[1]))


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
    kept: dict[str, Any] = {}
    for name in _NAMES[type(event)]:
        value = getattr(event, name)
        if value is not None:
            kept[name] = value
    kept["at"] = event.at.isoformat()
    kept["kind"] = event.kind
    return kept


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


def effect_lines(effects: Iterable[fx.Effect]) -> list[list[Any]]:
    """Return ``[kind, step id or None, data]`` of each effect: its line in the history."""
    lines = []
    for effect in effects:
        tell = _TOLD.get(type(effect))
        if tell is None:
            raise TypeError(f"no line for {effect!r}")
        kind, data = tell(effect)
        lines.append([kind, effect.step or None, data])
    return lines


_Told = tuple[str, dict[str, Any]]
"""What the history calls it, and what it says of it."""


def _passed(effect: fx.Passed) -> _Told:
    if effect.left:
        return "step.left", {"token": effect.token, "to": effect.target}
    return "step.entered", {"token": effect.token}


def _task(effect: fx.OpenTask) -> _Told:
    named = [*effect.candidate_users, *effect.candidate_groups]
    said = {"wait": effect.wait, "assignee": effect.assignee, "candidates": named}
    if effect.rules is not None:
        said |= {"assignees": list(effect.assignees), "mode": effect.rules.mode}
    return "task.opened", said


def _no_task(effect: fx.CloseTask) -> _Told:
    return "task.cancelled", {"wait": effect.wait, "reason": effect.reason}


def _job(effect: fx.StartJob) -> _Told:
    return "job.started", {"wait": effect.wait, "service": f"{effect.service}.{effect.method}"}


def _no_job(effect: fx.CancelJob) -> _Told:
    return "job.cancelled", {"wait": effect.wait, "reason": effect.reason}


def _incident(effect: fx.RaiseIncident) -> _Told:
    said = {"wait": effect.wait, "kind": effect.error_kind, "message": effect.message}
    parts = effect.detail.get("phrase")
    return "incident.opened", {**said, "phrase": parts} if parts else said


def _no_incident(effect: fx.ResolveIncident) -> _Told:
    return "incident.resolved", {"wait": effect.wait, "how": effect.how}


def _variables(effect: fx.SetVariables) -> _Told:
    if effect.scope:
        return "variables.changed", {"values": effect.values, "scope": effect.scope}
    return "variables.changed", {"values": effect.values}


def _timer(effect: fx.StartTimer) -> _Told:
    return "timer.started", {"wait": effect.wait, "due_at": effect.due_at.isoformat()}


def _no_timer(effect: fx.CancelTimer) -> _Told:
    return "timer.cancelled", {"wait": effect.wait}


def _awaited(effect: fx.Subscribe) -> _Told:
    return "message.awaited", {"wait": effect.wait, "name": effect.name, "key": effect.key}


def _not_awaited(effect: fx.Unsubscribe) -> _Told:
    return "message.given_up", {"wait": effect.wait}


def _message(effect: fx.Correlate) -> _Told:
    return "message.sent", {"name": effect.name, "key": effect.key}


def _child(effect: fx.StartChild) -> _Told:
    return "child.started", {"wait": effect.wait, "process_key": effect.process_key}


def _no_child(effect: fx.EndChild) -> _Told:
    return "child.withdrawn", {"wait": effect.wait, "reason": effect.reason}


def _moved(effect: fx.Moved) -> _Told:
    return f"token.{effect.how}", {"token": effect.token, "to": effect.target}


def _ended(effect: fx.Ended) -> _Told:
    how = effect.result if effect.result == "withdrawn" else effect.status
    return f"instance.{how}", {"result": effect.result, "code": effect.code}


_TOLD: Final[Mapping[type[fx.Effect], Callable[[Any], _Told]]] = {
    fx.Passed: _passed,
    fx.OpenTask: _task,
    fx.CloseTask: _no_task,
    fx.StartJob: _job,
    fx.CancelJob: _no_job,
    fx.RaiseIncident: _incident,
    fx.ResolveIncident: _no_incident,
    fx.SetVariables: _variables,
    fx.StartTimer: _timer,
    fx.CancelTimer: _no_timer,
    fx.Subscribe: _awaited,
    fx.Unsubscribe: _not_awaited,
    fx.Correlate: _message,
    fx.StartChild: _child,
    fx.EndChild: _no_child,
    fx.Moved: _moved,
    fx.Ended: _ended,
}
"""How the history tells of each kind of effect."""
