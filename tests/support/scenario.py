"""Runs of definitions in tests: by hand, or from scenario files with invented answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core import simulate
from app.core.advance import Transition
from app.core.codec import (
    effect_lines,
    event_from_json,
    event_to_json,
    state_from_json,
    state_to_json,
)
from app.core.definition import Definition
from app.core.events import Event, Started
from app.core.jsontext import read
from app.core.parse import check, load
from app.core.simulate import BEGINS as MONDAY
from app.core.state import Token
from app.core.values import json_text

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TYPES = frozenset({"letter"})
"""Step types that count as registered in tests."""


class Played(simulate.Simulation):
    """A run that is driven by hand, as a stored instance would be."""

    def give(self, event: Event) -> Transition:
        """Advance by one event, through the codec both ways."""
        kept = event_from_json(event_to_json(event))
        stored = state_from_json(state_to_json(self.state), self.state.variables)
        assert (kept, stored) == (event, self.state)
        return super().give(event)

    def at(self, step: str) -> Token:
        """Return the first token that waits at a step."""
        there = self.tokens_at(step)
        assert there, f"nothing waits at {step}; {self.state.status}: {self.waiting()}"
        return there[0]

    def wait(self, step: str) -> int:
        """Return the id of what waits at a step."""
        wait = self.at(step).wait
        assert wait is not None
        return wait.id

    def answer(self, step: str, at: datetime = MONDAY, **given: Any) -> Played:
        """Give one answer as a scenario's; see ``app.core.simulate``."""
        simulate.answer(self, {"step": step, **given}, at)
        return self


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


def example(name: str) -> Definition:
    """Return a shipped definition or pattern."""
    folder = "definitions" if name.startswith("example_") else "patterns"
    return load((EXAMPLES / folder / f"{name}.json").read_text(encoding="utf-8"))


def scenarios() -> list[Path]:
    """Return the scenario files of the shipped definitions."""
    return sorted((EXAMPLES / "scenarios").glob("*.json"))


def pattern_scenarios() -> list[Path]:
    """Return the scenario files of the shipped patterns."""
    return sorted((EXAMPLES / "patterns" / "scenarios").glob("*.json"))


def read_scenario(path: Path) -> dict[str, Any]:
    """Return a scenario file's content, numbers exact."""
    value: dict[str, Any] = read(path.read_text(encoding="utf-8")).value
    return value


def play(scenario: Mapping[str, Any]) -> simulate.Simulation:
    """Run a scenario of a shipped definition or pattern to its last answer."""
    return simulate.play(example(scenario["definition"]), scenario)


def everything() -> str:
    """Return what becomes of every shipped scenario, all states and effects, as one text."""
    texts = []
    for path in [*scenarios(), *pattern_scenarios()]:
        played = play(read_scenario(path))
        texts += [json_text(line) for line in effect_lines(played.effects)]
        texts += [json_text(state_to_json(played.state)), json_text(played.state.variables)]
    return "\n".join(texts)


def define(*steps: Mapping[str, Any], **rest: Any) -> Definition:
    """Return the definition of these steps."""
    checked = check(source(*steps, **rest), stored=True)  # sound or not
    assert checked.definition is not None, [found.text() for found in checked.findings]
    return checked.definition


def source(*steps: Mapping[str, Any], **rest: Any) -> str:
    """Return the text of a document with these steps."""
    return json_text({"key": "test", "name": "Test", "steps": list(steps), **rest})


def service(id: str, *next_: Any, **rest: Any) -> dict[str, Any]:
    """Return a service step; keys that do not stand beside the config are in it."""
    return step("service_task", id, *next_, **{"service_name": "Mail", "method": "send", **rest})


def person(id: str, *next_: Any, **rest: Any) -> dict[str, Any]:
    """Return a user step."""
    return step("user_task", id, *next_, **rest)


def gateway(id: str, *conditions: tuple[str, str], **rest: Any) -> dict[str, Any]:
    """Return a gateway with (expression, next) pairs."""
    rows = [{"expression": expression, "next": target} for expression, target in conditions]
    return step("exclusive_gateway", id, **{"conditions": rows, **rest})


def end(id: str = "end", **config: Any) -> dict[str, Any]:
    """Return an explicit end."""
    return step("end", id, **config)


_BESIDE = ("on_error", "skip_when", "boundary", "multi", "point_of_no_return")


def step(kind: str, id: str, *next_: Any, **rest: Any) -> dict[str, Any]:
    """Return a step of any type."""
    beside = {key: rest.pop(key) for key in _BESIDE if key in rest}
    made = {"id": id, "type": kind, "config": rest, **beside}
    if next_:
        made["next"] = list(next_)
    return made


def all_at_once(id: str, *next_: str) -> dict[str, Any]:
    """Return a parallel gateway."""
    return step("parallel_gateway", id, *next_)


def any_of(id: str, *conditions: tuple[str, str], **rest: Any) -> dict[str, Any]:
    """Return an inclusive gateway with (expression, next) pairs; ``next`` makes it a join."""
    made = gateway(id, *conditions, **rest)
    return {**made, "type": "inclusive_gateway"}


def inside(id: str, steps: list[dict[str, Any]], *next_: str, **rest: Any) -> dict[str, Any]:
    """Return a sub-process."""
    return step("sub_process", id, *next_, steps=steps, **rest)
