"""Plays a scenario file through the pure core: invented answers, nothing stored.

A scenario is ``{name, definition, start, answers, expect}``:

* ``start``: ``by`` (the initiator's facts), ``at``, ``variables``;
* ``answers``: in order, each for the ``step`` that waits: a task's ``by``, ``values``,
  ``outcome``; a job's ``result`` or ``fails`` (``code``, ``message``, ``business``);
  ``after`` says how long after the answer before;
* ``expect``: ``path`` (steps in the order they were entered), ``status``, ``result`` and
  those ``variables`` that are worth naming.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.advance import Transition, advance
from app.core.codec import (
    effect_line,
    event_from_json,
    event_to_json,
    state_from_json,
    state_to_json,
)
from app.core.definition import Definition
from app.core.duration import parse_duration
from app.core.effects import Effect, OpenTask, Passed
from app.core.events import Event, JobFailed, JobSucceeded, Started, TaskCompleted
from app.core.form import validate
from app.core.jsontext import read
from app.core.parse import load
from app.core.state import State, Token
from app.core.values import json_text

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Played:
    """How far a run has come."""

    definition: Definition
    state: State = field(default_factory=State)
    effects: list[Effect] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def give(self, event: Event) -> Transition:
        """Advance by one event, through the codec both ways as a stored instance would."""
        kept = event_from_json(event_to_json(event))
        stored = state_from_json(state_to_json(self.state), self.state.variables)
        assert (kept, stored) == (event, self.state)
        moved = advance(self.definition, self.state, event)
        if moved.ignored is None:
            self.events.append(event)
        self.state = moved.state
        self.effects.extend(moved.effects)
        return moved

    @property
    def path(self) -> list[str]:
        """Ids of the steps in the order they were entered."""
        return [e.step for e in self.effects if isinstance(e, Passed) and not e.left]

    def waiting(self, step: str) -> Token:
        """Return the token that waits at a step."""
        for token in self.state.tokens:
            if token.step == step and token.wait is not None:
                return token
        at = [(token.step, token.wait) for token in self.state.tokens]
        raise AssertionError(f"nothing waits at {step}; status {self.state.status}, tokens {at}")

    def wait(self, step: str) -> int:
        """Return the id of what waits at a step."""
        wait = self.waiting(step).wait
        assert wait is not None
        return wait.id


def started(
    definition: Definition,
    variables: Mapping[str, Any] | None = None,
    *,
    initiator: Mapping[str, Any] | None = None,
    at: datetime = MONDAY,
) -> Played:
    """Return a run of ``definition`` that has just started."""
    played = Played(definition)
    facts = {
        "initiator": {
            "username": "zhao",
            "name": "Zhao Min",
            "email": "zhao@example.com",
            "groups": ["sales"],
            "manager": "li",
            **(initiator or {}),
        },
        "instance": {
            "id": 7,
            "business_key": None,
            "title": None,
            "started_at": at.isoformat(),
        },
    }
    by = facts["initiator"]["username"]
    played.give(Started(at=at, by=by, variables=dict(variables or {}), facts=facts))
    return played


def example(key: str) -> Definition:
    """Return a shipped definition."""
    return load((EXAMPLES / "definitions" / f"{key}.json").read_text(encoding="utf-8"))


def scenarios() -> list[Path]:
    """Return the shipped scenario files."""
    return sorted((EXAMPLES / "scenarios").glob("*.json"))


def read_scenario(path: Path) -> dict[str, Any]:
    """Return a scenario file's content, numbers exact."""
    value: dict[str, Any] = read(path.read_text(encoding="utf-8")).value
    return value


def play(scenario: Mapping[str, Any]) -> Played:
    """Run a scenario to its last answer."""
    start = scenario["start"]
    at = datetime.fromisoformat(start["at"]) if "at" in start else MONDAY
    played = started(
        example(scenario["definition"]), start["variables"], initiator=start.get("by"), at=at
    )
    for answer in scenario["answers"]:
        at = parse_duration(answer.get("after", "1m")).add_to(at, UTC)
        moved = played.give(_event(played, answer, at))
        assert moved.ignored is None, (answer, moved.ignored)
    return played


def everything() -> str:
    """Return what becomes of every shipped scenario, all states and effects, as one text."""
    texts = []
    for path in scenarios():
        played = play(read_scenario(path))
        texts += [json_text(effect_line(effect)) for effect in played.effects]
        texts += [json_text(state_to_json(played.state)), json_text(played.state.variables)]
    return "\n".join(texts)


def _event(played: Played, answer: Mapping[str, Any], at: datetime) -> Event:
    wait = played.wait(answer["step"])
    if "fails" in answer:
        return JobFailed(at=at, wait=wait, **answer["fails"])
    if "values" not in answer:
        return JobSucceeded(at=at, wait=wait, result=answer.get("result"))
    task = next(e for e in played.effects if isinstance(e, OpenTask) and e.wait == wait)
    values, errors = validate(task.form, answer["values"], text=False)
    assert not errors, [(answer["step"], error.field, error.text()) for error in errors]
    return TaskCompleted(
        at=at, by=answer["by"], wait=wait, values=values, outcome=answer.get("outcome")
    )


def define(*steps: Mapping[str, Any], **rest: Any) -> Definition:
    """Return the definition of these steps."""
    return load(source(*steps, **rest))


def source(*steps: Mapping[str, Any], **rest: Any) -> str:
    """Return the text of a document with these steps."""
    return json_text({"key": "test", "name": "Test", "steps": list(steps), **rest})


def service(id: str, *next_: Any, **rest: Any) -> dict[str, Any]:
    """Return a service step; other keys than ``on_error`` and ``skip_when`` are config."""
    return _made("service_task", id, next_, {"service_name": "Mail", "method": "send", **rest})


def person(id: str, *next_: Any, **rest: Any) -> dict[str, Any]:
    """Return a user step."""
    return _made("user_task", id, next_, rest)


def gateway(id: str, *conditions: tuple[str, str], **rest: Any) -> dict[str, Any]:
    """Return a gateway with (expression, next) pairs."""
    rows = [{"expression": expression, "next": target} for expression, target in conditions]
    return _made("exclusive_gateway", id, (), {"conditions": rows, **rest})


def end(id: str = "end", **config: Any) -> dict[str, Any]:
    """Return an explicit end."""
    return _made("end", id, (), config)


def _made(kind: str, id: str, next_: tuple[Any, ...], rest: dict[str, Any]) -> dict[str, Any]:
    beside = {key: rest.pop(key) for key in ("on_error", "skip_when") if key in rest}
    made = {"id": id, "type": kind, "config": rest, **beside}
    if next_:
        made["next"] = list(next_)
    return made
