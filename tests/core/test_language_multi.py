"""A step once for each element: in parallel, one after the other, until enough are done."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.core.effects import CancelJob, RaiseIncident, StartJob
from app.core.events import Jumped, Migrated
from app.core.inside import MAX_ELEMENTS
from app.core.migrating import preview
from tests.support.scenario import MONDAY, define, inside, person, service, started, step

OVER = {"over": "${items}", "as": "it", "index_as": "n"}
GIVEN = {"input": {"it": "${it}", "n": "${n}"}, "output": {"y": "${result}"}}


def repeated(multi=None, items=(7, 8, 9), rest=(), variables=None, **beside):
    each = service("s", "on", **GIVEN, multi={**OVER, **(multi or {})}, **beside)
    definition = define(each, service("on"), *rest, variables=variables or {})
    return started(definition, {"items": list(items)})


def inputs(played):
    return [effect.input for effect in played.effects if isinstance(effect, StartJob)]


def at_s(played, kind="job"):
    return len([row for row in played.waiting() if row == {"step": "s", "kind": kind}])


def test_in_parallel_all_begin_and_values_come_back_in_the_order_of_the_elements():
    played = repeated({"collect": {"ys": "${y}", "names": "${n + 1}"}})
    assert inputs(played) == [{"it": 7, "n": 0}, {"it": 8, "n": 1}, {"it": 9, "n": 2}]
    played.answer("s", of=3, result="c").answer("s", of=1, result="a").answer("s", of=1, result="b")
    assert played.state.variables == {"items": [7, 8, 9], "ys": ["a", "b", "c"], "names": [1, 2, 3]}
    assert played.at("on").wait.kind == "job"
    assert played.path == ["s", "s", "s", "s", "on"]


def test_one_after_the_other_only_one_is_at_work():
    played = repeated({"mode": "sequential", "collect": {"ys": "${y}"}})
    for index in range(3):
        assert (at_s(played), len(inputs(played))) == (1, index + 1)
        played.answer("s", of=1, result=index)
    assert played.state.variables["ys"] == [0, 1, 2]


@pytest.mark.parametrize("mode", ["parallel", "sequential"])
@pytest.mark.parametrize("ends", ["done == 2", "done * 3 >= total * 2", "len(ys) > 1"])
def test_it_ends_early_when_enough_are_done(mode, ends):
    played = repeated({"mode": mode, "complete_when": ends, "collect": {"ys": "${y}"}})
    played.answer("s", of=1, result=1)
    assert at_s(played, "multi") == 1
    played.answer("s", of=1, result=2)
    assert [row["step"] for row in played.waiting()] == ["on"]
    assert played.state.variables["ys"] == [1, 2]
    cancelled = [effect for effect in played.effects if isinstance(effect, CancelJob)]
    assert len(cancelled) == (1 if mode == "parallel" else 0)


def test_an_empty_list_passes_through_and_collects_nothing():
    played = repeated({"collect": {"ys": "${y}"}}, items=())
    assert [row["step"] for row in played.waiting()] == ["on"]
    assert played.state.variables["ys"] == []


@pytest.mark.parametrize(
    ("items", "kind"), [("text", "bad_multi"), (None, "bad_multi"), ([0] * 1001, "bad_multi")]
)
def test_what_is_no_list_or_too_long_is_an_incident(items, kind):
    each = service("s", multi={"over": "${items}", "as": "it"})
    played = started(define(each), {"items": items})
    [raised] = [effect for effect in played.effects if isinstance(effect, RaiseIncident)]
    assert raised.error_kind == kind


def test_as_many_as_there_may_be():
    played = repeated(items=range(MAX_ELEMENTS))
    assert len(inputs(played)) == MAX_ELEMENTS


def test_what_an_element_sets_stays_with_it():
    played = repeated()
    played.answer("s", of=1, result=Decimal("1.50"))
    assert "y" not in played.state.variables
    assert "it" not in played.state.variables


def test_collected_lists_have_to_fit_what_is_declared():
    played = repeated({"collect": {"ys": "${y}"}}, variables={"ys": "number", "items": "array"})
    assert played.waiting() == [{"step": "s", "kind": "incident", "error": "wrong_type"}]
    assert not inputs(played)


def test_an_error_of_one_element_fails_the_whole_step():
    played = repeated(on_error="h", rest=[service("h")])
    played.answer("s", of=2, fails={"code": "x"})
    assert [row["step"] for row in played.waiting()] == ["h"]
    assert (played.state.scopes, played.at("h").edge) == ({}, "s")
    assert len([e for e in played.effects if isinstance(e, CancelJob)]) == 2


def test_an_error_that_nobody_catches_stops_its_element_only():
    played = repeated({"collect": {"ys": "${y}"}})
    played.answer("s", of=1, fails={"code": "x"})
    assert (at_s(played), at_s(played, "multi")) == (2, 1)
    played.answer("s", of=1, retry=True)
    for _ in range(3):
        played.answer("s", of=1, result=1)
    assert played.state.variables["ys"] == [1, 1, 1]


def test_a_skipped_element_is_done():
    played = repeated({"collect": {"ys": "${y}"}})
    played.answer("s", of=1, skip=True).answer("s", of=1, result=1).answer("s", of=1, result=2)
    assert played.state.variables["ys"] == [None, 1, 2]
    assert played.path[-1] == "on"


def test_skip_when_is_about_the_whole_step():
    played = repeated(skip_when="len(items) > 2")
    assert [row["step"] for row in played.waiting()] == ["on"]
    assert len(inputs(repeated(skip_when="it == 7"))) == 3


def test_what_cannot_be_collected_is_an_incident_that_loses_no_work():
    played = repeated({"collect": {"ys": "${y + 1}"}}, items=(1,))
    played.answer("s", of=1, result="text")
    assert played.waiting()[1] == {"step": "s", "kind": "incident", "error": "expression"}
    played.answer("s", of=1, skip=True)
    assert len(inputs(played)) == 1


def test_a_boundary_belongs_to_the_whole_step():
    late = {"on": "timer", "after": "1h", "next": "h"}
    played = repeated(boundary=[late], rest=[service("h")])
    assert [len(t.wait.attached) for t in played.state.tokens] == [1, 0, 0, 0]
    played.answer("s", of=1, result=1).answer("s", fires=True)
    assert [row["step"] for row in played.waiting()] == ["h"]


def test_elements_inside_elements_see_their_own_and_the_outer_names():
    deep = service(
        "s",
        input={"all": "${[row, cell, i, j]}"},
        output={"y": "${cell}"},
        multi={"over": "${row}", "as": "cell", "index_as": "j", "collect": {"cells": "${y}"}},
    )
    outer = {
        "over": "${[[1, 2], [3]]}",
        "as": "row",
        "index_as": "i",
        "collect": {"rows": "${cells}"},
    }
    played = started(define(inside("sub", [deep], "on", multi=outer), service("on")))
    assert [given["all"] for given in inputs(played)] == [
        [[1, 2], 1, 0, 0],
        [[1, 2], 2, 0, 1],
        [[3], 3, 1, 0],
    ]
    while any(token.step == "s" for token in played.state.tokens):
        jobs = [n for n, token in enumerate(played.tokens_at("s")) if token.wait.kind == "job"]
        played.answer("s", of=jobs[-1])
    assert played.state.variables == {"rows": [[1, 2], [3]]}


def test_people_in_a_repeated_sub_process_and_a_call_for_each():
    task = person("ask", assignee="${who}", form={"ok": "boolean"})
    multi = {"over": "${['li', 'mei']}", "as": "who", "collect": {"oks": "${ok}"}}
    definition = define(
        inside("sub", [task], "call", multi=multi),
        step(
            "call_activity",
            "call",
            process_key="k",
            output={"r": "${result.v}"},
            multi={"over": "${oks}", "as": "ok", "collect": {"rs": "${r}"}},
        ),
    )
    played = started(definition)
    played.answer("ask", of=1, values={"ok": False}).answer("ask", of=0, values={"ok": True})
    played.answer("call", of=2, child={"variables": {"v": 2}})
    played.answer("call", of=1, child={"variables": {"v": 1}})
    assert played.state.variables == {"oks": [True, False], "rs": [1, 2]}


def test_elements_cannot_be_moved_away():
    played = repeated()
    one = played.tokens_at("s")[1]
    assert played.give(Jumped(at=MONDAY, token=one.id, step="on")).ignored
    assert not played.give(Jumped(at=MONDAY, token=played.at("s").id, step="on")).ignored
    assert [row["step"] for row in played.waiting()] == ["on"]


@pytest.mark.parametrize(("old", "new"), [("parallel", "sequential"), ("sequential", "parallel")])
def test_a_migration_may_change_how_elements_are_taken(old, new):
    played = repeated({"mode": old})
    played.definition = repeated({"mode": new}).definition
    played.give(Migrated(at=MONDAY + timedelta(hours=1), definition_id=2))
    for _ in range(3):
        played.answer("s", of=1)
    assert [row["step"] for row in played.waiting()] == ["on"]


def test_a_migration_to_a_step_without_elements_is_refused():
    played = repeated()
    other = define(service("s", "on"), service("on"))
    problems = [fate.problem for fate in preview(played.definition, other, played.state, {})]
    assert problems == ["other_type"] * 4
