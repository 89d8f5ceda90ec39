"""Splits and joins: which tokens come together, and when."""

import pytest

from app.core.effects import RaiseIncident
from app.core.events import Jumped, VariablesSet
from tests.support.scenario import (
    MONDAY,
    all_at_once,
    any_of,
    define,
    end,
    inside,
    person,
    service,
    started,
    step,
)

FORK = all_at_once("fork", "a", "b")


def two_branches(*join, fork=FORK):
    return define(fork, service("a", "join"), service("b", "join"), *join, service("after"))


def waiting(played):
    return sorted(row["step"] for row in played.waiting() if row["kind"] != "join")


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_parallel_join_goes_on_once_when_all_have_come(order):
    played = started(two_branches(all_at_once("join", "after")))
    assert waiting(played) == ["a", "b"]
    played.answer(order[0])
    assert waiting(played) == [order[1]]
    played.answer(order[1])
    assert waiting(played) == ["after"]
    assert played.path.count("after") == 1
    assert played.answer("after").state.status == "completed"


def test_a_join_that_splits_does_both():
    played = started(
        define(
            FORK,
            service("a", "join"),
            service("b", "join"),
            all_at_once("join", "x", "y"),
            service("x"),
            service("y"),
        )
    )
    played.answer("a").answer("b")
    assert waiting(played) == ["x", "y"]


def test_a_parallel_join_takes_one_token_of_each_edge_and_leaves_the_rest():
    definition = define(
        all_at_once("fork", "a", "b", "c"),
        service("a", "merge"),
        service("b", "merge"),
        step("start", "merge", "join"),
        service("c", "join"),
        all_at_once("join", "after"),
        service("after"),
    )
    played = started(definition).answer("a").answer("b").answer("c")
    assert waiting(played) == ["after"]
    [left] = [token for token in played.state.tokens if token.step == "join"]
    assert (left.edge, left.wait.kind) == ("merge", "join")


def test_a_step_that_does_not_join_is_entered_by_each_token():
    played = started(define(FORK, service("a", "m"), service("b", "m"), service("m")))
    played.answer("a").answer("b")
    assert [token.step for token in played.state.tokens] == ["m", "m"]


SOME = any_of("fork", ("n > 1", "a"), ("n > 2", "b"), ("n > 3", "c"), default="c")


def inclusive(n):
    return started(
        define(
            SOME,
            service("a", "join"),
            service("b", "join"),
            service("c", "join"),
            step("inclusive_gateway", "join", "after"),
            service("after"),
        ),
        {"n": n},
    )


@pytest.mark.parametrize(("n", "chosen"), [(1, "c"), (2, "a"), (3, "ab"), (4, "abc")])
def test_an_inclusive_gateway_goes_every_way_that_is_true_and_its_join_waits_for_these(n, chosen):
    played = inclusive(n)
    assert waiting(played) == list(chosen)
    for name in chosen:
        assert "after" not in played.path
        played.answer(name)
    assert waiting(played) == ["after"]
    assert played.path.count("after") == 1


def test_an_inclusive_gateway_without_a_true_condition_and_default_is_an_incident():
    definition = define(any_of("fork", ("n > 1", "a")), service("a"))
    played = started(definition, {"n": 1})
    [raised] = [effect for effect in played.effects if isinstance(effect, RaiseIncident)]
    assert raised.error_kind == "no_way_out"
    assert raised.detail["conditions"][0]["values"] == {"n": 1}


def test_two_true_conditions_that_lead_to_one_step_are_one_token():
    definition = define(any_of("fork", ("true", "a"), ("true", "a")), service("a"))
    assert len(started(definition).state.tokens) == 1


def test_an_inclusive_join_goes_on_when_a_branch_turns_away():
    definition = define(
        FORK,
        service("a", "join"),
        person("b", form={"ok": "boolean"}, assignee="li")
        | {"next": [{"step": "join", "when": "ok"}, "away"]},
        step("inclusive_gateway", "join", "after"),
        service("after"),
        end("away"),
    )
    played = started(definition).answer("a")
    assert waiting(played) == ["b"]
    played.answer("b", values={"ok": False})
    assert waiting(played) == ["after"]


def test_what_could_come_only_through_the_join_itself_is_not_waited_for():
    definition = define(
        step("start", "in", "join"),
        step("inclusive_gateway", "join", "work"),
        person("work", "join", "out", assignee="li"),
        service("out"),
    )
    played = started(definition)
    assert waiting(played) == ["work"]
    played.answer("work", outcome="join")
    assert waiting(played) == ["work"]
    assert waiting(played.answer("work", outcome="out")) == ["out"]


def crossed(*more):
    """Return two inclusive joins each of which may still get a token through the other."""
    return define(
        all_at_once("fork", "a", "b", *(one["id"] for one in more)),
        service("a", "left"),
        service("b", "right"),
        *more,
        any_of("left", ("n > 0", "right")) | {"next": ["end"]},
        any_of("right", ("n > 9", "left")) | {"next": ["end"]},
        end(),
    )


def test_inclusive_joins_that_wait_for_each_other_only_are_released():
    played = started(crossed(), {"n": 0}).answer("a").answer("b")
    assert played.state.status == "completed"


def test_joins_that_wait_for_each_other_do_not_wait_for_what_cannot_come():
    played = started(crossed(service("elsewhere")), {"n": 0}).answer("a").answer("b")
    assert [row["step"] for row in played.waiting()] == ["elsewhere"]
    assert played.answer("elsewhere").state.status == "completed"


def test_joins_that_wait_for_each_other_wait_for_who_can_still_come():
    late = service("late", "left")
    played = started(crossed(late), {"n": 0}).answer("a").answer("b")
    assert {row["step"] for row in played.waiting()} == {"left", "right", "late"}
    assert played.answer("late").state.status == "completed"


def test_a_join_inside_a_sub_process_waits_for_its_own_scope_only():
    inner = [FORK, service("a", "join"), service("b", "join"), all_at_once("join", "in")]
    definition = define(
        inside("sub", [*inner, service("in")], "after", multi={"over": "${[1, 2]}", "as": "it"}),
        service("after"),
    )
    played = started(definition)
    played.answer("a", of=0).answer("b", of=1)
    assert waiting(played) == ["a", "b", "sub", "sub", "sub"]
    played.answer("b", of=0)
    assert waiting(played) == ["a", "in", "sub", "sub", "sub"]
    played.answer("a").answer("in").answer("in")
    assert waiting(played) == ["after"]


def test_forks_name_the_branches_that_a_token_is_inside_of():
    definition = define(
        FORK,
        all_at_once("a", "c", "d"),
        service("c", "inner"),
        service("d", "inner"),
        all_at_once("inner", "join"),
        service("b", "join"),
        all_at_once("join", "after"),
        service("after"),
    )
    played = started(definition)
    depth = {token.step: len(token.forks) for token in played.state.tokens}
    assert depth == {"b": 1, "c": 2, "d": 2}
    played.answer("c").answer("d")
    assert {token.step: len(token.forks) for token in played.state.tokens} == {"b": 1, "join": 1}
    assert played.answer("b").at("after").forks == ()


def test_a_token_that_is_moved_onto_a_join_goes_on_behind_it():
    played = started(two_branches(all_at_once("join", "after")))
    played.give(Jumped(at=MONDAY, token=played.at("a").id, step="join"))
    assert waiting(played) == ["after", "b"]
    played.answer("b")
    assert next(row for row in played.waiting() if row["step"] == "join")["kind"] == "join"


def test_an_incident_behind_a_join_is_retried_behind_it():
    definition = two_branches(any_of("join", ("n > 0", "after")))
    played = started(definition).answer("a").answer("b")
    assert [row["kind"] for row in played.waiting()] == ["incident"]
    played.give(VariablesSet(at=MONDAY, values={"n": 1}))
    played.answer("join", retry=True)
    assert waiting(played) == ["after"]
