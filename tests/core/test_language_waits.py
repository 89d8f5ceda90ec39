"""What may happen while a step waits: boundaries, event gateways, limits; and incidents."""

from datetime import timedelta

import pytest

from app.core.effects import (
    CancelJob,
    CancelTimer,
    CloseTask,
    ResolveIncident,
    StartTimer,
    Subscribe,
    Unsubscribe,
)
from app.core.events import (
    JobSucceeded,
    MessageReceived,
    Retried,
    Skipped,
    TaskCompleted,
    TimerFired,
)
from app.core.state import TIMEOUT
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

HOUR = timedelta(hours=1)


def timer(next_, after="1h", **rest):
    return {"on": "timer", "after": after, "next": next_, **rest}


def message(next_, **rest):
    return {"on": "message", "message": "news", "correlate": "${key}", "next": next_, **rest}


def where(played):
    return sorted((row["step"], row["kind"]) for row in played.waiting())


def kinds(played, *kinds):
    return [type(effect).__name__ for effect in played.effects if isinstance(effect, kinds)]


WAITING = {
    "task": person("s", "on", assignee="li"),
    "job": service("s", "on"),
    "timer": step("timer", "s", "on", after="1d"),
    "message": step("receive_message", "s", "on", message="m"),
    "child": step("call_activity", "s", "on", process_key="k"),
    "scope": inside("s", [person("i", assignee="li")], "on"),
    "multi": service("s", "on", multi={"over": "${[1, 2]}", "as": "it"}),
}


def bounded(kind, *boundary):
    targets = dict.fromkeys(each["next"] for each in boundary)
    return define(
        {**WAITING[kind], "boundary": list(boundary)}, service("on"), *map(service, targets)
    )


@pytest.mark.parametrize("kind", WAITING)
def test_an_interrupting_timer_takes_the_token_away_and_closes_what_it_waited_for(kind):
    played = started(bounded(kind, timer("late"), message("told")), {"key": 7})
    before = [effect.wait for effect in played.effects if hasattr(effect, "wait")]
    played.answer("s", fires=0)
    assert where(played) == [("late", "job")]
    assert played.state.scopes == {}
    closed = [
        e.wait
        for e in played.effects
        if isinstance(e, CloseTask | CancelJob | CancelTimer | Unsubscribe)
        or type(e).__name__ == "EndChild"
    ]
    fired = played.events[-1].wait
    assert sorted(before) == sorted([*closed, fired])


@pytest.mark.parametrize("kind", WAITING)
def test_a_timer_that_does_not_interrupt_starts_a_path_beside(kind):
    played = started(bounded(kind, timer("late", interrupt=False)))
    stands = where(played)
    played.answer("s", fires=0)
    assert where(played) == sorted([*stands, ("late", "job")])
    beside = played.at("late")
    assert (beside.edge, len(beside.forks)) == ("s#0", 1)
    assert not played.at("s").wait.attached


@pytest.mark.parametrize(("repeat", "times"), [(1, 1), (3, 3)])
def test_a_reminder_repeats_as_often_as_it_says(repeat, times):
    played = started(bounded("task", timer("late", interrupt=False, repeat=repeat)))
    for _ in range(times):
        played.answer("s", fires=True)
    assert not played.at("s").wait.attached
    assert [e.due_at - MONDAY for e in played.effects if isinstance(e, StartTimer)] == [
        HOUR * (n + 1) for n in range(times)
    ]
    played.answer("s")
    assert where(played) == sorted([*[("late", "job")] * times, ("on", "job")])


def test_a_reminder_without_end_goes_on_until_the_step_is_over():
    played = started(bounded("task", timer("late", interrupt=False, repeat=True)))
    for _ in range(4):
        played.answer("s", fires=True)
    played.answer("s")
    assert kinds(played, CancelTimer) == ["CancelTimer"]


def test_a_reminder_whose_time_stands_still_is_not_wound_again():
    played = started(bounded("task", timer("late", "${'0s'}", interrupt=False, repeat=True)))
    played.answer("s", fires=True)
    assert not played.at("s").wait.attached


def test_a_message_interrupts_and_leaves_its_values():
    taken = message("told", output={"z": "${result.x + 1}"})
    played = started(bounded("task", taken), {"key": 7})
    [asked] = [effect for effect in played.effects if isinstance(effect, Subscribe)]
    assert (asked.name, asked.key) == ("news", "7")
    played.answer("s", message={"x": 1})
    assert where(played) == [("told", "job")]
    assert played.state.variables["z"] == 2


def test_a_message_that_does_not_interrupt_may_come_again_and_again():
    played = started(bounded("task", message("told", interrupt=False)), {"key": 7})
    for n in range(3):
        played.answer("s", message={"x": n})
    assert where(played) == [("s", "task"), *[("told", "job")] * 3]
    assert "x" not in played.state.variables


def test_the_output_of_a_boundary_has_to_fit_what_is_declared():
    definition = define(
        {**WAITING["task"], "boundary": [message("told", output={"n": "${result.x}"})]},
        service("on"),
        service("told"),
        variables={"n": "number", "key": "any"},
    )
    played = started(definition, {"key": 1}).answer("s", message={"x": "many"})
    assert played.waiting() == [{"step": "s", "kind": "incident", "error": "wrong_type"}]


def test_a_boundary_that_cannot_be_armed_is_an_incident_and_starts_nothing():
    played = started(bounded("task", timer("late"), timer("soon", "${1 / 0}")))
    assert [effect.kind for effect in played.effects] == ["passed", "raise_incident"]


EVENTS = [
    {"on": "timer", "after": "1d", "next": "late"},
    {"on": "message", "message": "paid", "next": "paid", "output": {"sum": "${result.sum}"}},
    {"on": "message", "message": "gone", "next": "gone"},
]


def choosing():
    names = [service(each["next"]) for each in EVENTS]
    return started(define(step("event_gateway", "g", events=EVENTS), *names))


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        ({"fires": True}, "late"),
        ({"message": {"sum": 3}, "boundary": 1}, "paid"),
        ({"message": {}, "boundary": 2}, "gone"),
    ],
)
def test_the_first_event_wins_and_the_others_are_withdrawn(answer, then):
    played = choosing()
    ids = [each.id for each in played.at("g").wait.attached]
    played.answer("g", **answer)
    assert where(played) == [(then, "job")]
    assert len(kinds(played, CancelTimer, Unsubscribe)) == 2
    for wait in ids:
        for event in (
            TimerFired(at=MONDAY, wait=wait),
            MessageReceived(at=MONDAY, wait=wait, name=""),
        ):
            assert played.give(event).ignored == "nothing waits for this any more"
    if then == "paid":
        assert played.state.variables == {"sum": 3}


def test_an_event_of_the_wrong_kind_changes_nothing():
    played = choosing()
    wait = played.at("g").wait.attached[0].id
    assert played.give(MessageReceived(at=MONDAY, wait=wait, name="x")).ignored
    assert played.give(JobSucceeded(at=MONDAY, wait=wait)).ignored
    assert played.give(TaskCompleted(at=MONDAY, wait=wait)).ignored


RECEIVE = step(
    "receive_message", "r", "on", message="m", timeout="2h", output={"n": "${1 + result.n}"}
)


def receiving(**beside):
    rest = [service(name) for name in ("on", *beside.pop("targets", ()))]
    return started(define({**RECEIVE, **beside}, *rest))


def test_a_limit_ends_the_wait_with_the_code_timeout():
    played = receiving(on_error="late", targets=["late"]).answer("r", fires=True)
    assert where(played) == [("late", "job")]
    assert played.state.variables["error"]["code"] == "timeout"
    assert kinds(played, Unsubscribe, CancelTimer) == ["Unsubscribe"]


def test_a_limit_is_withdrawn_when_the_message_comes():
    played = receiving().answer("r", message={"n": 1})
    assert where(played) == [("on", "job")]
    assert kinds(played, Unsubscribe, CancelTimer) == ["CancelTimer"]


def test_a_limit_that_nobody_catches_is_an_incident_that_keeps_its_boundaries():
    played = receiving(boundary=[timer("late", "1d")], targets=["late"]).answer("r", fires=TIMEOUT)
    assert played.waiting() == [{"step": "r", "kind": "incident", "error": "timeout"}]
    [left] = played.at("r").wait.attached
    played.answer("r", retry=True)
    assert [each.index for each in played.at("r").wait.attached] == [TIMEOUT, 0]
    assert played.at("r").wait.attached[1].id == left.id
    assert where(played.answer("r", fires=0)) == [("late", "job")]


def test_a_message_that_cannot_be_used_ends_the_limit_all_the_same():
    played = receiving(on_error="late", targets=["late"]).answer("r", message={"n": "x"})
    assert played.waiting() == [{"step": "r", "kind": "incident", "error": "expression"}]
    assert not played.at("r").wait.attached
    assert kinds(played, CancelTimer) == ["CancelTimer"]


# Incidents -----------------------------------------------------------------------------


def test_a_timer_goes_on_beside_an_incident_and_through_its_retry():
    played = started(bounded("job", timer("late", interrupt=False, repeat=2)))
    [armed] = played.at("s").wait.attached
    played.answer("s", fails={"code": "x"}).answer("s", retry=True)
    assert played.at("s").wait.attached == (armed,)
    played.answer("s", fires=True).answer("s", fails={"code": "x"}).answer("s", fires=True)
    assert where(played) == [("late", "job"), ("late", "job"), ("s", "incident")]


def test_an_interrupting_timer_resolves_the_incident_it_takes_away():
    played = started(bounded("job", timer("late"))).answer("s", fails={"code": "x"})
    played.answer("s", fires=True)
    assert where(played) == [("late", "job")]
    assert [e.how for e in played.effects if isinstance(e, ResolveIncident)] == ["withdrawn"]


def test_a_retry_begins_again_with_a_new_wait():
    played = started(define(service("s"))).answer("s", fails={"code": "x"})
    stuck = played.wait("s")
    played.answer("s", retry=True)
    assert played.wait("s") != stuck
    assert played.give(Retried(at=MONDAY, wait=stuck)).ignored


# Skipping ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WAITING)
def test_whatever_a_step_waits_for_an_operator_may_let_it_go_on(kind):
    played = started(bounded(kind, timer("late"))).answer("s", skip=True)
    assert where(played) == [("on", "job")]
    assert played.state.scopes == {}


def test_what_is_only_attached_cannot_be_skipped():
    played = started(bounded("task", timer("late")))
    wait = played.at("s").wait.attached[0].id
    assert (
        played.give(Skipped(at=MONDAY, wait=wait)).ignored == "only the step itself can be skipped"
    )


def test_a_join_cannot_be_skipped():
    definition = define(
        all_at_once("f", "a", "b"),
        service("a", "j"),
        service("b", "j"),
        all_at_once("j", "end"),
        end(),
    )
    played = started(definition).answer("a")
    assert (
        played.give(Skipped(at=MONDAY, wait=played.wait("j"))).ignored == "a join cannot be skipped"
    )


CHOOSING = {
    "outcomes": person(
        "s", assignee="li", outcomes=[{"id": "y", "next": "a"}, {"id": "n", "next": "b"}]
    ),
    "targets": person("s", "a", "b", assignee="li"),
    "a field": person("s", "a", "b", assignee="li", form={"ok": "boolean"}),
    "events": step(
        "event_gateway",
        "s",
        events=[
            {"on": "timer", "after": "1h", "next": "a"},
            {"on": "message", "message": "m", "next": "b"},
        ],
    ),
}


@pytest.mark.parametrize("kind", CHOOSING)
@pytest.mark.parametrize(("chosen", "then"), [(True, "a"), (0, "a"), (1, "b")])
def test_an_operator_chooses_where_the_step_offers_several(kind, chosen, then):
    names = ["y", "n"] if kind == "outcomes" else ["a", "b"]
    played = started(define(CHOOSING[kind], service("a"), service("b")))
    played.answer("s", skip=True if chosen is True else names[chosen])
    assert where(played) == [(then, "job")]
    assert played.at(then).edge == (f"s#{'ab'.index(then)}" if kind == "events" else "s")


def test_an_outcome_that_there_is_not_is_refused():
    played = started(define(CHOOSING["outcomes"], service("a"), service("b")))
    refused = played.give(Skipped(at=MONDAY, wait=played.wait("s"), outcome="x"))
    assert refused.ignored == "there is no outcome x; choose from: y, n"


def test_a_skipped_step_whose_way_cannot_be_found_is_only_to_be_led_on():
    definition = define(service("s", {"step": "a", "when": "n > 0"}), service("a"))
    played = started(definition, {"n": 0}).answer("s", skip=True)
    assert played.waiting() == [{"step": "s", "kind": "incident", "error": "no_way_out"}]
    assert played.at("s").wait.error["leaving"]


@pytest.mark.parametrize("kind", ["parallel_gateway", "inclusive_gateway"])
def test_a_gateway_that_is_skipped_still_goes_every_way(kind):
    if kind == "parallel_gateway":
        fork = all_at_once("f", "a", "b")
    else:
        rows = [{"expression": "true", "next": name} for name in "ab"]
        fork = step(kind, "f", conditions=rows)
    played = started(define({**fork, "skip_when": "true"}, service("a"), service("b")))
    assert where(played) == [("a", "job"), ("b", "job")]
