"""Sub-processes, explicit ends, and where errors go."""

import pytest

from app.core.effects import CancelJob, CloseTask, EndChild
from app.core.state import ENDED
from tests.support.scenario import all_at_once, define, end, inside, person, service, started, step

GRAVEST = [
    (["completed", "cancelled"], "terminated", "c"),
    (["cancelled", "completed"], "terminated", "c"),
    (["error", "cancelled"], "failed", "e"),
    (["completed", "error"], "failed", "e"),
    (["completed", "completed"], "completed", "d"),
]
CODES = {"completed": "d", "cancelled": "c", "error": "e"}


@pytest.mark.parametrize(("results", "status", "code"), GRAVEST)
def test_an_instance_ends_by_its_gravest_end(results, status, code):
    one, two = (end(f"e{n}", result=r, code=CODES[r]) for n, r in enumerate(results))
    definition = define(
        all_at_once("f", "a", "b"), service("a", "e0"), service("b", "e1"), one, two
    )
    played = started(definition).answer("a")
    assert played.state.status == "running"
    played.answer("b")
    assert (played.state.status, played.state.result) == (status, code)


def test_an_end_that_terminates_withdraws_all_that_is_open():
    definition = define(
        all_at_once("f", "a", "b", "c", "d", "sub"),
        service("a", "stop"),
        service("b"),
        person("c", assignee="li"),
        step("call_activity", "d", process_key="k"),
        inside("sub", [service("i")]),
        end("stop", result="cancelled", terminate=True),
    )
    played = started(definition).answer("a")
    assert (played.state.status, played.state.tokens, played.state.scopes) == ("terminated", (), {})
    closed = {e.step for e in played.effects if isinstance(e, CloseTask | CancelJob | EndChild)}
    assert closed == {"b", "c", "d", "i"}


def test_an_end_that_terminates_inside_ends_the_sub_process_only():
    inner = [
        all_at_once("f", "a", "b"),
        service("a", "stop"),
        service("b"),
        end("stop", terminate=True),
    ]
    definition = define(
        all_at_once("outer", "sub", "beside"),
        inside("sub", inner, "after"),
        service("beside"),
        service("after"),
    )
    played = started(definition).answer("a")
    assert sorted(row["step"] for row in played.waiting()) == ["after", "beside"]
    assert played.state.scopes == {}


def test_a_sub_process_is_over_when_nothing_moves_inside():
    inner = [all_at_once("f", "a", "b"), service("a"), service("b", "x"), end("x")]
    played = started(define(inside("sub", inner, "after"), service("after")))
    played.answer("a")
    assert "after" not in played.path
    assert played.answer("b").path[-1] == "after"


def test_how_a_path_inside_ended_well_is_not_how_the_instance_ended():
    definition = define(inside("sub", [end("in", code="inner")], "out"), end("out"))
    assert started(definition).state.result == "completed"


def test_a_path_inside_that_was_cancelled_counts():
    definition = define(
        inside("sub", [end("in", result="cancelled", code="no")], "out"), end("out")
    )
    state = started(definition).state
    assert (state.status, state.result) == ("terminated", "no")


def caught_by(code, **beside):
    """Return where a run stands after the sub-process threw an error of this code."""
    targets = [each["next"] for each in beside.get("boundary", ())]
    targets += [beside["on_error"]] if "on_error" in beside else []
    inner = [
        all_at_once("f", "a", "b"),
        service("a", "bad"),
        service("b"),
        end("bad", result="error", **code),
    ]
    return started(
        define(inside("sub", inner, **beside), *(service(name) for name in targets))
    ).answer("a")


VERY = {"on": "error", "code": "late", "next": "very"}
ANY = {"on": "error", "next": "any"}


@pytest.mark.parametrize(
    ("code", "beside", "where"),
    [
        ({"code": "late"}, {"boundary": [ANY, VERY]}, "very"),
        ({"code": "other"}, {"boundary": [VERY, ANY]}, "any"),
        ({}, {"boundary": [VERY], "on_error": "h"}, "h"),
        ({"code": "late"}, {"boundary": [VERY], "on_error": "h"}, "very"),
    ],
)
def test_an_error_end_leaves_the_sub_process_by_what_is_there_for_it(code, beside, where):
    played = caught_by(code, **beside)
    assert [row["step"] for row in played.waiting()] == [where]
    assert played.state.scopes == {}
    assert played.state.variables["error"]["code"] == code.get("code", "error")


def test_an_error_end_that_nothing_is_there_for_fails_the_instance():
    played = caught_by({"code": "late"})
    assert (played.state.status, played.state.result, played.state.tokens) == ("failed", "late", ())
    assert any(isinstance(effect, CancelJob) and effect.step == "b" for effect in played.effects)


def test_an_error_goes_outwards_until_something_is_there_for_it():
    deep = inside("deep", [service("a")])
    definition = define(
        inside("outer", [all_at_once("f", "deep", "b"), deep, service("b")], boundary=[VERY]),
        service("very"),
    )
    played = started(definition).answer("a", fails={"code": "late", "message": "Too late."})
    assert [row["step"] for row in played.waiting()] == ["very"]
    assert played.state.variables["error"]["step"] == "a"
    assert played.state.variables["error"]["message"] == "Too late."


def test_an_error_that_nobody_catches_is_an_incident_where_it_happened():
    definition = define(inside("sub", [service("a")], boundary=[VERY]), service("very"))
    played = started(definition).answer("a", fails={"code": "other"})
    assert [(row["step"], row["kind"]) for row in played.waiting()] == [
        ("sub", "scope"),
        ("a", "incident"),
    ]
    played.answer("a", retry=True).answer("a")
    assert played.state.status in ENDED


def test_the_very_code_of_an_outer_step_does_not_win_over_any_error_of_the_inner():
    definition = define(
        inside(
            "sub",
            [service("a", boundary=[{"on": "error", "next": "in"}]), service("in")],
            boundary=[VERY],
        ),
        service("very"),
    )
    played = started(definition).answer("a", fails={"code": "late"})
    assert played.at("in").wait.kind == "job"


@pytest.mark.parametrize("step_id", ["a", "sub"])
def test_loops_are_counted_in_each_scope(step_id):
    inner = [
        person("a", {"step": "a", "when": "again"}, "x", assignee="li", form={"again": "boolean"}),
        end("x"),
    ]
    definition = define(
        inside("sub", inner, multi={"over": "${[1, 2, 3]}", "as": "it"}), settings={"max_visits": 2}
    )
    played = started(definition)
    for index in range(3):
        played.answer("a", of=index, values={"again": True})
    assert {row["kind"] for row in played.waiting() if row["step"] == step_id} <= {
        "task",
        "scope",
        "multi",
    }
    for _ in range(3):
        played.answer("a", of=0, values={"again": False})
    assert played.state.status == "completed"


def test_a_loop_inside_reaches_its_limit():
    inner = [step("start", "a", "b"), step("start", "b", "a")]
    definition = define(inside("sub", inner), settings={"max_visits": 5})
    played = started(definition)
    assert [row.get("error", row["kind"]) for row in played.waiting()] == ["scope", "loop_limit"]
