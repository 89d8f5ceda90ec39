"""States, events and effects as JSON, exactly as rows hold them."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from app.core import effects as fx
from app.core import events as ev
from app.core.codec import (
    EVENTS,
    VERSION,
    effect_lines,
    event_from_json,
    event_to_json,
    state_from_json,
    state_to_json,
)
from app.core.state import ROOT, TIMEOUT, Again, Attached, Completion, Scope, State, Token, Wait
from app.db.types import dumps, loads

AT = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
EXACT = {
    "a": Decimal("0.10"),
    "b": Decimal("12345678901234567890.12345678901234567"),
    "c": 2**70,
    "d": [True, 1, None, {"e": Decimal("1.00")}],
    "f": '中 \\ " \n 😀',
}
ATTACHED = (Attached(10, TIMEOUT, "timer"), Attached(11, 2, "message", None))
SCOPES = {
    4: Scope(4, "sub", 12, 2, "b", visits={"a": 3}),
    12: Scope(12, "element", 13, 2, "b", variables=EXACT, index=2),
    13: Scope(
        *(13, "multi", ROOT, 2, "b"),
        items=(Decimal("0.10"), None, {"x": [1]}),
        next=3,
        done=2,
        collected={"all": {"0": 1, "2": Decimal("2.50")}},
    ),
}
STATE = State(
    status="suspended",
    tokens=(
        Token(id=1, step="a", again=Again("li", (("b", "mei"), ("c", "zhao")))),
        Token(id=2, step="b", edge="a#1", scope=4, forks=(1, 2), wait=Wait(5, "task")),
        Token(id=6, step="c", wait=Wait(7, "incident", {"kind": "x", "message": "y"})),
        Token(id=8, step="d", wait=Wait(9, "message", attached=ATTACHED)),
    ),
    variables=EXACT,
    facts={"initiator": {"username": "zhao"}, "instance": {"id": 7}},
    completed={
        "b": Completion("li", "2026-03-02T09:00:00Z", EXACT, "yes", (1,)),
        "c": Completion("li", "2026-03-02T09:00:00Z", {}, None, (), 4, 9, 2, "d", void=True),
    },
    visits={"a": 1, "b": 2},
    next_id=14,
    result=None,
    scopes=SCOPES,
    end=("cancelled", None),
    round=3,
)


def through_json(value):
    return loads(dumps(value))


def test_a_state_comes_back_as_it_was():
    again = state_from_json(through_json(state_to_json(STATE)), through_json(STATE.variables))
    assert again == STATE
    assert dumps(again.variables) == dumps(EXACT)
    assert dumps(state_to_json(again)) == dumps(state_to_json(STATE))


def test_the_variables_have_a_column_of_their_own():
    assert "variables" not in state_to_json(STATE)
    assert state_to_json(STATE).keys() | {"variables"} == {
        "v",
        *(field.name for field in fields(State)),
    }


VERSION_1 = {
    "v": 1,
    "status": "running",
    "tokens": [
        {"id": 1, "step": "pay", "wait": {"id": 2, "kind": "job"}},
        {"id": 3, "step": "ask", "forks": [1], "wait": {"id": 4, "kind": "incident", "error": {}}},
    ],
    "facts": {"initiator": {"username": "zhao"}},
    "completed": {
        "ask": {
            "by": "li",
            "at": "2026-03-02T09:00:00Z",
            "values": {"ok": True},
            "outcome": None,
            "forks": [],
        }
    },
    "visits": {"ask": 1},
    "next_id": 5,
    "result": None,
}


def test_a_state_without_scopes_takes_no_room_for_them():
    assert not {"scopes", "end", "round"} & state_to_json(State()).keys()


def test_a_state_of_version_1_can_be_read():
    state = state_from_json(VERSION_1, {"a": 1})
    assert state.tokens == (
        Token(id=1, step="pay", wait=Wait(2, "job")),
        Token(id=3, step="ask", forks=(1,), wait=Wait(4, "incident", {})),
    )
    assert state.completed["ask"] == Completion("li", "2026-03-02T09:00:00Z", {"ok": True})
    assert (state.next_id, state.variables) == (5, {"a": 1})
    assert state_to_json(state) == VERSION_1


@pytest.mark.parametrize("version", [VERSION + 1, 0, "1", None])
def test_a_state_of_an_unknown_version_is_refused(version):
    with pytest.raises(ValueError, match="cannot be read by this code"):
        state_from_json({**VERSION_1, "v": version}, {})


EVERY_EVENT = (
    ev.Started(at=AT, by="zhao", variables=EXACT, facts={"instance": {"id": 1}}),
    ev.TaskCompleted(at=AT, by="li", wait=1, values={"a": None}, outcome="o", comment="c"),
    ev.TaskCompleted(at=AT, by="li", wait=1, on_behalf_of="mei"),
    ev.TaskCompleted(at=AT, wait=1, values={"ok": True}, rule="self_approval"),
    ev.NobodyLeft(at=AT, wait=1, wanted=["li"]),
    ev.JobSucceeded(at=AT, wait=1, result=EXACT, attempt=2),
    ev.JobSucceeded(at=AT, wait=1, result=None),
    ev.JobSucceeded(at=AT, wait=1, result=False),
    ev.JobFailed(at=AT, wait=1, code="down", message="No.", attempt=3, business=True),
    ev.Suspended(at=AT, by="admin", reason="audit"),
    ev.Activated(at=AT, by="admin"),
    ev.Terminated(at=AT, by="admin", reason=None),
    ev.Retried(at=AT, by="admin", wait=9),
    ev.TimerFired(at=AT, wait=3),
    ev.MessageReceived(at=AT, wait=3, name="paid", payload=EXACT),
    ev.ChildEnded(at=AT, wait=3, child=9, status="failed", result="late", variables=EXACT),
    ev.Skipped(at=AT, by="admin", wait=3, outcome="yes", reason="known"),
    ev.Jumped(at=AT, by="admin", token=3, step="a", reason="wrong way"),
    ev.Migrated(at=AT, by="admin", definition_id=4, steps={"a": "b"}, reason="new version"),
    ev.Returned(at=AT, by="li", wait=3, step="a", straight=True, reason="No."),
    ev.Recalled(at=AT, by="li", step="a", restore=EXACT, forget=["b"]),
    ev.Withdrawn(at=AT, by="zhao", step="@start", reason="Wait."),
    ev.VariablesSet(at=AT, by="admin", values={"gone": None, **EXACT}, reason="typo"),
)


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: event.kind)
def test_an_event_comes_back_as_it_was(event):
    again = event_from_json(through_json(event_to_json(event)))
    assert again == event
    assert dumps(event_to_json(again)) == dumps(event_to_json(event))


def test_there_is_a_case_for_every_event():
    assert {type(event) for event in EVERY_EVENT} == set(EVENTS.values())


def test_the_time_of_an_event_keeps_its_moment():
    far = datetime(2026, 3, 2, 17, 0, tzinfo=timezone(timedelta(hours=8)))
    again = event_from_json(through_json(event_to_json(ev.Activated(at=far))))
    assert again.at == far


def test_an_unknown_event_is_refused():
    with pytest.raises(ValueError, match="unknown event 'promoted'"):
        event_from_json({"kind": "promoted", "at": AT.isoformat()})


@pytest.mark.parametrize(
    ("effect", "line"),
    [
        (fx.Passed(step="a", token=1), ["step.entered", "a", {"token": 1}]),
        (
            fx.Passed(step="a", token=1, left=True, target="b"),
            ["step.left", "a", {"token": 1, "to": "b"}],
        ),
        (
            fx.OpenTask(
                step="a",
                wait=2,
                token=1,
                assignee="li",
                candidate_users=("mei",),
                candidate_groups=("hr",),
            ),
            ["task.opened", "a", {"wait": 2, "assignee": "li", "candidates": ["mei", "hr"]}],
        ),
        (
            fx.CloseTask(step="a", wait=2, reason="over"),
            ["task.cancelled", "a", {"wait": 2, "reason": "over"}],
        ),
        (
            fx.StartJob(
                step="a", wait=2, token=1, service="Mail", method="send", input={}, timeout=60
            ),
            ["job.started", "a", {"wait": 2, "service": "Mail.send"}],
        ),
        (
            fx.CancelJob(step="a", wait=2, reason="over"),
            ["job.cancelled", "a", {"wait": 2, "reason": "over"}],
        ),
        (
            fx.RaiseIncident(
                step="a", wait=2, token=1, error_kind="k", message="m", detail={"secret": 1}
            ),
            ["incident.opened", "a", {"wait": 2, "kind": "k", "message": "m"}],
        ),
        (
            fx.ResolveIncident(step="a", wait=2, how="retried"),
            ["incident.resolved", "a", {"wait": 2, "how": "retried"}],
        ),
        (
            fx.SetVariables(step="", values={"a": Decimal("1.0")}),
            ["variables.changed", None, {"values": {"a": Decimal("1.0")}}],
        ),
        (
            fx.SetVariables(step="a", values={"a": 1}, scope=3),
            ["variables.changed", "a", {"values": {"a": 1}, "scope": 3}],
        ),
        (
            fx.StartTimer(step="a", wait=2, due_at=AT),
            ["timer.started", "a", {"wait": 2, "due_at": AT.isoformat()}],
        ),
        (fx.CancelTimer(step="a", wait=2), ["timer.cancelled", "a", {"wait": 2}]),
        (
            fx.Ended(step="", status="failed", result="error", code="c"),
            ["instance.failed", None, {"result": "error", "code": "c"}],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, fx.Effect) else "",
)
def test_the_line_of_an_effect(effect, line):
    assert effect_lines([effect]) == [line]
    assert through_json(line) == line


def test_an_effect_without_a_line_is_a_mistake_of_ours():
    with pytest.raises(TypeError, match="no line for"):
        effect_lines([fx.Effect(step="a")])


def test_an_event_with_nothing_but_defaults_is_short():
    kept = event_to_json(replace(ev.Activated(at=AT)))
    assert kept == {"kind": "activated", "at": AT.isoformat(), "by": "system"}
