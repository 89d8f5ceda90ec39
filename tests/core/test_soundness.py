"""Soundness: each kind of problem with its witness, and the core as the judge of both."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.definition import Definition
from app.core.parse import load
from app.core.soundness import Problem, explore
from app.core.state import ENDED
from tests.support.definitions import choose, definition, fork, job, several, step, user
from tests.support.random_nets import Builder, circles_at_once, combinations_of, replay, truth_of

EXAMPLES = sorted(Path("examples/definitions").glob("*.json"))
END = step("e", "end")


def path(problem: Problem) -> list[str]:
    return [f"{m.step}: {m.choice}" if m.choice else m.step for m in problem.witness]


def only(*steps: dict[str, Any], **document: Any) -> Problem:
    (problem,) = explore(definition(*steps, **document))
    return problem


def codes(*steps: dict[str, Any], **document: Any) -> list[tuple[str, str, str]]:
    found = explore(definition(*steps, **document))
    return [(problem.severity, problem.code, problem.step) for problem in found]


def joined(*steps: dict[str, Any], into: str = "parallel_gateway") -> tuple[dict[str, Any], ...]:
    """Return steps that lead to the join ``j``, with it and the end."""
    return (*steps, step("j", into, "e"), END)


# --- what is right --------------------------------------------------------------------


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_a_shipped_example_is_clean(file: Path) -> None:
    assert explore(load(file.read_text("utf-8"))) == ()


@pytest.mark.parametrize(
    "steps",
    [
        joined(fork("p", "a", "b"), job("a", "j"), user("b", "j")),
        joined(
            several("p", {"x": "a", "y": "b"}, "c"),
            *(job(name, "j") for name in "abc"),
            into="inclusive_gateway",
        ),
        joined(
            fork("p", "a", "b"),
            user("a", "j", "c"),
            job("c"),
            job("b", "j"),
            into="inclusive_gateway",
        ),
        (user("a", "b"), user("b", "a", "c"), job("c", on_error="a")),
        (
            user("a", boundary=[{"on": "timer", "after": "1h", "interrupt": False, "next": "b"}]),
            job("b"),
        ),
        (fork("p", "a", "b"), user("a", "t"), user("b"), step("t", "end", config={"terminate": 1})),
        (fork("p", "a", "b"), job("a", "e"), job("b", "e"), END),
        (
            step(
                "g",
                "event_gateway",
                config={
                    "events": [
                        {"on": "message", "message": "m", "next": "e"},
                        {"on": "timer", "after": "1d", "next": "t"},
                    ]
                },
            ),
            job("t"),
            END,
        ),
        joined(fork("p", "a", "b"), job("a", "j", skip_when="x"), job("b", "j")),
        (
            job("a", "e", boundary=[{"on": "error", "code": "X", "next": "b"}], on_error="c"),
            job("b"),
            job("c"),
            END,
        ),
    ],
    ids=[
        *("parallel", "inclusive", "one branch of two ends", "rework", "reminder", "terminate"),
        *("one end for two", "events", "skipped", "errors"),
    ],
)
def test_nothing_is_said_of_what_is_right(steps: tuple[dict[str, Any], ...]) -> None:
    assert codes(*steps) == []


# --- joins ----------------------------------------------------------------------------


def test_a_join_after_a_choice_starves() -> None:
    problem = only(*joined(choose("x", {"n": "a"}, "b"), job("a", "j"), job("b", "j")))
    assert (problem.severity, problem.code, problem.step) == ("error", "join_starves", "j")
    assert problem.text() == "j can wait for ever for a token from b that cannot come."
    assert path(problem) == ["x: n", "a"]


def test_a_join_starves_when_one_branch_goes_elsewhere() -> None:
    steps = joined(fork("p", "a", "b"), user("a", "j", "c"), job("c"), job("b", "j"))
    problem = only(*steps)
    assert (problem.code, path(problem)) == ("join_starves", ["p", "a: outcome c", "c", "b"])
    assert replay(definition(*steps), problem.witness).tokens[0].step == "j"


def test_two_decisions_over_the_same_variable_make_a_warning() -> None:
    def steps(second: str) -> tuple[dict[str, Any], ...]:
        return joined(
            choose("g", {"n > 1": "p"}, "e"),
            fork("p", "a", "h"),
            choose("h", {f"{second} > 0": "j"}, "e"),
            job("a", "j"),
        )

    assert codes(*steps("n")) == [("warning", "join_starves", "j")]
    assert codes(*steps("m")) == [("error", "join_starves", "j")]


def test_an_error_that_is_caught_can_starve_a_join() -> None:
    problem = only(*joined(fork("p", "a", "b"), job("a", "j", on_error="e"), job("b", "j")))
    assert path(problem) == ["p", "a: error", "e", "b"]


def test_a_boundary_can_starve_a_join() -> None:
    late = [{"on": "timer", "after": "1h", "next": "e"}]
    problem = only(*joined(fork("p", "a", "b"), user("a", "j", boundary=late), job("b", "j")))
    assert path(problem) == ["p", "a: timer 1h", "e", "b"]


def test_an_inclusive_join_fires_once_for_all_that_can_come() -> None:
    steps = (
        *(fork("p", "s", "d"), job("d", "k"), several("s", {"x": "a", "y": "b"})),
        *(user("a", "j"), user("b", "j"), step("j", "inclusive_gateway", "c"), job("c", "k")),
        *(fork("k", "e"), END),
    )
    assert codes(*steps) == [("warning", "conditions_gap", "s")]


# --- circles and growth ---------------------------------------------------------------


def test_a_circle_without_a_way_out_is_an_error() -> None:
    problem = only(user("a", "b", "e"), user("b", "c"), job("c", "b"), END)
    assert (problem.severity, problem.code, problem.step) == ("error", "no_way_to_end", "b")
    assert problem.params["steps"] == "b, c"
    assert path(problem) == ["a: outcome b"]


def test_a_circle_of_steps_that_do_not_wait_is_found_too() -> None:
    script = {"config": {"set": {"x": "${1}"}}}
    assert codes(step("a", "script", "b", **script), step("b", "script", "a", **script)) == [
        ("error", "no_way_to_end", "a")
    ]


def test_a_branch_that_leads_back_before_its_split_grows_without_bound() -> None:
    problem = only(user("a", "p"), fork("p", "a", "b"), user("b", "e"), END)
    assert (problem.severity, problem.code) == ("error", "may_grow")
    assert path(problem) == ["a", "p", "a", "p"]


# --- steps that are never reached -----------------------------------------------------


def test_what_stands_behind_a_join_that_never_fires_is_told_with_the_join_only() -> None:
    steps = (choose("x", {"n": "a"}, "b"), job("a", "j"), job("b", "j"), fork("j", "c"), job("c"))
    assert codes(*steps) == [("error", "join_starves", "j")]


def test_a_step_behind_a_sub_process_that_only_fails_is_dead() -> None:
    fails = [step("x", "end", config={"result": "error", "code": "X"})]
    catch = [{"on": "error", "code": "X", "next": "e"}]
    sub = step("s", "sub_process", "d", config={"steps": fails}, boundary=catch)
    assert codes(sub, job("d", "e"), END) == [("error", "never_reached", "d")]


def test_a_way_that_no_value_takes_is_not_explored() -> None:
    gateway = choose("g", {"n > 1": "a", "n > 5": "b", "n <= 1": "a"}, "c")
    found = codes(gateway, job("a", "e"), job("b", "e"), job("c", "e"), END)
    assert found == [
        ("warning", "condition_never_taken", "g"),
        ("warning", "never_reached", "b"),
        ("warning", "never_reached", "c"),
    ]


def test_a_default_that_only_null_takes_is_reached() -> None:
    gateway = choose("g", {"ok == true": "a", "ok == false": "a"}, "b")
    document = {"variables": {"ok": "boolean"}}
    assert codes(gateway, job("a"), job("b"), **document) == []


def test_an_error_that_nothing_raises_leads_nowhere() -> None:
    assert codes(user("a", "e", on_error="b"), job("b"), END) == [("warning", "never_reached", "b")]


def test_only_the_codes_that_can_come_are_caught() -> None:
    receive = step("r", "receive_message", "e", config={"message": "m", "timeout": "1h"})
    catch = [{"on": "error", "code": code, "next": code} for code in ("timeout", "other")]
    steps = receive | {"boundary": catch}, job("timeout"), job("other"), END
    assert codes(*steps) == [("warning", "never_reached", "other")]


# --- two tokens at once ---------------------------------------------------------------


def test_branches_that_meet_without_a_join_do_their_work_twice() -> None:
    problem = only(
        fork("p", "a", "b"), job("a", "m"), job("b", "m"), job("m", "n"), job("n", "e"), END
    )
    assert (problem.severity, problem.code, problem.step) == ("warning", "fires_twice", "m")
    assert path(problem) == ["p", "a", "b"]


def test_a_step_that_does_not_wait_is_done_twice_too() -> None:
    steps = (
        *(fork("p", "m", "n"), step("n", "script", "m", config={"set": {"y": "${2}"}})),
        *(step("m", "script", "e", config={"set": {"x": "${1}"}}), END),
    )
    assert codes(*steps) == [("warning", "fires_twice", "m")]


def test_a_path_beside_a_step_that_meets_its_own_is_told() -> None:
    late = [{"on": "timer", "after": "1h", "interrupt": False, "next": "m"}]
    script = step("m", "script", "e", config={"set": {"x": "${1}"}})
    problem = only(user("u", "m", boundary=late), script, END)
    assert (problem.code, path(problem)) == ("fires_twice", ["u: timer 1h", "u"])


def test_branches_that_set_the_same_variable_are_told() -> None:
    problem = only(
        *joined(
            fork("p", "a", "b"),
            job("a", "j", config={"output": {"v": "${result}"}}),
            user("c", "j", config={"form": {"v": "string"}}),
            user("b", "c"),
        )
    )
    assert (problem.severity, problem.code) == ("warning", "written_at_once")
    assert {problem.params["step"], problem.params["other"]} == {"a", "c"}
    assert path(problem) == ["p", "b"]


def test_branches_of_a_choice_may_set_the_same_variable() -> None:
    output = {"config": {"output": {"v": "${result}"}}}
    assert codes(choose("g", {"n": "a"}, "b"), job("a", **output), job("b", **output)) == []


def races(*steps: dict[str, Any]) -> set[frozenset[str]]:
    """Return the pairs of steps that may write one variable at once."""
    return {
        frozenset({each.params["step"], each.params["other"]})
        for each in explore(definition(*steps))
        if each.code == "written_at_once"
    }


def sets(variable: str) -> dict[str, Any]:
    return {"config": {"output": {variable: "${result}"}}}


def test_a_branch_races_with_what_comes_after_a_join_of_other_branches() -> None:
    one = fork("q", "a", "b"), job("a", "j", **sets("v")), job("b", "j"), fork("j", "c")
    two = fork("r", "d", "f"), job("d", "k", **sets("w")), job("f", "k"), fork("k", "g")
    last = job("c", "z", **sets("w")), job("g", "z", **sets("v")), fork("z", "e"), END
    assert races(fork("p", "q", "r"), *one, *two, *last) == {
        frozenset({"a", "g"}),
        frozenset({"c", "d"}),
    }


def test_a_branch_races_with_what_comes_after_an_inclusive_join_that_has_fewer() -> None:
    steps = (
        *(fork("p", "a", "s"), job("a", "k", **sets("v")), choose("s", {"x": "b"}, "c")),
        *(job("b", "j"), job("c", "j"), step("j", "inclusive_gateway", "d")),
        *(job("d", "k", **sets("v")), fork("k", "e"), END),
    )
    assert races(*steps) == {frozenset({"a", "d"})}


def test_a_branch_that_turned_away_races_with_what_comes_after_the_join() -> None:
    steps = (
        *(fork("p", "a", "b"), user("a", "x", "y"), user("x", "j"), job("b", "j")),
        *(job("y", "e", **sets("v")), step("j", "inclusive_gateway", "d")),
        *(job("d", "e", **sets("v")), END),
    )
    assert races(*steps) == {frozenset({"y", "d"})}


def test_a_path_beside_a_step_may_outlive_it() -> None:
    late = [{"on": "timer", "after": "1h", "interrupt": False, "next": "n"}]
    steps = (
        *(fork("p", "u", "z"), user("u", "k", boundary=late), job("n", **sets("v"))),
        *(job("z", "k"), fork("k", "m"), job("m", "e", **sets("v")), END),
    )
    assert races(*steps) == {frozenset({"n", "m"})}


# --- scopes ---------------------------------------------------------------------------


def test_a_sub_process_is_checked_as_a_net_of_its_own() -> None:
    inner = [
        choose("x", {"n": "a"}, "b"),
        *(job("a", "j"), job("b", "j"), step("j", "parallel_gateway")),
    ]
    sub = step("s", "sub_process", "e", config={"steps": inner})
    assert codes(sub, END) == [("error", "join_starves", "j")]


def test_an_error_of_a_step_inside_can_be_caught_around_it() -> None:
    def around(inner: dict[str, Any]) -> dict[str, Any]:
        sub = step("s", "sub_process", config={"steps": [inner]})
        return step("o", "sub_process", "e", config={"steps": [sub]}, on_error="g")

    assert codes(around(job("i")), job("g"), END) == []
    assert codes(around(user("i")), job("g"), END) == [("warning", "never_reached", "g")]


# --- bounds ---------------------------------------------------------------------------


def test_a_check_that_was_cut_short_says_so() -> None:
    branches = [f"b{index}" for index in range(6)]
    steps = [fork("p", *branches), *(user(name, "a", "e") for name in branches), job("a", "e"), END]
    assert ("info", "not_fully_checked", "") in [
        (each.severity, each.code, each.step) for each in explore(definition(*steps), max_states=3)
    ]


def test_many_branches_at_once_are_checked_wholly_and_quickly() -> None:
    branches = [f"b{index}" for index in range(200)]
    steps = joined(fork("p", *branches), *(user(name, "j") for name in branches))
    made = definition(*steps)
    begun = process_time()
    assert explore(made) == ()
    assert process_time() - begun < 5


def test_a_long_row_of_steps_does_not_exhaust_the_stack() -> None:
    script = {"config": {"set": {}}}
    late = {"on": "timer", "after": "1h", "interrupt": False}
    rows = [step(f"s{i}", "script", f"s{i + 1}", **script) for i in range(498)]
    assert codes(*rows, step("s498", "script", **script)) == []
    beside = [user(f"u{i}", boundary=[{**late, "next": f"u{i + 1}"}]) for i in range(300)]
    assert {each.code for each in explore(definition(*beside, user("u300")), max_states=500)} == {
        "not_fully_checked"
    }


# --- the core as the judge ------------------------------------------------------------


@st.composite
def processes(draw: st.DrawFn, *, subs: bool = False, beside: bool = False) -> Definition:
    """Return a process that the core can be asked everything about."""
    pick = lambda low, high: draw(st.integers(low, high))  # noqa: E731 - one use, as an argument
    made = Builder(pick, subs=subs, beside=beside).process()
    assume(len(made.steps) <= 14 and not circles_at_once(made) and combinations_of(made) <= 20)
    return made


@settings(max_examples=60, deadline=None)
@given(processes())
def test_what_is_found_is_what_the_core_can_do(made: Definition) -> None:
    truth = truth_of(made, limit=200)
    found = explore(made)
    assume(truth.bounded and all(problem.code != "may_grow" for problem in found))
    starving = {problem.step for problem in found if problem.code == "join_starves"}
    assert starving == truth.stuck
    assert any(problem.code == "no_way_to_end" for problem in found) == truth.trapped
    dead = {problem.step for problem in found if problem.code == "never_reached"}
    assert not dead & truth.visited
    if not starving and not truth.trapped and not dead:
        assert truth.visited == set(made.by_id)
    twice = {problem.step for problem in found if problem.code == "fires_twice"}
    merging = {each.id for each in made.steps if len(made.incoming[each.id]) > 1}
    assert bool(twice) or not truth.twice & merging
    assert {name for name in twice if made.by_id[name].type.endswith("_task")} <= truth.twice
    for problem in found:
        if problem.code == "join_starves":
            state = replay(made, problem.witness)
            assert state.status not in ENDED
            assert {token.wait.kind for token in state.tokens if token.wait} == {"join"}
            assert problem.step in {token.step for token in state.tokens}


@settings(max_examples=40, deadline=None)
@given(processes(subs=True, beside=True))
def test_what_is_found_sound_never_sticks(made: Definition) -> None:
    found = explore(made)
    assume(not any(each.code in STICKING or each.severity == "error" for each in found))
    truth = truth_of(made, limit=200)
    assert not truth.stuck
    assert not truth.trapped or not truth.bounded


STICKING = {"join_starves", "no_way_to_end", "may_grow", "not_fully_checked"}
