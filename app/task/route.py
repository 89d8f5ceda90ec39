"""Where a decision would lead: the core's own dry run from here, then what is certain beyond.

Nothing is written. What the instance would do at once is played with the values typed so
far, by the code of the runtime, but that services are not called: what approval rules would
decide is told as that. Behind the next wait only ways without a choice are followed, and where
there is one it is said that there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal

from app.core import approval
from app.core.codec import state_from_json
from app.core.definition import Definition, Label, Step
from app.core.events import TaskCompleted
from app.core.form import Seen, gather, validate
from app.core.nodes.table import node_of
from app.core.outcome import choices, decide, deciding_field
from app.core.state import State, Token
from app.core.task_scope import scope_of
from app.db.tx import Tx
from app.definition.cache import SHARED
from app.definition.custom import ConfigCheck
from app.definition.sensitive import hidden_names
from app.identity.actor import Actor
from app.runtime import people
from app.runtime.automatic import settle
from app.runtime.candidates import by_kind
from app.runtime.plan import Plan, make_plan
from app.runtime.ports import Engine
from app.task import access
from app.task.present import withheld
from app.task.queries import seen

Kind = Literal["decided", "next", "later", "choice", "join", "end", "stuck"]

MOST: Final = 8
"""Decisions that are played; of more, none is worth a list."""
_TEXTS: Final = ("string", "text")
_SOMETHING: Final = "…"
"""For a text that is required and not written yet."""
_FAR: Final = 6
"""Steps beyond the next wait."""
_STATE: Final = "select state, variables from process_instances where id = %(id)s"
_SILENT: Final = frozenset(
    {"start", "end", "script", "decision", "sub_process"}
    | {"exclusive_gateway", "inclusive_gateway", "parallel_gateway"}
)
"""Types that nobody waits for."""
_PASSED: Final = ("step.entered", "step.left")
_AROUND: Final = frozenset({"scope", "multi"})
"""Waits for what is inside, which waits for itself."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One place on the way.

    Args:
        kind: ``decided``: it is reached at once, and a rule decides it, or for those who are
            named here, ``approved`` or not; ``next``: it is reached at once; ``later``: behind
            that, if nothing comes between; ``choice``: there it depends, ``options`` are the steps
            it may lead to; ``end``: the process is over; ``join``: it waits for other branches;
            ``stuck``: an incident.
        step: its id, ``type`` its step type; None: none of them.
        assignee, candidates: who would have it, as in a task's body; for tasks reached at once.
        rule: of the definition that decides it: ``self_approval``, ``duplicate_approver`` or
            ``empty_assignee``.
    """

    kind: Kind
    step: str | None = None
    name: Label | None = None
    type: str | None = None
    assignee: str | None = None
    candidates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    options: tuple[Label, ...] = ()
    rule: str | None = None
    approved: bool | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """What one decision leads to.

    Args:
        outcome: its id; ``true`` or ``false`` where a yes/no of the form decides; None: there
            is nothing to decide.
        label: of an outcome.
        stops: in their order.
    """

    outcome: str | None
    label: Label | None
    stops: tuple[Stop, ...]


def route(
    engine: Engine,
    actor: Actor,
    task_id: int,
    values: Mapping[str, Any],
    *,
    text: bool = False,
    now: datetime,
) -> list[Way]:
    """Return where each decision would lead; nothing for who could not make one.

    Args:
        values: what was typed so far; what is wrong or missing is as if it were not there.
        text: these are what a browser's form posts.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    with engine.db.transaction() as tx:
        row = seen(tx, actor, task_id)
        if "complete" not in access.allowed(actor, row):
            return []
        definition = SHARED.get(tx, row["definition_id"], row["definition_checksum"])
        kept = tx.run(_STATE, {"id": row["instance_id"]}).fetchone() or {}
        state = state_from_json(kept["state"], kept["variables"])
        known = {field["name"] for field in row["form"]}
        together = gather(row["form"], values) if text else values
        given = {name: value for name, value in together.items() if name in known}
        unseen = withheld(row, hidden_names(definition, actor))
        around = Seen(scope_of(definition, state, row["wait"], now), now, kept=unseen)
        good, _ = validate(row["form"], given, text=text, seen=around)
        step = definition.by_id[row["step"]]
        deciding = deciding_field(step) or _asked_later(definition, step)
        ways = []
        for outcome, label, more in _decisions(step, deciding, row["form"], good):
            event = TaskCompleted(
                at=now,
                by=actor.username,
                wait=row["wait"],
                values=more,
                outcome=outcome,
                comment=_SOMETHING,
                on_behalf_of=access.acting_for(actor, row),
            )
            shown = outcome if label is not None else _answer(deciding, more)
            open_ = decide(
                step, more, outcome, comment=_SOMETHING, seen=around
            ).errors  # a value is missing: who knows
            stops = () if open_ else tuple(_stops(tx, definition, state, event))
            ways.append(Way(shown, label, stops))
    one, *others = ways or [Way(None, None, ())]
    if deciding_field(step) is None and others and not one.label and others[0].stops == one.stops:
        return [Way(None, None, one.stops)]  # the answer makes no difference here
    return ways


def _asked_later(definition: Definition, step: Step) -> str | None:
    """Return the yes/no by which a step approves, if a rule asks later who has."""
    how = approval.deciding(step)
    asked = any("duplicate_approver" in approval.rules_of(each) for each in definition.steps)
    return how.field if asked and how is not None and not choices(step) else None


def _decisions(
    step: Step, deciding: str | None, form: Sequence[Mapping[str, Any]], values: dict[str, Any]
) -> Iterator[tuple[str | None, Label | None, dict[str, Any]]]:
    offered = choices(step)
    if len(offered) > MOST:
        return
    kinds = {field["name"]: field["type"] for field in form}
    for row in offered:
        texts = [name for name in row["requires"] if kinds.get(name) in _TEXTS]
        asked = {name: _SOMETHING for name in texts if not values.get(name)}
        yield row["id"], row["label"], values | asked
    if offered:
        return
    if deciding is None or isinstance(values.get(deciding), bool):
        yield None, None, values
    else:
        yield from ((None, None, values | {deciding: answer}) for answer in (True, False))


def _answer(deciding: str | None, values: Mapping[str, Any]) -> str | None:
    return None if deciding is None else "true" if values[deciding] else "false"


class _NothingRuns:
    """Services that are all known, and none of them is called."""

    def known(self, service: str, method: str) -> bool:
        return True

    def inline(self, service: str, method: str) -> None:
        return None

    def names(self) -> frozenset[str]:
        return frozenset()

    def types(self) -> Mapping[str, ConfigCheck]:
        return {}


_NOTHING_RUNS: Final = _NothingRuns()


def _stops(tx: Tx, definition: Definition, state: State, event: TaskCompleted) -> Iterator[Stop]:
    before = {token.wait.id for token in state.tokens if token.wait is not None}
    plan = make_plan(definition, state, [event], _NOTHING_RUNS)
    if plan.ignored is not None:
        return
    settle(tx, definition, plan, _NOTHING_RUNS, at=event.at)
    yield from _decided(definition, plan)
    last: Step | None = None
    for token in plan.state.tokens:
        if token.wait is None or token.wait.id in before or token.wait.kind in _AROUND:
            continue
        step = definition.by_id[token.step]
        yield _next(tx, definition, token, step, plan)
        last = step if token.wait.kind not in ("incident", "join") else None
    waiting = [token for token in plan.state.tokens if token.wait is not None]
    if not waiting:
        yield Stop("end")
    elif len(waiting) == 1 and last is not None:
        passed = {step_id for kind, step_id, _ in plan.lines if kind in _PASSED and step_id}
        yield from _beyond(definition, last, passed)


def _decided(definition: Definition, plan: Plan) -> Iterator[Stop]:
    """Yield what rules decide, in the order in which it comes; several seats as one."""
    for _, together in groupby(plan.decided, key=lambda each: each.task.wait):
        seats = list(together)
        task, given, event, _ = seats[-1]
        step = definition.by_id[task.step]
        approved = _approves(step, event)
        whom = [each.given.assignee for each in seats if each.given.assignee]
        alone = whom[0] if len(whom) == 1 else None
        offered = by_kind([] if alone else [f"u:{name}" for name in whom])
        of = (step.id, step.name, step.type, alone, offered)
        yield Stop("decided", *of, rule=given.rule, approved=approved)


def _approves(step: Step, event: TaskCompleted) -> bool | None:
    made = (dict(event.values), event.outcome)
    for approve in (True, False):
        answer = approval.automatic(step, approve=approve)
        if answer is not None and (dict(answer[0]), answer[1]) == made:
            return approve
    return None


def _next(tx: Tx, definition: Definition, token: Token, step: Step, plan: Plan) -> Stop:
    if token.wait is None or token.wait.kind == "join":
        return Stop("join")
    if token.wait.kind == "incident":
        return Stop("stuck", step.id, step.name, step.type)
    task = plan.tasks.get(token.wait.id)
    if task is None:
        return Stop("next", step.id, step.name, step.type)
    if task.rules is not None:
        seats = plan.seats.get(task.wait) or people.seat(tx, definition, task)
        keys: list[str] = []
        for seat in seats:
            if not seat.answer:
                keys += seat.candidates if seat.assignee is None else [f"u:{seat.assignee}"]
        return Stop("next", step.id, step.name, step.type, None, by_kind(keys))
    given = plan.given.get(task.wait) or people.give(tx, definition, task)
    offered = by_kind(list(given.candidates))
    return Stop("next", step.id, step.name, step.type, given.assignee, offered)


def _beyond(definition: Definition, step: Step, passed: set[str]) -> Iterator[Stop]:
    """Yield what follows a step whatever anybody answers, as far as that is certain."""
    seen_ = {*passed, step.id}
    for _ in range(_FAR):
        branches = node_of(step.type).branches(step)
        targets = dict.fromkeys(target for branch in branches for target in branch.targets)
        ends = any(not branch.targets for branch in branches)
        if len(targets) > 1 or (targets and ends):
            names = tuple(definition.by_id[target].name for target in targets)
            yield Stop("choice", options=names)
            return
        if not targets:
            if step.parent is None:
                yield Stop("end")
            return
        step = definition.by_id[next(iter(targets))]
        if step.id in seen_:
            return
        seen_.add(step.id)
        if step.type == "end":
            if step.parent is None:
                yield Stop("end")
            return
        if step.type not in _SILENT:
            yield Stop("later", step.id, step.name, step.type)
