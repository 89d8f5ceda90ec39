"""Random definitions of the five step types, and random runs of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from app.core.advance import Transition, advance
from app.core.definition import Definition
from app.core.effects import Effect
from app.core.events import (
    Activated,
    Event,
    JobFailed,
    JobSucceeded,
    Retried,
    Started,
    Suspended,
    TaskCompleted,
    Terminated,
    VariablesSet,
)
from app.core.outcome import choices, deciding_field
from app.core.parse import load
from app.core.state import ENDED, State, Wait
from app.core.values import json_text
from tests.support.scenario import MONDAY

CONDITIONS = (
    "a > 1",
    "b",
    "a == null or a <= 3",
    "len(c) < 3",
    "a + 1 > 2",
    "missing.part == null",
    "now() > datetime('2026-03-02T10:00:00Z')",
    "1 / a > 0",
)
"""Some true, some false, some that fail, according to the variables."""
VALUES = (None, True, False, 0, 1, 2, Decimal("2.50"), Decimal("1e20"), "", "text", [1], [True])
_ENDS = st.fixed_dictionaries(
    {"result": st.sampled_from(["completed", "cancelled", "error"])},
    optional={"terminate": st.booleans(), "code": st.just("a_code")},
)


@st.composite
def sources(draw: Callable[..., Any]) -> str:
    """Return texts of valid definitions of 1 to 7 steps."""
    names = [f"s{i}" for i in range(draw(st.integers(1, 7)))]
    drawn = [_step(draw, name, names) for name in names]
    # Every step has to be reached: a step whose number is one higher is always among the ways.
    return json_text(
        {
            "key": "random",
            "name": "Random",
            "variables": {"a": {"type": "any", "default": 2}, "b": "any"},
            "settings": {"max_visits": draw(st.sampled_from([2, 5, 40]))},
            "steps": [*drawn, {"id": "end", "type": "end", "config": draw(_ENDS)}],
        }
    )


def _step(draw: Callable[..., Any], name: str, names: list[str]) -> dict[str, Any]:
    after = [*names, "end"][names.index(name) + 1]
    anywhere = st.sampled_from([*names, "end"])
    condition = st.sampled_from(CONDITIONS)
    kind = draw(st.sampled_from(["service_task", "user_task", "exclusive_gateway", "start"]))
    config: dict[str, Any] = {}
    step: dict[str, Any] = {"id": name, "type": kind, "config": config, "next": [after]}
    if kind in ("service_task", "user_task") and draw(st.integers(0, 4)) == 0:
        step["skip_when"] = draw(condition)
    if kind == "exclusive_gateway":
        del step["next"]
        rows = draw(st.lists(st.tuples(condition, anywhere), max_size=2))
        config["conditions"] = [{"expression": when, "next": to} for when, to in rows]
        config["conditions"].append({"expression": draw(condition), "next": after})
        if draw(st.booleans()):
            config["default"] = draw(anywhere)
    elif kind == "service_task":
        config |= {"service_name": "Mail", "method": "send"}
        if draw(st.booleans()):
            config["input"] = {"a": "${a}", "text": "${c} of ${a}"}
        if draw(st.booleans()):
            config["output"] = {"a": "${result}", "c": "${result + 1}"}
        if draw(st.booleans()):
            step["on_error"] = draw(anywhere)
    elif kind == "user_task":
        config["form"] = {"a": "number", "b": "boolean", "c": "text"}
        config["assignee"] = draw(st.sampled_from(["li", "${initiator.manager}", "${c}"]))
        if draw(st.integers(0, 2)) == 0:
            config["due_date"] = draw(st.sampled_from(["2h", "2026-04-01", "${c}"]))
        other = draw(anywhere)
        shape = draw(st.integers(0, 3))
        if shape == 1 and other != after:
            step["next"] = [after, other]
        elif shape == 2 and other != after:
            config["form"]["d"] = "boolean"
            step["next"] = [after, other]
        elif shape == 3:
            outcomes = [{"id": "on", "next": after}, {"id": "back", "next": other}]
            config["outcomes"] = [{**one, "set": {"c": "${c}!"}} for one in outcomes]
    elif draw(st.booleans()):
        step["next"] = [{"step": draw(anywhere), "when": draw(condition)}, after]
    return step


@dataclass
class Run:
    """A definition on its way, with everything that happened to it."""

    source: str
    definition: Definition = field(init=False)
    state: State = field(default_factory=State)
    states: list[State] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    moves: list[Transition] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.definition = load(self.source)

    def give(self, event: Event) -> Transition:
        """Advance by one event and keep what came of it."""
        moved = advance(self.definition, self.state, event)
        self.states.append(self.state)
        self.events.append(event)
        self.moves.append(moved)
        self.state = moved.state
        return moved

    @property
    def effects(self) -> list[Effect]:
        """All effects so far."""
        return [effect for move in self.moves for effect in move.effects]

    @property
    def ended(self) -> bool:
        """Whether the instance is over."""
        return self.state.status in ENDED

    @property
    def waits(self) -> dict[int, tuple[str, Wait]]:
        """Step and wait of everything that is open, by wait id."""
        found = {}
        for token in self.state.tokens:
            assert token.wait is not None, "a token is left ready"
            found[token.wait.id] = (token.step, token.wait)
        return found


FACTS = {
    "initiator": {"username": "zhao", "manager": "li", "groups": ["sales"]},
    "instance": {"id": 7, "business_key": None},
}


_VARIABLES = st.fixed_dictionaries(
    {
        "a": st.sampled_from([0, 1, 2, Decimal("2.50")]),
        "b": st.booleans(),
        "c": st.sampled_from(["", "text"]),
    }
)
_ANY = dict.fromkeys("abc", st.sampled_from(VALUES))


@st.composite
def runs(draw: Callable[..., Any]) -> Run:
    """Return runs of random definitions by random events, some of them out of place."""
    run = Run(draw(sources()))
    at = MONDAY
    given = draw(
        _VARIABLES if draw(st.integers(0, 3)) else st.fixed_dictionaries({}, optional=_ANY)
    )
    run.give(Started(at=at, by="zhao", variables=given, facts=FACTS))
    for _ in range(draw(st.integers(0, 16))):
        at += timedelta(minutes=draw(st.integers(0, 90)))
        if draw(st.integers(0, 9)) == 0:
            run.give(draw(_strays(run, at)))
        elif run.ended:
            break
        else:
            run.give(draw(_answers(run, at)))
    return run


@st.composite
def _answers(draw: Callable[..., Any], run: Run, at: Any) -> Event:
    """Return an event that fits something that the run waits for."""
    if run.state.status == "suspended":
        return Activated(at=at, by="admin")
    wait = draw(st.sampled_from(sorted(run.waits)))
    step_id, waiting = run.waits[wait]
    if waiting.kind == "incident":
        if draw(st.booleans()):
            return Retried(at=at, by="admin", wait=wait)
        return VariablesSet(at=at, by="admin", values=draw(_VARIABLES))
    if waiting.kind == "job":
        if draw(st.integers(0, 3)):
            result = draw(st.sampled_from([*VALUES, 1, 2, 3, {"a": 5}, {"b": True, "x": 1}]))
            return JobSucceeded(at=at, wait=wait, result=result)
        business = draw(st.booleans())
        return JobFailed(at=at, wait=wait, code="down", message="No luck.", business=business)
    step = run.definition.by_id[step_id]
    values: dict[str, Any] = {"a": draw(st.sampled_from(VALUES[3:7])), "c": "yes"}
    decides = deciding_field(step)
    if decides is not None:
        values[decides] = draw(st.booleans())
    offered = [one["id"] for one in choices(step)]
    outcome = draw(st.sampled_from(offered)) if offered else None
    return TaskCompleted(at=at, by="li", wait=wait, values=values, outcome=outcome)


@st.composite
def _strays(draw: Callable[..., Any], run: Run, at: Any) -> Event:
    """Return an event that may come at any time, or is late, early or for another wait."""
    wait = draw(st.integers(1, run.state.next_id + 1))
    return draw(
        st.sampled_from(
            [
                Suspended(at=at, by="admin", reason="audit"),
                Activated(at=at, by="admin"),
                VariablesSet(at=at, by="admin", values={"a": 3, "c": "ok"}),
                Terminated(at=at, by="admin", reason="over"),
                Started(at=at),
                JobSucceeded(at=at, wait=wait, result=1),
                JobFailed(at=at, wait=wait, code="late", message="Late."),
                TaskCompleted(at=at, by="mei", wait=wait, values={"b": True}),
                Retried(at=at, by="admin", wait=wait),
            ]
        )
    )
