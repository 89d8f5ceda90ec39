"""Random definitions of the whole language, and random runs of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from app.core.advance import Transition, advance
from app.core.definition import START, Definition, Step
from app.core.effects import Effect
from app.core.events import (
    Activated,
    ChildEnded,
    Event,
    JobFailed,
    JobSucceeded,
    Jumped,
    MessageReceived,
    Migrated,
    Recalled,
    Retried,
    Returned,
    Skipped,
    Started,
    Suspended,
    TaskCompleted,
    Terminated,
    TimerFired,
    VariablesSet,
    Withdrawn,
)
from app.core.outcome import choices, deciding_field
from app.core.parse import load
from app.core.returning import places
from app.core.state import ENDED, State
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


WAITING = (
    *("service_task", "user_task", "timer", "receive_message", "call_activity", "sub_process"),
    "external_task",
)
REPEATED = ("service_task", "call_activity", "sub_process", "external_task")
KINDS = (
    *WAITING,
    *WAITING,
    *("sub_process", "user_task", "parallel_gateway", "inclusive_join"),
    *("exclusive_gateway", "parallel_gateway", "inclusive_gateway", "parallel_join"),
    *("inclusive_join", "event_gateway", "script", "decision", "send_message", "start"),
)
PEOPLE = (
    *("user_task", "user_task", "user_task", "user_task", "sub_process", "inclusive_gateway"),
    *("parallel_gateway", "parallel_join", "exclusive_gateway", "inclusive_join"),
)
"""For runs in which much is given back."""
_MOMENTS = ("1h", "2d", "1wd", "${a}h", "${c}")


@st.composite
def sources(draw: Callable[..., Any], kinds: tuple[str, ...] = KINDS) -> str:
    """Return texts of valid definitions of 2 to 8 steps of some kinds, and those inside them."""
    return json_text(
        {
            "key": "random",
            "name": "Random",
            "variables": {"a": {"type": "any", "default": 2}, "b": "any"},
            "settings": {"max_visits": draw(st.sampled_from([2, 5, 20]))},
            **({"start": {"form": {"a": "number"}}} if draw(st.booleans()) else {}),
            "steps": _scope(draw, "", 6, 2, kinds),
        }
    )


def _scope(
    draw: Callable[..., Any], prefix: str, most: int, depth: int, kinds: tuple[str, ...]
) -> list[dict[str, Any]]:
    names = [f"{prefix}s{i}" for i in range(draw(st.sampled_from(range(1, most + 1))))]
    making = _Making(draw, [*names, f"{prefix}end"], depth, kinds)
    # Every step has to be reached: a step whose number is one higher is always among the ways.
    drawn = [making.step(name) for name in names]
    return [*drawn, {"id": f"{prefix}end", "type": "end", "config": draw(_ENDS)}]


class _Making:
    """The steps of one process or sub-process, while they are drawn."""

    def __init__(
        self, draw: Callable[..., Any], names: list[str], depth: int, kinds: tuple[str, ...]
    ) -> None:
        self.draw = draw
        self.names = names
        self.depth = depth
        self.kinds = kinds
        self.anywhere = st.sampled_from(names)
        self.condition = st.sampled_from([*CONDITIONS[:4], *CONDITIONS])

    def often(self, of: int) -> bool:
        """Return true once in so many times."""
        return bool(self.draw(st.integers(1, of)) == of)

    def step(self, name: str) -> dict[str, Any]:
        """Return a step that may lead to the next one."""
        after = self.names[self.names.index(name) + 1]
        kind = self.draw(st.sampled_from(self.kinds))
        if kind == "sub_process" and not self.depth:
            kind = "service_task"
        made = getattr(self, f"_{kind}", self._plain)(name, after)
        step = {"id": name, "type": kind.replace("join", "gateway"), "next": [after], **made}
        if kind not in ("parallel_gateway", "event_gateway") and self.often(6):
            step["skip_when"] = self.draw(self.condition)
        if kind in WAITING:
            if self.often(3):
                step["on_error"] = self.draw(self.anywhere)
            if self.often(2):
                step["boundary"] = [self._boundary() for _ in range(self.draw(st.integers(1, 2)))]
        if kind in REPEATED and self.often(3):
            step["multi"] = self._multi()
        return {key: value for key, value in step.items() if value is not None}

    def _plain(self, _name: str, after: str) -> dict[str, Any]:
        if not self.often(3):
            return {}
        way = {"step": self.draw(self.anywhere), "when": self.draw(self.condition)}
        return {"next": [way, after]}

    def _parallel_join(self, _name: str, _after: str) -> dict[str, Any]:
        return {}

    _inclusive_join = _parallel_join

    def _exclusive_gateway(self, _name: str, after: str) -> dict[str, Any]:
        rows = self.draw(st.lists(st.tuples(self.condition, self.anywhere), max_size=2))
        conditions = [{"expression": when, "next": to} for when, to in rows]
        config: dict[str, Any] = {
            "conditions": [*conditions, {"expression": self.draw(self.condition), "next": after}]
        }
        if not self.often(3):
            config["default"] = self.draw(self.anywhere)
        return {"config": config, "next": None}

    _inclusive_gateway = _exclusive_gateway

    def _parallel_gateway(self, _name: str, after: str) -> dict[str, Any]:
        others = self.draw(st.lists(self.anywhere, max_size=2))
        return {"next": list(dict.fromkeys([after, *others]))}

    def _event_gateway(self, _name: str, after: str) -> dict[str, Any]:
        targets = [after, *self.draw(st.lists(self.anywhere, max_size=2))]
        return {"config": {"events": [self._event(to) for to in targets]}, "next": None}

    def _event(self, target: str) -> dict[str, Any]:
        if self.often(2):
            return {"on": "timer", "after": self.draw(st.sampled_from(_MOMENTS)), "next": target}
        event = {"on": "message", "message": "m", "correlate": "${a}", "next": target}
        return event | ({"output": {"a": "${result.x + 1}"}} if self.often(3) else {})

    def _boundary(self) -> dict[str, Any]:
        target = self.draw(self.anywhere)
        if self.often(3):
            code = self.draw(st.sampled_from([{}, {"code": "down"}, {"code": "timeout"}]))
            return {"on": "error", "next": target, **code}
        made = self._event(target) | {"interrupt": self.draw(st.booleans())}
        if made["on"] == "timer" and not made["interrupt"] and self.often(2):
            made["repeat"] = self.draw(st.sampled_from([True, 2]))
        return made

    def _multi(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "over": self.draw(st.sampled_from(["${[1, 2, 3]}", "${[[a], c]}", "${[]}", "${a}"])),
            "as": "it",
            "mode": self.draw(st.sampled_from(["parallel", "sequential"])),
        }
        if self.often(2):
            made["collect"] = {"a": self.draw(st.sampled_from(["${a}", "${it}", "${a + 1}"]))}
        if self.often(3):
            made["complete_when"] = self.draw(st.sampled_from(["done == 1", "len(a) > 1"]))
        return made

    def _job(self) -> dict[str, Any]:
        config: dict[str, Any] = {}
        if self.often(2):
            config["input"] = {"a": "${a}", "text": "${c} of ${a}"}
        if self.often(2):
            config["output"] = {"a": "${result}", "c": "${result + 1}"}
        return config

    def _service_task(self, name: str, after: str) -> dict[str, Any]:
        config = {"service_name": "Mail", "method": "send", **self._job()}
        return {**self._plain(name, after), "config": config}

    def _external_task(self, name: str, after: str) -> dict[str, Any]:
        return {**self._plain(name, after), "config": {"topic": "${a}", **self._job()}}

    def _call_activity(self, name: str, after: str) -> dict[str, Any]:
        config: dict[str, Any] = {"process_key": "k", "wait": not self.often(4)}
        if self.often(2):
            config["output"] = {"a": "${result.x + 1}"}
        return {**self._plain(name, after), "config": config}

    def _timer(self, name: str, after: str) -> dict[str, Any]:
        when = self.draw(
            st.sampled_from([*({"after": m} for m in _MOMENTS), {"cron": "0 9 * * *"}])
        )
        return {**self._plain(name, after), "config": dict(when)}

    def _receive_message(self, name: str, after: str) -> dict[str, Any]:
        config: dict[str, Any] = {"message": "m", "correlate": "${a}"}
        if self.often(2):
            config["timeout"] = self.draw(st.sampled_from(_MOMENTS))
        if self.often(2):
            config["output"] = {"a": "${result.x + 1}"}
        return {**self._plain(name, after), "config": config}

    def _send_message(self, name: str, after: str) -> dict[str, Any]:
        payload = {"payload": {"x": "${a + 1}"}} if self.often(2) else {}
        return {**self._plain(name, after), "config": {"message": "m", **payload}}

    def _script(self, name: str, after: str) -> dict[str, Any]:
        values = self.draw(st.sampled_from(["${a}", "${a + 1}", "${[a]}", "${null}"]))
        return {**self._plain(name, after), "config": {"set": {"a": values}}}

    def _decision(self, name: str, after: str) -> dict[str, Any]:
        cells = st.sampled_from(["-", "> 1", "1..2", 1, [0, 2], "text"])
        rules = [{"when": [self.draw(cells)], "set": {"a": n}} for n in range(2)]
        hit = self.draw(st.sampled_from(["first", "unique", "collect"]))
        config = {"inputs": ["${a}"], "rules": rules, "hit": hit}
        return {**self._plain(name, after), "config": config}

    def _sub_process(self, name: str, after: str) -> dict[str, Any]:
        inner = _scope(self.draw, name, 3, self.depth - 1, self.kinds)
        return {**self._plain(name, after), "config": {"steps": inner}}

    def _user_task(self, name: str, after: str) -> dict[str, Any]:
        config: dict[str, Any] = {"form": {"a": "number", "b": "boolean", "c": "text"}}
        config["assignee"] = self.draw(st.sampled_from(["li", "${initiator.manager}", "${c}"]))
        if self.often(3):
            config["due_date"] = self.draw(st.sampled_from(["2h", "2026-04-01", "${c}"]))
        other = self.draw(self.anywhere)
        shape = self.draw(st.sampled_from(["plain", "targets", "field", "outcomes"]))
        if shape == "outcomes":
            outcomes = [{"id": "on", "next": after}, {"id": "back", "next": other}]
            config["outcomes"] = [{**one, "set": {"c": "${c}!"}} for one in outcomes]
            return {"config": config}
        if shape == "plain" or other == after:
            return {**self._plain(name, after), "config": config}
        if shape == "field":
            config["form"] |= {"d": "boolean", "b": "text"}
        return {"config": config, "next": [after, other]}


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
    def waits(self) -> dict[int, tuple[str, str]]:
        """Step and kind of everything that is waited for, by wait id."""
        found: dict[int, tuple[str, str]] = {}
        for token in self.state.tokens:
            if token.wait is not None:
                found[token.wait.id] = (token.step, token.wait.kind)
                found |= {each.id: (token.step, each.kind) for each in token.wait.attached}
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
def runs(draw: Callable[..., Any], kinds: tuple[str, ...] = KINDS) -> Run:
    """Return runs of random definitions by random events, some of them out of place."""
    run = Run(draw(sources(kinds)))
    at = MONDAY
    given = draw(
        _VARIABLES if draw(st.integers(0, 3)) else st.fixed_dictionaries({}, optional=_ANY)
    )
    run.give(Started(at=at, by="zhao", variables=given, facts=FACTS))
    for _ in range(draw(st.sampled_from(range(3, 20)))):
        at += timedelta(minutes=draw(st.integers(0, 90)))
        if draw(st.integers(0, 5)) == 0:
            run.give(draw(_strays(run, at)))
        elif run.ended:
            break
        else:
            run.give(draw(_answers(run, at)))
    return run


UNANSWERED = ("join", "scope", "multi", "event")
"""Kinds of waits that end by what happens elsewhere."""


@st.composite
def _answers(draw: Callable[..., Any], run: Run, at: Any) -> Event:
    """Return an event that fits something that the run waits for."""
    if run.state.status == "suspended":
        return Activated(at=at, by="admin")
    if draw(st.integers(0, 3 if run.state.completed else 11)) == 0:
        return draw(_backs(run, at))
    waits = run.waits
    open_ = [wait for wait, (_, kind) in sorted(waits.items()) if kind not in UNANSWERED]
    if not open_:  # it is stuck at a join
        return draw(_moves(run, at))
    if draw(st.integers(0, 9)) == 9:
        return Skipped(at=at, by="admin", wait=draw(st.sampled_from(sorted(waits))))
    working = [wait for wait in open_ if waits[wait][1] != "incident"]
    wait = draw(st.sampled_from(working if working and draw(st.integers(0, 3)) else open_))
    step, kind = waits[wait]
    if kind == "incident":
        if draw(st.booleans()):
            return Retried(at=at, by="admin", wait=wait)
        return VariablesSet(at=at, by="admin", values=draw(_VARIABLES))
    if kind == "timer":
        return TimerFired(at=at, wait=wait)
    if kind == "message":
        payload = draw(st.sampled_from([{"x": 1}, {"x": 2}, {"a": 3, "x": 0}, {}]))
        return MessageReceived(at=at, wait=wait, name="m", payload=payload)
    if kind == "child":
        status = draw(st.sampled_from(["completed", "completed", "failed", "terminated"]))
        return ChildEnded(at=at, wait=wait, child=9, status=status, variables={"x": 1})
    if kind == "job":
        return draw(_results(wait, at))
    return draw(_completions(run.definition.by_id[step], wait, at))


@st.composite
def _results(draw: Callable[..., Any], wait: int, at: Any) -> Event:
    if draw(st.integers(0, 3)):
        result = draw(st.sampled_from([1, 2, 3, 1, 2, 3, *VALUES, {"a": 5}, {"b": True}]))
        return JobSucceeded(at=at, wait=wait, result=result)
    code, business = draw(st.sampled_from(["down", "up"])), draw(st.booleans())
    return JobFailed(at=at, wait=wait, code=code, message="No luck.", business=business)


@st.composite
def _completions(draw: Callable[..., Any], step: Step, wait: int, at: Any) -> Event:
    values: dict[str, Any] = {"a": draw(st.sampled_from(VALUES[3:7])), "c": "yes"}
    decides = deciding_field(step)
    if decides is not None:
        values[decides] = draw(st.booleans())
    offered = [one["id"] for one in choices(step)]
    outcome = draw(st.sampled_from(offered)) if offered else None
    return TaskCompleted(at=at, by="li", wait=wait, values=values, outcome=outcome)


@st.composite
def _backs(draw: Callable[..., Any], run: Run, at: Any) -> Event:
    """Return an event by which work is given back, recalled or withdrawn, if anything can be."""
    tasks = [each for each in run.state.tokens if each.wait and each.wait.kind == "task"]
    done = sorted(run.state.completed)
    if done and draw(st.integers(0, 2)) == 2:
        restore = draw(st.sampled_from([{}, {"a": 7}]))
        step = draw(st.sampled_from(done))
        return Recalled(at=at, by="li", step=step, restore=restore, forget=("b",))
    if tasks and draw(st.integers(0, 5)):
        token = draw(st.sampled_from(tasks))
        ways = [place.step for place in places(run.definition, run.state, token)]
        step = draw(st.sampled_from(ways or [token.step]))
        wait = token.wait.id if token.wait else 0
        return Returned(at=at, by="li", wait=wait, step=step, straight=draw(st.booleans()))
    return Withdrawn(at=at, by="zhao", step=draw(st.sampled_from([START, START, None])))


@st.composite
def _moves(draw: Callable[..., Any], run: Run, at: Any) -> Event:
    """Return an operator's jump to some step, as often as not one that is refused."""
    tokens = [token.id for token in run.state.tokens] or [1]
    steps = list(run.definition.by_id)
    token, step = draw(st.sampled_from(tokens)), draw(st.sampled_from(steps))
    return Jumped(at=at, by="admin", token=token, step=step)


@st.composite
def _strays(draw: Callable[..., Any], run: Run, at: Any) -> Event:
    """Return an event that may come at any time, or is late, early or for another wait."""
    known = sorted(run.waits)
    wait = draw(st.integers(1, run.state.next_id + 1) | st.sampled_from(known or [1]))
    return draw(
        st.sampled_from(
            [
                Suspended(at=at, by="admin", reason="audit"),
                Activated(at=at, by="admin"),
                VariablesSet(at=at, by="admin", values={"a": 3, "c": "ok"}),
                Terminated(at=at, by="admin", reason="over"),
                Migrated(at=at, by="admin", definition_id=2),
                Started(at=at),
                JobSucceeded(at=at, wait=wait, result=1),
                JobFailed(at=at, wait=wait, code="late", message="Late."),
                TaskCompleted(at=at, by="mei", wait=wait, values={"b": True}),
                Retried(at=at, by="admin", wait=wait),
                TimerFired(at=at, wait=wait),
                MessageReceived(at=at, wait=wait, name="m"),
                ChildEnded(at=at, wait=wait, child=1, status="completed"),
                Skipped(at=at, by="admin", wait=wait),
                Skipped(at=at, by="admin", wait=wait, outcome="back"),
                Returned(at=at, by="li", wait=wait, step="s1"),
                Recalled(at=at, by="li", step="s1"),
            ]
        )
        | _moves(run, at)
    )
