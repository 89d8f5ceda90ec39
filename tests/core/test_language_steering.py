"""Suspending, moving, migrating and terminating, in scopes and beside timers."""

from datetime import timedelta

import pytest

from app.core import simulate
from app.core.effects import CancelTimer, EndChild, Moved, StartTimer, Unsubscribe
from app.core.events import (
    Activated,
    JobSucceeded,
    Jumped,
    Migrated,
    Skipped,
    Suspended,
    Terminated,
    TimerFired,
    VariablesSet,
)
from app.core.migrating import preview, proposed
from tests.support.scenario import (
    MONDAY,
    all_at_once,
    define,
    end,
    inside,
    person,
    service,
    started,
    step,
)

LATER = MONDAY + timedelta(minutes=10)


def where(played):
    return sorted((row["step"], row["kind"]) for row in played.waiting())


def nested():
    inner = [
        all_at_once("f", "a", "b"),
        service("a", "j"),
        service("b", "j"),
        all_at_once("j", "c"),
        service("c"),
    ]
    return define(
        all_at_once("out", "sub", "beside"),
        inside("sub", inner, "after", boundary=[{"on": "timer", "after": "1h", "next": "late"}]),
        service("beside", "after"),
        person("after", assignee="li"),
        service("late"),
    )


def test_nothing_moves_while_suspended_and_everything_after():
    played = started(nested())
    played.give(Suspended(at=LATER))
    for event in (
        JobSucceeded(at=LATER, wait=played.wait("a")),
        Skipped(at=LATER, wait=played.wait("a")),
        TimerFired(at=LATER, wait=played.at("sub").wait.attached[0].id),
    ):
        assert played.give(event).ignored == "the instance is suspended"
    played.give(Activated(at=LATER))
    played.answer("a").answer("b").answer("c").answer("beside")
    assert where(played) == [("after", "task"), ("after", "task")]


def test_a_token_that_is_moved_while_suspended_waits_until_activation():
    played = started(nested())
    played.give(Suspended(at=LATER))
    token = played.at("a").id
    played.give(Jumped(at=LATER, token=token, step="c"))
    played.give(Jumped(at=LATER, token=token, step="b"))
    assert ("c", "job") not in where(played)
    played.give(Activated(at=LATER))
    assert where(played) == [("b", "job"), ("b", "job"), ("beside", "job"), ("sub", "scope")]
    assert [e.target for e in played.effects if isinstance(e, Moved)] == ["c", "b"]


@pytest.mark.parametrize(
    ("token", "target", "why"),
    [
        ("a", "after", "the step is not in the same process or sub-process"),
        ("beside", "c", "the step is not in the same process or sub-process"),
        ("a", "nowhere", "there is no such step"),
        (99, "a", "there is no such token any more"),
    ],
)
def test_a_token_moves_within_its_own_scope_only(token, target, why):
    played = started(nested())
    number = token if isinstance(token, int) else played.at(token).id
    assert played.give(Jumped(at=LATER, token=number, step=target)).ignored == why


def test_moving_the_owner_withdraws_all_that_runs_inside():
    played = started(nested())
    played.give(Jumped(at=LATER, token=played.at("sub").id, step="after"))
    assert where(played) == [("after", "task"), ("beside", "job")]
    assert (
        played.state.scopes,
        len([e for e in played.effects if isinstance(e, CancelTimer)]),
    ) == ({}, 1)


def test_moving_the_last_token_inside_onto_an_end_finishes_the_sub_process():
    definition = define(
        inside("sub", [person("a", "x", "b", assignee="li"), end("x"), service("b")], "after"),
        service("after"),
    )
    played = started(definition)
    played.give(Jumped(at=LATER, token=played.at("a").id, step="x"))
    assert where(played) == [("after", "job")]


def test_termination_closes_everything_with_children():
    definition = define(
        all_at_once("f", "call", "sub", "receive"),
        step("call_activity", "call", process_key="k"),
        inside("sub", [service("i", multi={"over": "${[1, 2]}", "as": "it"})]),
        step("receive_message", "receive", message="m", timeout="1h"),
    )
    played = started(definition)
    played.give(Terminated(at=LATER, by="admin", reason="enough"))
    assert (played.state.status, played.state.tokens, played.state.scopes) == ("terminated", (), {})
    assert [e.reason for e in played.effects if isinstance(e, EndChild)] == ["enough"]
    assert len([e for e in played.effects if isinstance(e, CancelTimer | Unsubscribe)]) == 2
    assert played.give(Terminated(at=LATER)).ignored == "the instance is terminated"


def test_a_child_that_nobody_waits_for_is_left_alone():
    definition = define(
        step("call_activity", "call", "s", process_key="k", wait=False), service("s")
    )
    played = started(definition)
    played.give(Terminated(at=LATER))
    assert [e.kind for e in played.effects].count("start_child") == 1
    assert not [e for e in played.effects if isinstance(e, EndChild)]


# Migrating -----------------------------------------------------------------------------


def migrate(played, definition, steps=None):
    played.definition = definition
    return played.give(Migrated(at=LATER, by="admin", definition_id=2, steps=steps or {}))


def test_the_proposed_map_is_of_steps_with_the_same_id_and_type():
    old = define(service("a", "b"), person("b", assignee="li"))
    new = define(service("a", "b"), service("b"))
    assert proposed(old, new) == {"a": "a"}
    assert [fate.problem for fate in preview(old, new, started(old).state, {"a": "a"})] == [None]


def test_tokens_scopes_and_counts_follow_the_new_names():
    played = started(nested()).answer("a")
    renamed = [
        all_at_once("f", "a2", "b2"),
        service("a2", "j2"),
        service("b2", "j2"),
        all_at_once("j2", "c"),
        service("c"),
    ]
    new = define(
        all_at_once("out", "sub2", "beside"),
        inside("sub2", renamed, "after"),
        service("beside", "after"),
        person("after", assignee="li"),
    )
    steps = {"a": "a2", "b": "b2", "j": "j2", "sub": "sub2"}
    assert [fate.problem for fate in preview(nested(), new, played.state, steps)] == [None] * 4
    migrate(played, new, steps)
    assert where(played) == [("b2", "job"), ("beside", "job"), ("j2", "join"), ("sub2", "scope")]
    assert not played.at("sub2").wait.attached
    [scope] = played.state.scopes.values()
    assert (scope.step, scope.visits["b2"]) == ("sub2", 1)
    played.answer("b2")
    assert ("c", "job") in where(played)


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (define(service("x")), "no_step"),
        (define(person("a", assignee="li")), "other_type"),
        (define(inside("sub", [service("a")])), "other_scope"),
    ],
)
def test_what_stands_in_the_way_of_a_migration(new, problem):
    played = started(define(service("a")))
    assert [fate.problem for fate in preview(played.definition, new, played.state, {})] == [problem]
    if problem == "no_step":
        assert migrate(played, new).ignored == "there is no step for what stands on a"


def joined(*names):
    return define(
        all_at_once("f", *names),
        *(service(n, "j") for n in names),
        all_at_once("j", "on"),
        service("on"),
    )


def test_a_join_that_waits_for_an_edge_that_is_gone_is_complete():
    played = started(joined("a", "b", "c")).answer("a").answer("b")
    played.give(Jumped(at=LATER, token=played.at("c").id, step="a"))
    migrate(played, joined("a", "b"))
    assert where(played) == [("a", "job"), ("on", "job")]


def test_a_join_whose_token_came_by_an_edge_that_is_gone_is_refused():
    played = started(joined("a", "b", "c")).answer("c")
    problems = {
        fate.problem for fate in preview(played.definition, joined("a", "b"), played.state, {})
    }
    assert "no_edge" in problems


def bounded(**given):
    return define(
        service("s", boundary=[{"on": "timer", "next": "late", **given}]), service("late")
    )


@pytest.mark.parametrize("stuck", [False, True])
def test_what_is_attached_begins_anew_by_the_new_version(stuck):
    played = started(bounded(after="1h"))
    if stuck:
        played.answer("s", fails={"code": "x"})
    migrate(played, bounded(after="2h"))
    assert len([e for e in played.effects if isinstance(e, CancelTimer)]) == 1
    assert [e.due_at for e in played.effects if isinstance(e, StartTimer)][-1] == LATER + timedelta(
        hours=2
    )
    assert where(played.answer("s", fires=True)) == [("late", "job")]


def test_a_boundary_that_cannot_be_armed_by_the_new_version_is_an_incident():
    receive = step("receive_message", "r", message="m", timeout="1h")
    boundary = [{"on": "timer", "after": "${1 / 0}", "next": "late"}]
    played = started(define(receive))
    migrate(played, define({**receive, "boundary": boundary}, service("late")))
    assert where(played) == [("r", "incident")]
    assert sorted(type(e).__name__ for e in played.effects)[:1] == ["CancelTimer"]
    assert [e for e in played.effects if isinstance(e, Unsubscribe)]


def test_variables_are_set_at_any_time_before_the_end():
    played = started(define(service("a")))
    played.give(Suspended(at=LATER))
    played.give(VariablesSet(at=LATER, values={"x": 1}))
    assert (played.state.variables, played.state.status) == ({"x": 1}, "suspended")


def test_a_scenario_that_would_be_played_for_minutes_is_refused():
    names = [f"s{number}" for number in range(400)]
    steps = [
        step("script", name, after, set={"n": f"${{{number}}}"})
        for number, (name, after) in enumerate(zip(names, [*names[1:], "ask"], strict=True))
    ]
    answers = [{"step": "ask", "values": {}}] * 100
    with pytest.raises(simulate.ScenarioError, match="too long"):
        simulate.play(define(person("ask", "s0"), *steps), {"answers": answers})
