"""Plays a definition with invented answers, through the same core that runs it.

A scenario is ``{start: {by?, at?, variables}, answers: [answer]}``. An answer names the
``step`` that waits and says what happens there:

* a task: ``by``, ``values``, ``outcome``, ``comment``; of several people ``votes``, a list of
  these, one for each who has a say (without it the one answer is what they come to);
* a job: ``result``, or ``fails`` with ``code``, ``message``, ``business``;
* a child instance: ``child`` with ``status``, ``result``, ``variables``;
* a timer: ``fires``, true or the index of the boundary or event;
* a message: ``message`` with its payload, ``boundary`` with the index if it is one's;
* an operator: ``skip``, true or what is chosen; ``retry``, true; ``jump`` with a step.

``after`` is how long after the answer before it comes (default 1m; a timer that fires
comes when it is due), ``of`` which one of several that wait at the step (from 0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.core import tally
from app.core.advance import Transition, advance
from app.core.definition import Definition
from app.core.duration import DurationError, parse_duration
from app.core.effects import Effect, OpenTask, Passed, RaiseIncident, StartTimer
from app.core.events import (
    ChildEnded,
    Event,
    JobFailed,
    JobSucceeded,
    Jumped,
    MessageReceived,
    Retried,
    Skipped,
    Started,
    TaskCompleted,
    TimerFired,
)
from app.core.form import Seen, validate
from app.core.rules import Rules
from app.core.state import Attached, State, Token
from app.core.task_scope import scope_of
from app.core.values import iso_text, read_datetime

BEGINS: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When a scenario begins that does not say: a Monday morning."""
MAX_ANSWERS: Final = 1_000
MAX_EFFECTS: Final = 50_000
"""Of a whole run: a circle of automatic steps would otherwise be played for minutes."""
_OPERATOR: Final = "operator"
_INITIATOR: Final[Mapping[str, Any]] = {
    "username": "someone",
    "name": "Someone",
    "email": None,
    "groups": [],
    "manager": None,
}


class ScenarioError(Exception):
    """A scenario that does not fit the run.

    Args:
        template: what is wrong, in English with ``%(name)s`` parameters.
        answer: index of the answer; None: the start.
        params: what fills the template.
    """

    def __init__(self, template: str, answer: int | None = None, **params: Any) -> None:
        super().__init__(template % params if params else template)
        self.template = template
        self.answer = answer
        self.params = params


@dataclass
class Simulation:
    """How far a run has come."""

    definition: Definition
    state: State = field(default_factory=State)
    effects: list[Effect] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def give(self, event: Event) -> Transition:
        """Advance by one event."""
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

    def waiting(self) -> list[dict[str, Any]]:
        """Return where it stands: ``step``, ``kind`` of the wait, an incident's ``error``."""
        return [
            {"step": token.step, "kind": token.wait.kind}
            | ({"error": token.wait.error["kind"]} if token.wait.error else {})
            for token in self.state.tokens
            if token.wait is not None
        ]

    def incidents(self) -> list[RaiseIncident]:
        """Return the incidents that are open."""
        open_ = {t.wait.id for t in self.state.tokens if t.wait and t.wait.kind == "incident"}
        return [e for e in self.effects if isinstance(e, RaiseIncident) and e.wait in open_]

    def tokens_at(self, step: str) -> list[Token]:
        """Return the tokens that wait at a step."""
        return [token for token in self.state.tokens if token.step == step and token.wait]


def begin(
    definition: Definition,
    variables: Mapping[str, Any],
    *,
    by: Mapping[str, Any] | None = None,
    at: datetime = BEGINS,
) -> Simulation:
    """Return a run that has just started."""
    facts = {
        "initiator": {**_INITIATOR, **(by or {})},
        "instance": {"id": 0, "business_key": None, "title": None, "started_at": iso_text(at)},
    }
    run = Simulation(definition)
    who = facts["initiator"]["username"]
    run.give(Started(at=at, by=who, variables=dict(variables), facts=facts))
    return run


def play(definition: Definition, scenario: Mapping[str, Any]) -> Simulation:
    """Run a scenario to its last answer.

    Raises:
        ScenarioError: an answer fits nothing that waits.
    """
    start = _mapping(scenario.get("start", {}), "start", None)
    at = BEGINS
    if "at" in start:
        read = read_datetime(start["at"]) if isinstance(start["at"], str) else None
        if read is None:
            raise ScenarioError("The start's `at` must be a moment like 2026-03-02T09:00:00Z.")
        at = read
    run = begin(
        definition,
        _mapping(start.get("variables", {}), "variables", None),
        by=_mapping(start.get("by", {}), "by", None),
        at=at,
    )
    answers = scenario.get("answers", [])
    if not isinstance(answers, list) or len(answers) > MAX_ANSWERS:
        raise ScenarioError("`answers` must be a list of at most %(max)d.", max=MAX_ANSWERS)
    for index, given in enumerate(answers):
        at = answer(run, _mapping(given, "an answer", index), at, index)
        if len(run.effects) > MAX_EFFECTS:
            raise ScenarioError("The run is too long to be played; use fewer answers.", index)
    return run


def answer(run: Simulation, given: Mapping[str, Any], at: datetime, index: int = 0) -> datetime:
    """Give one answer; return when it came.

    Raises:
        ScenarioError: it fits nothing that waits.
    """
    token = _token(run, given, index)
    try:
        at = parse_duration(str(given.get("after", "1m"))).add_to(at, UTC)
    except DurationError as error:
        raise ScenarioError("`after`: %(problem)s", index, problem=str(error)) from error
    event = _event(run, token, given, at, index)
    moved = run.give(event)
    if moved.ignored is not None:
        raise ScenarioError(
            "Nothing at %(step)s waits for this: %(why)s.",
            index,
            step=token.step,
            why=moved.ignored,
        )
    return event.at


def _token(run: Simulation, given: Mapping[str, Any], index: int) -> Token:
    step = given.get("step")
    if step not in run.definition.by_id:
        raise ScenarioError("There is no step %(step)s.", index, step=step)
    there = run.tokens_at(str(step))
    place = given.get("of", 0)
    if not isinstance(place, int) or not 0 <= place < len(there):
        waiting = ", ".join(row["step"] for row in run.waiting()) or "–"
        raise ScenarioError(
            "Nothing waits at %(step)s. The run is %(status)s; waiting: %(waiting)s.",
            index,
            step=step,
            status=run.state.status,
            waiting=waiting,
        )
    return there[place]


def _event(
    run: Simulation, token: Token, given: Mapping[str, Any], at: datetime, index: int
) -> Event:
    for key, make in _MAKERS.items():
        if key in given:
            return make(run, token, given, at, index)
    wait = token.wait
    if wait is not None and wait.kind == "task":
        return _task(run, token, given, at, index)
    return JobSucceeded(at=at, wait=_id(token), result=given.get("result"))


def _task(
    run: Simulation, token: Token, given: Mapping[str, Any], at: datetime, index: int
) -> Event:
    opened = next(e for e in run.effects if isinstance(e, OpenTask) and e.wait == _id(token))
    if opened.rules is not None and "votes" in given:
        return _together(run, token, given["votes"], at, index, opened.rules)
    return _one(run, token, opened, given, at, index)


def _together(
    run: Simulation, token: Token, given: Any, at: datetime, index: int, rules: Rules
) -> Event:
    """Return what several people's answers come to."""
    if not isinstance(given, list) or not 0 < len(given) <= tally.MAX_SEATS:
        message = "`votes` must be a list of 1 to %(max)d answers."
        raise ScenarioError(message, index, max=tally.MAX_SEATS)
    opened = next(e for e in run.effects if isinstance(e, OpenTask) and e.wait == _id(token))
    votes: list[tally.Vote] = []
    decided = None
    for each in given:
        event = _one(run, token, opened, _mapping(each, "a vote", index), at, index)
        approves = tally.approval(rules, event.values, event.outcome) is True
        said = (event.outcome, event.values, event.comment)
        votes.append(tally.Vote(event.by, approves, iso_text(at), *said))
        decided = tally.decide(rules, votes, len(given))
        if decided is not None:
            break
    assert decided is not None  # noqa: S101 - no rule leaves it open when all have voted
    return TaskCompleted(
        at=at,
        by=votes[-1].user,
        wait=_id(token),
        values=tally.values_of(rules, votes, decided),
        outcome=decided.last.outcome,
        comment=decided.last.comment,
        votes=tally.counted(votes, len(given), decided),
    )


def _one(
    run: Simulation,
    token: Token,
    opened: OpenTask,
    given: Mapping[str, Any],
    at: datetime,
    index: int,
) -> TaskCompleted:
    typed = _mapping(given.get("values", {}), "values", index)
    seen = Seen(scope_of(run.definition, run.state, _id(token), at), at)
    values, errors = validate(opened.form, typed, text=False, seen=seen)
    if errors:
        first = errors[0]
        raise ScenarioError(
            "The form of %(step)s refuses %(field)s: %(problem)s",
            index,
            step=token.step,
            field=first.field,
            problem=first.text(),
        )
    by = str(given.get("by") or opened.assignee or "someone")
    comment = given.get("comment")
    return TaskCompleted(
        at=at,
        by=by,
        wait=_id(token),
        values=values,
        outcome=given.get("outcome"),
        comment=comment if isinstance(comment, str) else None,
    )


def _fails(
    _run: Simulation, token: Token, given: Mapping[str, Any], at: datetime, index: int
) -> Event:
    fails = _mapping(given["fails"], "fails", index)
    return JobFailed(
        at=at,
        wait=_id(token),
        code=str(fails.get("code", "error")),
        message=str(fails.get("message", "It failed.")),
        business=bool(fails.get("business", False)),
    )


def _fires(
    run: Simulation, token: Token, given: Mapping[str, Any], at: datetime, index: int
) -> Event:
    attached = _attached(token, given["fires"], "timer", index)
    wait = attached.id if attached is not None else _id(token)
    due = [e.due_at for e in run.effects if isinstance(e, StartTimer) and e.wait == wait]
    if not due:
        raise ScenarioError("No timer runs at %(step)s.", index, step=token.step)
    return TimerFired(at=max(due[-1], at) if "after" in given else due[-1], wait=wait)


def _message(
    run: Simulation, token: Token, given: Mapping[str, Any], at: datetime, index: int
) -> Event:
    payload = _mapping(given["message"], "message", index)
    attached = _attached(token, given.get("boundary", True), "message", index)
    wait = attached.id if attached is not None else _id(token)
    step = run.definition.by_id[token.step]
    config = step.config if attached is None else step.boundary[attached.index].config
    return MessageReceived(at=at, wait=wait, name=str(config["message"]), payload=payload)


def _child(
    _run: Simulation, token: Token, given: Mapping[str, Any], at: datetime, index: int
) -> Event:
    child = _mapping(given["child"], "child", index)
    return ChildEnded(
        at=at,
        wait=_id(token),
        child=0,
        status=str(child.get("status", "completed")),
        result=child.get("result"),
        variables=_mapping(child.get("variables", {}), "variables", index),
    )


def _skip(
    _run: Simulation, token: Token, given: Mapping[str, Any], at: datetime, _index: int
) -> Event:
    outcome = None if given["skip"] is True else str(given["skip"])
    return Skipped(at=at, by=_OPERATOR, wait=_id(token), outcome=outcome)


def _attached(token: Token, which: Any, kind: str, index: int) -> Attached | None:
    """Return the attached timer or message that is meant; None: the token's own wait."""
    wait = token.wait
    if wait is None or (wait.kind == kind and which is True):
        return None
    there = [each for each in wait.attached if each.kind == kind]
    chosen = [each for each in there if which is True or each.index == which]
    if not chosen:
        raise ScenarioError(
            "No such %(kind)s waits at %(step)s.", index, kind=kind, step=token.step
        )
    return chosen[0]


def _id(token: Token) -> int:
    assert token.wait is not None  # noqa: S101 - only tokens that wait are answered
    return token.wait.id


def _mapping(value: Any, what: str, index: int | None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ScenarioError("%(what)s must be an object.", index, what=what)
    return value


_Maker = Callable[[Simulation, Token, Mapping[str, Any], datetime, int], Event]
_MAKERS: Final[Mapping[str, _Maker]] = {
    "fails": _fails,
    "fires": _fires,
    "message": _message,
    "child": _child,
    "skip": _skip,
    "retry": lambda _r, token, _g, at, _i: Retried(at=at, by=_OPERATOR, wait=_id(token)),
    "jump": lambda _r, token, given, at, _i: Jumped(
        at=at, by=_OPERATOR, token=token.id, step=str(given["jump"])
    ),
}
