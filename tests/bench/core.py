"""The core alone: one step, and the check of a process of 50 steps. No database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

from app.core.advance import advance
from app.core.events import JobSucceeded, Started
from app.core.parse import check, load
from app.core.soundness import explore
from app.core.state import State
from tests.bench.approval import NOW
from tests.bench.given import Given
from tests.bench.rows import Row

_STEPS: Final = 50
_TIMES: Final = 2_000


def run(given: Given) -> list[Row]:
    """Measure processor time; the best of several, since others only make it worse."""
    return [_advance(given), _soundness(given)]


def chain() -> dict[str, Any]:
    """Return a process of 50 calls one after the other."""
    steps = [
        {
            "id": f"s{number}",
            "type": "service_task",
            "config": {"service_name": "A", "method": "b", "input": {"n": "${n}"}},
            "next": [f"s{number + 1}" if number < _STEPS - 1 else "end"],
        }
        for number in range(_STEPS)
    ]
    return {
        "name": "Chain",
        "key": "bench_chain",
        "version": "1",
        "variables": {"n": {"type": "integer", "default": 1}},
        "steps": [*steps[: _STEPS - 1], steps[-1], {"id": "end", "type": "end"}],
    }


def mixed() -> dict[str, Any]:
    """Return a process of 50 steps: blocks of a task, a choice, and work side by side."""
    steps: list[dict[str, Any]] = []
    for block in range(7):
        one = f"b{block}_"
        steps += [
            _task(one + "ask", one + "choose"),
            {
                "id": one + "choose",
                "type": "exclusive_gateway",
                "config": {
                    "conditions": [
                        {"expression": f"${{n > {100 * block}}}", "next": one + "fork"},
                        {"expression": f"${{n <= {100 * block}}}", "next": one + "short"},
                    ]
                },
            },
            _call(one + "short", one + "on"),
            {
                "id": one + "fork",
                "type": "parallel_gateway",
                "next": [one + "left", one + "right"],
            },
            _task(one + "left", one + "join"),
            _call(one + "right", one + "join"),
            {"id": one + "join", "type": "parallel_gateway", "next": [one + "on"]},
        ]
    for block in range(6):
        _rename(steps, f"b{block}_on", f"b{block + 1}_ask")
    _rename(steps, "b6_on", "end")
    steps.append({"id": "end", "type": "end"})
    return {
        "name": "Mixed",
        "key": "bench_mixed",
        "version": "1",
        "variables": {"n": {"type": "integer", "required": True}},
        "steps": steps,
    }


def _rename(steps: list[dict[str, Any]], old: str, new: str) -> None:
    for step in steps:
        if "next" in step:
            step["next"] = [new if each == old else each for each in step["next"]]


def _call(step: str, target: str) -> dict[str, Any]:
    config = {"service_name": "NoopService", "method": "run", "input": {"n": "${n}"}}
    return {"id": step, "type": "service_task", "config": config, "next": [target]}


def _task(step: str, target: str) -> dict[str, Any]:
    config = {"assignee": "li", "form": {"note": "text"}}
    return {"id": step, "type": "user_task", "config": config, "next": [target]}


def _advance(given: Given) -> Row:
    """Measure the answer of a job in the midst: one step is left, the next one entered."""
    definition = load(json.dumps(chain()))
    facts = {"initiator": {"username": "zhao"}, "instance": {"id": 1}}
    state = advance(
        definition, State(), Started(at=NOW, by="zhao", variables={"n": 1}, facts=facts)
    ).state
    for _ in range(_STEPS // 2):
        state = advance(definition, state, _done(state)).state
    event = _done(state)
    if advance(definition, state, event).ignored is not None:
        raise AssertionError("the step was not made")

    def steps() -> None:
        for _ in range(_TIMES):
            advance(definition, state, event)

    best = _best(given, steps) / _TIMES
    return Row("advance", 1e6 * best, {"steps": _STEPS})


def _done(state: State) -> JobSucceeded:
    wait = next(token.wait for token in state.tokens if token.wait is not None)
    return JobSucceeded(at=NOW, wait=wait.id, result={"ok": True})


def _soundness(given: Given) -> Row:
    source = json.dumps(mixed())
    checked = check(source)
    if checked.definition is None or not checked.valid:
        raise AssertionError([each.text() for each in checked.findings])
    definition = checked.definition
    whole = _best(given, lambda: check(source))
    alone = _best(given, lambda: explore(definition))
    parts = {"exploring alone ms": 1000 * alone, "steps": len(definition.steps)}
    return Row("soundness", 1000 * whole, parts)


def _best(given: Given, call: Callable[[], Any]) -> float:
    """Return the least processor seconds of one call."""
    best = float("inf")
    end = time.monotonic() + given.seconds
    while best == float("inf") or time.monotonic() < end:
        begin = time.process_time()
        call()
        best = min(best, time.process_time() - begin)
    return best
