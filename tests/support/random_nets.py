"""Random processes, and all that the core can make of one: by asking ``advance`` itself.

A gateway decides by variables of its own, which are set anew before every answer. So
every way that a gateway has can be taken at every visit, which is what "data left open"
means. Every circle passes a step that waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

from app.core import events as ev
from app.core.advance import advance
from app.core.definition import Definition, Step
from app.core.effects import Effect, Passed
from app.core.joining import is_join
from app.core.outcome import choices
from app.core.soundness import Move
from app.core.state import ENDED, State, Token
from tests.support.definitions import definition, fork, job, step, user

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MAX_TOKENS = 6
Pick = Callable[[int, int], int]
"""Returns a whole number between two, both included."""


# --- making them ----------------------------------------------------------------------


class Builder:
    """Builds blocks with one way in and one way out, then spoils some of it."""

    def __init__(self, pick: Pick, *, subs: bool = False, beside: bool = True) -> None:
        self.pick = pick
        self.subs = subs
        self.beside = beside
        self.steps: list[dict[str, Any]] = []

    def process(self) -> Definition:
        """Return a process of one block, spoiled in up to two places."""
        self.block(step_id := self.name("end"), 3)
        first = self.steps.pop()
        self.steps.insert(0, first)
        self.steps.append(step(step_id, "end"))
        for _ in range(self.pick(0, 2)):
            self.spoil()
        return definition(*self.steps)

    def name(self, kind: str) -> str:
        """Return an id that no step has."""
        self.count = getattr(self, "count", 0) + 1
        return f"{kind}{self.count}"

    def block(self, after: str, depth: int) -> str:
        """Add a block that leads to ``after``; its first step is the last added."""
        kind = self.pick(0, 7 if depth else 1)
        if kind <= 1:
            return self.task(after)
        if kind == 2:
            return self.block(self.block(after, depth - 1), depth - 1)
        if kind == 3:
            return self.loop(after, depth)
        if kind == 4 and self.subs:
            return self.sub(after)
        return self.gateway(["exclusive", "parallel", "inclusive"][kind % 3], after, depth)

    def task(self, after: str) -> str:
        """Add a task of a person or a machine, perhaps with a boundary."""
        name = self.name("t")
        made = user(name, after) if self.pick(0, 1) else job(name, after)
        extra = self.pick(0, 5)
        if extra == 0:
            made["boundary"] = [{"on": "timer", "after": "1h", "next": after}]
        elif extra == 1 and self.beside:
            beside = self.name("b")
            self.steps.append(job(beside))
            made["boundary"] = [{"on": "timer", "after": "1h", "interrupt": False, "next": beside}]
        elif extra == 2 and made["type"] == "service_task":
            made["on_error"] = after
        self.steps.append(made)
        return name

    def loop(self, after: str, depth: int) -> str:
        """Add a block that may be done again."""
        name, entry = self.name("again"), self.name("m")
        body = self.block(name, depth - 1)
        self.steps.append(user(name, body, after))
        self.steps.append(step(entry, "exclusive_gateway", body))
        return entry

    def sub(self, after: str) -> str:
        """Add a sub-process."""
        name, inner = self.name("sub"), Builder(self.pick)
        inner.count = 100 * (len(self.steps) + 1)
        last = inner.name("last")
        inner.block(last, 1)
        first = inner.steps.pop()
        made = step(name, "sub_process", after)
        made["config"] = {"steps": [first, *inner.steps, job(last)]}
        if self.pick(0, 1):
            made["boundary"] = [{"on": "error", "next": after}]
        self.steps.append(made)
        return name

    def gateway(self, kind: str, after: str, depth: int) -> str:
        """Add a split into two or three, and what ends it."""
        name, joins = self.name("s"), self.name("j")
        self.steps.append(step(joins, f"{kind}_gateway", after))
        ways = [self.block(joins, depth - 1) for _ in range(self.pick(2, 3 if depth > 2 else 2))]
        if kind == "parallel":
            self.steps.append(fork(name, *ways))
        else:
            self.steps.append(step(name, f"{kind}_gateway"))
            self.steps[-1]["config"]["conditions"] = [
                {"expression": _condition(kind, name, place), "next": way}
                for place, way in enumerate(ways)
            ]
        return name

    def spoil(self) -> None:
        """Lead one way elsewhere, make a join of another kind, or end everything early."""
        target = self.steps[self.pick(0, len(self.steps) - 1)]
        elsewhere = self.steps[self.pick(0, len(self.steps) - 1)]["id"]
        kind = self.pick(0, 3)
        if kind == 0 and target["type"] == "end":
            target["config"] = {"terminate": True}
        elif kind == 1 and target["type"].endswith("_gateway") and "next" in target:
            target["type"] = ["exclusive", "parallel", "inclusive"][self.pick(0, 2)] + "_gateway"
            if target["type"] != "parallel_gateway":
                target["next"] = target["next"][:1]
        elif target["config"].get("conditions"):
            target["config"]["conditions"][0]["next"] = elsewhere
        elif target.get("next"):
            target["next"] = [*target["next"][:-1], elsewhere]


def _condition(kind: str, name: str, place: int) -> str:
    return f"{name} == '{place}'" if kind == "exclusive" else f"{name}_{place}"


def circles_at_once(process: Definition) -> bool:
    """Say whether steps that do not wait form a circle."""
    after = {
        each.id: {target for _, target in each.ways()}
        for each in process.steps
        if each.type.endswith("_gateway")
    }
    while leaves := [name for name, others in after.items() if not others & after.keys()]:
        for name in leaves:
            del after[name]
    return bool(after)


def combinations_of(process: Definition) -> int:
    """Return in how many ways the gateways of a process can decide."""
    return sum(1 for _ in _data(process))


# --- running them ---------------------------------------------------------------------


@dataclass
class Truth:
    """All that the core can make of a process.

    Args:
        visited: the steps that some token enters.
        stuck: the joins with tokens when nothing can move any more.
        trapped: whether an end can be out of reach without anything being stuck.
        twice: the steps on which two tokens wait at once, joins left out.
        bounded: whether all states were seen.
    """

    visited: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    trapped: bool = False
    twice: set[str] = field(default_factory=set)
    bounded: bool = True


def truth_of(process: Definition, limit: int = 600) -> Truth:
    """Try every answer in every state."""
    found = Truth()
    known: dict[Any, int] = {}
    before: list[list[int]] = []
    states: list[State] = []
    over: list[int] = []

    def reach(state: State, cause: int | None) -> None:
        key = _key(state)
        if key not in known:
            known[key] = len(states)
            states.append(state)
            before.append([])
        if cause is not None:
            before[known[key]].append(cause)

    for data in _data(process):
        begun = advance(process, State(), ev.Started(at=NOW, variables=data))
        _note(process, begun.effects, found)
        reach(begun.state, None)
    for number, state in enumerate(states):  # grows
        if len(states) > limit or _crowded(state):
            found.bounded = False
            return found
        if state.status in ENDED:
            over.append(number)
            continue
        found.twice |= _together(process, state)
        answers = list(_answers(process, state))
        if not answers:
            found.stuck |= {token.step for token in state.tokens if _waits(token) == "join"}
            over.append(number)
        for answer in answers:
            for data in _data(process):
                done = advance(process, replace(state, variables=data), answer)
                assert done.ignored is None
                if not any(_waits(token) == "incident" for token in done.state.tokens):
                    _note(process, done.effects, found)
                    reach(done.state, number)
    free = set(over)
    while over:
        fresh = [each for each in before[over.pop()] if each not in free]
        free.update(fresh)
        over += fresh
    found.trapped = len(free) < len(states)
    return found


def replay(process: Definition, witness: tuple[Move, ...]) -> State:
    """Drive the core along a witness; tokens that it does not name are answered at last."""
    groups: list[list[Move]] = [[]]
    for move in witness:
        if _is_wait(process.by_id[move.step]):
            groups.append([])
        groups[-1].append(move)
    data = next(_data(process))
    begun = ev.Started(at=NOW, variables={**data, **_decided(process, groups[0])})
    state = advance(process, State(), begun).state
    for first, *others in groups[1:]:
        variables = {**state.variables, **_decided(process, others)}
        state = replace(state, variables=variables)
        state = advance(process, state, _chosen(process, state, first)).state
    while rest := [t for t in state.tokens if _waits(t) == "job" and t.step.startswith("b")]:
        assert rest[0].wait is not None
        state = advance(process, state, ev.JobSucceeded(at=NOW, wait=rest[0].wait.id)).state
    return state


def _chosen(process: Definition, state: State, move: Move) -> ev.Event:
    token = next(t for t in state.tokens if t.step == move.step and _waits(t) != "join")
    labelled = dict(_labelled_answers(process, state, token))
    return labelled[move.choice]


def _decided(process: Definition, moves: list[Move]) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for move in moves:
        conditions = [edge.when.text for edge in process.by_id[move.step].next if edge.when]
        for place, text in enumerate(conditions):
            if " == " in text:
                if text == move.choice or len(conditions) == 1:
                    values[move.step] = str(place)
            else:
                values[text] = text in move.choice.split(" and ") or len(conditions) == 1
    return values


def _data(process: Definition) -> Iterator[dict[str, Any]]:
    """Yield every combination of what the gateways read."""
    parts: list[list[dict[str, Any]]] = []
    for each in process.steps:
        conditions = [edge.when.text for edge in each.next if edge.when]
        if each.type == "exclusive_gateway" and conditions:
            parts.append([{each.id: str(place)} for place in range(len(conditions))])
        elif conditions:
            parts.append(
                [
                    dict(zip(conditions, values, strict=True))
                    for values in product((True, False), repeat=len(conditions))
                    if any(values)
                ]
            )
    for combination in product(*parts):
        yield {name: value for part in combination for name, value in part.items()}


def _answers(process: Definition, state: State) -> Iterator[ev.Event]:
    for token in state.tokens:
        for _, answer in _labelled_answers(process, state, token):
            yield answer


def _labelled_answers(
    process: Definition, state: State, token: Token
) -> Iterator[tuple[str, ev.Event]]:
    wait = token.wait
    assert wait is not None
    if wait.kind == "task":
        offered = choices(process.by_id[token.step])
        for choice in offered:
            yield (
                f"outcome {choice['id']}",
                ev.TaskCompleted(at=NOW, wait=wait.id, outcome=choice["id"]),
            )
        if not offered:
            yield "", ev.TaskCompleted(at=NOW, wait=wait.id)
    if wait.kind == "job":
        yield "", ev.JobSucceeded(at=NOW, wait=wait.id)
        if _caught(process, state, token):
            yield "error", ev.JobFailed(at=NOW, wait=wait.id, code="x", message="x")
    for each in wait.attached:
        yield "timer 1h", ev.TimerFired(at=NOW, wait=each.id)


def _caught(process: Definition, state: State, token: Token) -> bool:
    at = process.by_id[token.step]
    while True:
        if at.on_error or any(each.on == "error" for each in at.boundary):
            return True
        if at.parent is None:
            return False
        at = process.by_id[at.parent]


def _note(process: Definition, effects: tuple[Effect, ...], found: Truth) -> None:
    found.visited |= {
        effect.step
        for effect in effects
        if isinstance(effect, Passed)
        and (effect.left or not is_join(process, process.by_id[effect.step]))
    }


def _is_wait(at: Step) -> bool:
    return at.type in ("user_task", "service_task", "sub_process")


def _waits(token: Token) -> str | None:
    return token.wait.kind if token.wait else None


def _crowded(state: State) -> bool:
    counts = Counter((token.step, token.scope) for token in state.tokens)
    return max(counts.values(), default=0) > MAX_TOKENS


def _together(process: Definition, state: State) -> set[str]:
    counts = Counter(token.step for token in state.tokens)
    return {
        name
        for name, count in counts.items()
        if count > 1 and not is_join(process, process.by_id[name])
    }


def _key(state: State) -> Any:
    return state.status, tuple(
        sorted(
            (
                token.step,
                token.edge if _waits(token) == "join" else "",
                str(_waits(token)),
                tuple(each.index for each in token.wait.attached) if token.wait else (),
            )
            for token in state.tokens
        )
    )
