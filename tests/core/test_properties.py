"""The laws of the core, over random definitions and random events."""

import os
import subprocess
import sys
from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.core.advance import advance
from app.core.codec import event_from_json, event_to_json, state_from_json
from app.core.codec import state_to_json as to_json
from app.core.definition import START
from app.core.effects import (
    CancelJob,
    CancelTimer,
    CloseTask,
    EndChild,
    Ended,
    OpenTask,
    Passed,
    RaiseIncident,
    ResolveIncident,
    StartChild,
    StartJob,
    StartTimer,
    Subscribe,
    Unsubscribe,
)
from app.core.events import (
    Activated,
    ChildEnded,
    JobFailed,
    JobSucceeded,
    MessageReceived,
    Recalled,
    Retried,
    Returned,
    Suspended,
    TaskCompleted,
    TimerFired,
    Withdrawn,
)
from app.core.form import expand, validate
from app.core.parse import load
from app.core.state import ENDED, State
from app.core.values import check_json, json_text
from app.db.types import dumps, loads
from tests.support.examples import examples
from tests.support.random_definitions import PEOPLE, UNANSWERED, Run, runs
from tests.support.scenario import EXAMPLES, everything

OPENED = {
    OpenTask: "task",
    StartJob: "job",
    RaiseIncident: "incident",
    StartTimer: "timer",
    Subscribe: "message",
    StartChild: "child",
}
CLOSED = {
    CloseTask: "task",
    CancelJob: "job",
    ResolveIncident: "incident",
    CancelTimer: "timer",
    Unsubscribe: "message",
    EndChild: "child",
}
ANSWERED = {
    TaskCompleted: "task",
    JobSucceeded: "job",
    JobFailed: "job",
    TimerFired: "timer",
    MessageReceived: "message",
    ChildEnded: "child",
}


def stored(state: State) -> tuple[str, str]:
    """Return a state as its row holds it."""
    return dumps(to_json(state)), dumps(state.variables)


def taken_back(event, before, token):
    """Say whether a return, recall or withdrawal takes a token away: it is below the place."""
    if not isinstance(event, Returned | Recalled | Withdrawn) or event.step is None:
        return False
    done = before.completed.get(event.step)
    forks = () if done is None or event.step == START else done.forks
    return token.forks[: len(forks)] == forks


def standing(inside, effects):
    """Follow tokens through the steps that effects tell of."""
    for before, effect in zip((None, *effects), effects, strict=False):
        if not isinstance(effect, Passed):
            continue
        if not effect.left:
            assert inside.get(effect.token) is None, "entered twice"
            inside[effect.token] = effect.step
        elif isinstance(before, Passed) and (before.token, before.left) == (effect.token, True):
            assert before.step == effect.step, "a split leaves one step, by several ways"
        else:
            assert inside.get(effect.token) == effect.step, "left what it never entered"
            inside[effect.token] = None


@given(runs() | runs(PEOPLE))
@examples(45)
def test_tokens_are_conserved(run):
    """Law 1: a token comes from somewhere, leaves each step it entered once, or is withdrawn."""
    inside: dict[int, str | None] = {}
    for before, event, move, after in zip(
        run.states, run.events, run.moves, [*run.states[1:], run.state], strict=True
    ):
        standing(inside, move.effects)
        there = {token.id: token for token in after.tokens}
        was = {token.id: token for token in before.tokens}
        assert all(id >= before.next_id for id in there.keys() - was.keys()), "an id came back"
        for id, token in there.items():
            if token.wait is not None:
                assert inside[id] == token.step
        for id in [id for id, step in inside.items() if step is not None and id not in there]:
            inside[id] = None
            gone = id not in was or was[id].scope not in {0, *after.scopes}
            ends = [e.step for e in move.effects if isinstance(e, Passed) and not e.left]
            stopped = any(run.definition.by_id[step].config.get("terminate") for step in ends)
            back = not gone and taken_back(event, before, was[id])
            assert after.status in ENDED or gone or stopped or back, "a token got lost"


@given(runs())
@examples(35)
def test_the_same_arguments_give_the_same_result(run):
    """Law 2, within one process."""
    for state, event, move in zip(run.states, run.events, run.moves, strict=True):
        again = advance(load(run.source), state, event)
        assert again == move
        assert stored(again.state) == stored(move.state)


def test_another_process_with_another_hash_seed_gives_the_same_bytes():
    """Law 2, across processes."""
    program = "from tests.support.scenario import everything; print(everything())"
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    other = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=EXAMPLES.parent,
        capture_output=True,
        check=True,
    )
    assert other.stdout.decode().rstrip("\n") == everything()


@given(runs() | runs(PEOPLE))
@examples(45)
def test_what_is_open_in_the_state_is_what_effects_opened_and_nothing_closed(run):
    """Law 3."""
    open_ = {}
    for event, move in zip(run.events, run.moves, strict=True):
        if move.ignored is None and type(event) in ANSWERED:
            assert open_.pop(event.wait)[1] == ANSWERED[type(event)]
        for effect in move.effects:
            if isinstance(effect, StartChild) and not effect.awaited:
                continue
            if type(effect) in OPENED:
                assert effect.wait not in open_
                open_[effect.wait] = (effect.step, OPENED[type(effect)])
            elif type(effect) in CLOSED:
                assert open_.pop(effect.wait) == (effect.step, CLOSED[type(effect)])
    waits = {id: row for id, row in run.waits.items() if row[1] not in UNANSWERED}
    assert open_ == waits


@given(runs() | runs(PEOPLE))
@examples(35)
def test_the_recorded_events_give_the_stored_state_again(run):
    """Law 4, through JSON as the database holds it."""
    recorded = [
        dumps(event_to_json(event))
        for event, move in zip(run.events, run.moves, strict=True)
        if move.ignored is None
    ]
    definition, state = load(run.source), State()
    for text in recorded:
        state = advance(definition, state, event_from_json(loads(text))).state
        kept, variables = stored(state)
        state = state_from_json(loads(kept), loads(variables))
    assert stored(state) == stored(run.state)


@given(runs())
@examples(45)
def test_an_event_twice_is_the_event_once(run):
    """Law 5: also what comes after its wait is gone changes nothing."""
    for index, event in enumerate(run.events):
        if run.moves[index].ignored is not None:
            assert run.moves[index].state is run.states[index]
            assert run.moves[index].effects == ()
        if getattr(event, "wait", None) is None and not isinstance(event, Suspended | Activated):
            continue  # an operator's word is done as often as it is given
        again = advance(run.definition, run.moves[index].state, event)
        assert again.ignored
        assert again.state is run.moves[index].state
        late = advance(run.definition, run.state, replace(event, at=run.events[-1].at))
        if getattr(event, "wait", None) is not None and event.wait not in run.waits:
            assert late.ignored
            assert late.state is run.state


@given(runs(), st.data())
@examples(35)
def test_suspended_and_activated_anywhere_it_comes_to_the_same(run, data):
    """Law 6."""
    at = data.draw(st.integers(1, len(run.events)))
    other = Run(run.source)
    for index, event in enumerate(run.events):
        if index == at:
            break
        other.give(event)
    if other.ended or other.state.status == "suspended":
        return
    before = other.state
    other.give(Suspended(at=run.events[at - 1].at, by="admin"))
    for wait in run.waits:
        for event in (
            TaskCompleted(at=run.events[-1].at, wait=wait),
            JobSucceeded(at=run.events[-1].at, wait=wait),
            Retried(at=run.events[-1].at, wait=wait),
        ):
            assert other.give(event).ignored == "the instance is suspended"
    other.give(Activated(at=run.events[at - 1].at, by="admin"))
    assert other.state == before
    for event in run.events[at:]:
        other.give(event)
    assert stored(other.state) == stored(run.state)


@given(runs())
@examples(45)
def test_an_instance_without_token_is_ended_and_an_ended_one_waits_for_nothing(run):
    """Law 7."""
    for state in [*run.states[1:], run.state]:
        assert (state.status in ENDED) is (state.tokens == ())
        assert state.status == "suspended" or all(token.wait for token in state.tokens)
    ends = [effect for effect in run.effects if isinstance(effect, Ended)]
    assert [effect.status for effect in ends] == ([run.state.status] if run.ended else [])


@given(runs() | runs(PEOPLE))
@examples(45)
def test_a_scope_is_there_as_long_as_its_owner_waits_for_what_is_inside(run):
    for state in [*run.states[1:], run.state]:
        tokens = {token.id: token for token in state.tokens}
        for id, scope in state.scopes.items():
            owner = tokens[scope.owner]
            outer = state.scopes[scope.parent] if scope.kind == "element" else scope
            assert (id, scope.step) == (scope.id, owner.step)
            assert (
                owner.wait.kind
                == {"sub": "scope", "multi": "multi", "element": "multi"}[scope.kind]
            )
            assert outer.owner == owner.id
            inner = [token for token in state.tokens if token.scope == id]
            inner += [
                one for one in state.scopes.values() if one.parent == id and one.kind == "element"
            ]
            assert inner, "nothing moves in it, and its owner waits"
        for token in state.tokens:
            assert token.scope == 0 or token.scope in state.scopes
            if token.wait is not None and token.wait.kind in ("scope", "multi"):
                assert any(scope.owner == token.id for scope in state.scopes.values())


@given(runs())
@examples(35)
def test_a_state_in_the_database_is_the_state(run):
    """Exact decimals, true is not 1, and PostgreSQL may keep all of it."""
    kept, variables = stored(run.state)
    again = state_from_json(loads(kept), loads(variables))
    assert again == run.state
    assert stored(again) == (kept, variables)
    assert check_json(dict(run.state.variables)) is None
    assert msgspec.json.decode(kept)["v"] == 1


# Forms ---------------------------------------------------------------------------------

_numbers = st.integers(-(10**20), 10**20) | st.decimals(-1000, 1000, places=3)
_dates = st.dates().map(str) | st.datetimes().map(lambda moment: moment.isoformat())
_raw = (
    st.none()
    | st.booleans()
    | _numbers
    | _dates
    | st.text(max_size=8)
    | st.sampled_from(["A", "b c", " 12 ", "1,234.50", "true", "2026-02-30", "1e5", []])
    | st.sampled_from([["A", "5"], [7], [{"id": 7}], {"amount": 5, "currency": "EUR"}])
    | st.sampled_from([[{"what": "a", "price": 3}], [{}], [{"price": "9"}, {"what": ""}]])
)
_fields = {
    "boolean": {},
    "string": {"max_length": 6, "pattern": "[^x]*"},
    "text": {"min_length": 1},
    "number": {"min": -500, "max": 500},
    "integer": {"max": 10},
    "date": {"min": "2000-01-01"},
    "datetime": {},
    "select": {"options": ["A", "b c", 5, True, None]},
    "note": {},
    "multiselect": {"options": ["A", 5, True]},
    "money": {"currency": ["EUR", "CNY"], "max": 500},
    "user": {},
    "file": {"max_files": 2},
    "rows": {"columns": {"what": "string", "price": {"type": "number", "max": 9}}, "max": 2},
}


@st.composite
def _forms(draw):
    names = draw(st.lists(st.sampled_from(sorted(_fields)), unique=True, max_size=5))
    return expand(
        {name: {"type": name, "required": draw(st.booleans()), **_fields[name]} for name in names}
    )


@given(_forms(), st.data())
@examples(100)
def test_what_a_form_accepts_it_accepts_again(form, data):
    """What a browser posted is the same by REST, and a value once accepted stays as it is."""
    text = data.draw(st.booleans())
    raw = {field["name"]: data.draw(_raw) for field in form if data.draw(st.booleans())}
    values, errors = validate(form, raw, text=text)
    failed = {error.field for error in errors}
    assert all(error.text() for error in errors)
    assert not failed & values.keys()
    assert check_json(values) is None
    given_again = {name: value for name, value in values.items() if value is not None}
    again, problems = validate(
        [field for field in form if field["name"] in values], given_again, text=False
    )
    assert problems == ()
    assert json_text(again) == json_text(given_again)
