"""Return, recall and withdrawal: where a token may go back to, and what comes of it."""

from datetime import timedelta

from app.core.definition import START
from app.core.effects import CloseTask, Ended, OpenTask
from app.core.events import Recalled, Returned, Withdrawn
from app.core.returning import cancelled, of_initiator, place_of, places, void
from app.core.state import Again
from tests.support.scenario import (
    MONDAY,
    all_at_once,
    define,
    end,
    inside,
    person,
    service,
    started,
)

LATER = MONDAY + timedelta(hours=1)
THREE = (
    person("ask", "check", assignee="zhao", form={"amount": "number"}),
    person("check", "sign", assignee="li", form={"fine": "text"}),
    person("sign", "end", "ask", candidate_groups=["board"], form={"ok": "boolean"}),
    end(),
)
START_FORM = {"start": {"form": {"amount": {"type": "number", "required": True}}}}
BRANCHES = (
    person("ask", "both", assignee="zhao"),
    all_at_once("both", "left", "right"),
    person("left", "left2", assignee="li"),
    person("left2", "join", assignee="mei"),
    person("right", "join", assignee="chen"),
    all_at_once("join", "last"),
    person("last", "end", assignee="li"),
    end(),
)


def offered(played, step):
    return [place.step for place in places(played.definition, played.state, played.at(step))]


def back(played, at, to, *, by="mei", **more):
    wait = played.wait(at)
    return played.give(Returned(at=LATER, by=by, wait=wait, step=to, reason="No.", **more))


def opened(moved):
    return next(each for each in reversed(moved.effects) if isinstance(each, OpenTask))


def at_sign(**rest):
    played = started(define(*THREE, **rest))
    played.answer("ask", by="zhao", values={"amount": 5})
    return played.answer("check", by="li", values={"fine": "yes"})


def test_a_step_opens_again_for_who_did_it_and_all_that_follows_is_decided_again():
    played = at_sign()
    assert offered(played, "sign") == ["check", "ask"]
    moved = back(played, "sign", "ask")
    assert moved.effects[0] == CloseTask(step="sign", wait=moved.effects[0].wait, reason="No.")
    assert (opened(moved).step, opened(moved).again) == ("ask", "zhao")
    assert (played.state.round, played.state.variables["amount"]) == (2, 5)
    assert void(played.definition, played.state, played.at("ask")) == ("check",)
    assert offered(played, "ask") == []
    played.answer("ask", by="zhao", values={"amount": 4})
    assert opened(played).again is None
    played.answer("check", by="li", values={"fine": "yes"})
    assert offered(played, "sign") == ["check", "ask"]
    assert played.state.completed["check"].round == 2


def test_done_the_same_way_it_goes_straight_back_to_who_returned_it():
    played = at_sign()
    back(played, "sign", "ask", straight=True)
    assert played.at("ask").again == Again("zhao", (("sign", "mei"),))
    played.answer("ask", by="zhao", values={"amount": 4})
    assert (opened(played).step, opened(played).again) == ("sign", "mei")
    assert offered(played, "sign") == ["ask", "check"]
    played.answer("sign", by="mei", values={"ok": True})
    assert played.state.status == "completed"


def test_done_in_another_way_it_walks_as_decided():
    steps = (*THREE[:2], person("sign", "more", "end", assignee="mei", form={"ok": "boolean"}))
    played = started(define(*steps, person("more", "end", assignee="li"), end()))
    played.answer("ask", by="zhao", values={"amount": 5})
    played.answer("check", by="li", values={"fine": "yes"})
    played.answer("sign", by="mei", values={"ok": True})
    back(played, "more", "sign", by="li", straight=True)
    played.answer("sign", by="mei", values={"ok": False})
    assert played.state.status == "completed"


def test_conditions_that_lead_elsewhere_than_before_are_another_way():
    steps = (
        person("ask", {"step": "big", "when": "amount > 9"}, "end", form={"amount": "number"}),
        person("big", "end", assignee="li"),
        end(),
    )
    for amount, path in ((10, ["big"]), (11, ["big"]), (1, ["end"])):
        played = started(define(*steps))
        played.answer("ask", by="zhao", values={"amount": 10})
        back(played, "big", "ask", by="li", straight=True)
        before = len(played.path)
        played.answer("ask", by="zhao", values={"amount": amount})
        assert played.path[before:][:1] == path
        assert (played.state.status == "completed") is (amount == 1)


def test_returns_one_inside_the_other_come_straight_back_one_by_one():
    played = at_sign()
    back(played, "sign", "check", straight=True)
    back(played, "check", "ask", by="li", straight=True)
    assert played.at("ask").again == Again("zhao", (("check", "li"), ("sign", "mei")))
    played.answer("ask", by="zhao", values={"amount": 4})
    played.answer("check", by="li", values={"fine": "yes"})
    assert opened(played).again == "mei"
    assert played.state.round == 3


def test_within_a_branch_the_other_one_goes_on():
    played = started(define(*BRANCHES))
    played.answer("ask", by="zhao").answer("left", by="li")
    assert offered(played, "left2") == ["left", "ask"]
    left = place_of(played.definition, played.state, played.at("left2"), "left")
    assert cancelled(played.state, played.at("left2"), left) == ()
    back(played, "left2", "left")
    assert [token.step for token in played.state.tokens] == ["left", "right"]
    played.answer("right", by="chen").answer("left", by="li").answer("left2", by="mei")
    assert played.at("last")


def test_before_the_split_the_other_branches_end_and_it_does_not_come_straight_back():
    played = started(define(*BRANCHES))
    played.answer("ask", by="zhao").answer("right", by="chen")
    ask = place_of(played.definition, played.state, played.at("left"), "ask")
    others = cancelled(played.state, played.at("left"), ask)
    assert [token.step for token in others] == ["join"]
    moved = back(played, "left", "ask", straight=True)
    assert moved.ignored == "other branches end by this return: it cannot come straight back"
    back(played, "left", "ask")
    assert [token.step for token in played.state.tokens] == ["ask"]
    played.answer("ask", by="zhao").answer("left", by="li").answer("right", by="chen")
    played.answer("left2", by="mei")
    assert offered(played, "last") == ["ask"]
    assert back(played, "last", "left").ignored == "the step was not done on the way here"


def test_it_goes_neither_out_of_a_sub_process_nor_into_one():
    part = [person("one", "two", assignee="li"), person("two", assignee="mei")]
    steps = (person("ask", "part"), inside("part", part, "last"), person("last", "end"), end())
    played = started(define(*steps, **START_FORM))
    played.answer("ask", by="zhao").answer("one", by="li")
    assert offered(played, "two") == ["one"]
    back(played, "two", "one")
    played.answer("one", by="li").answer("two", by="mei")
    assert offered(played, "last") == ["ask", START]


def test_the_initiator_gets_the_first_step_that_they_did_or_else_the_start_form():
    played = started(define(*THREE, **START_FORM), {"amount": 1})
    assert offered(played, "ask") == [START]
    played.answer("ask", by="li", values={"amount": 5})
    assert of_initiator(played.definition, played.state, played.at("check")).step == START
    moved = back(played, "check", START)
    assert (opened(moved).step, opened(moved).again) == (START, "zhao")
    assert [field["name"] for field in opened(moved).form] == ["amount"]
    assert played.definition.steps[0].id == "ask"
    played.answer(START, by="zhao", values={"amount": 7}).answer("ask", by="zhao", values={})
    assert of_initiator(played.definition, played.state, played.at("check")).step == "ask"
    nothing = started(define(*BRANCHES[-2:]))
    assert of_initiator(nothing.definition, nothing.state, nothing.at("last")) is None


def test_it_is_returned_only_so_often():
    played = at_sign(settings={"max_rounds": 2})
    back(played, "sign", "check")
    assert back(played, "check", "ask").ignored == "it was returned too often"


def test_a_withdrawn_instance_ends_or_goes_back_to_the_start_form():
    played = at_sign(**START_FORM)
    moved = played.give(Withdrawn(at=LATER, by="zhao", step=START, reason="Wait."))
    assert (opened(moved).step, played.state.round) == (START, 2)
    assert played.give(Withdrawn(at=LATER, by="zhao", step=START)).ignored
    moved = played.give(Withdrawn(at=LATER, by="zhao", reason="Never mind."))
    assert moved.effects[-1] == Ended(step="", status="terminated", result="withdrawn")
    assert played.state.result == "withdrawn"


def test_beyond_a_point_of_no_return_nothing_is_withdrawn():
    part = [service("pay", point_of_no_return=True)]
    steps = (person("ask", "part"), inside("part", part, "last"), person("last", "end"), end())
    played = started(define(*steps))
    played.answer("ask", by="zhao").answer("pay", result=1)
    assert played.at("last")
    refused = played.give(Withdrawn(at=LATER, by="zhao"))
    assert refused.ignored == "a point of no return was passed"


def test_a_recalled_decision_leaves_the_variables_as_they_were():
    played = started(define(*BRANCHES), {"a": 1, "b": 2})
    played.answer("ask", by="zhao")
    moved = played.give(
        Recalled(at=LATER, by="zhao", step="ask", restore={"a": 0}, forget=("b", "c"))
    )
    assert [token.step for token in played.state.tokens] == ["ask"]
    assert (opened(moved).again, played.state.variables) == ("zhao", {"a": 0})
    assert played.state.round == 1
    again = played.give(Recalled(at=LATER, by="zhao", step="ask"))
    assert again.ignored == "there is nothing to take back"


def test_what_was_joined_with_others_is_not_recalled():
    played = started(define(*BRANCHES))
    played.answer("ask", by="zhao").answer("left", by="li").answer("left2", by="mei")
    played.answer("right", by="chen")
    gone = played.give(Recalled(at=LATER, by="chen", step="right"))
    assert gone.ignored == "it has gone on together with others"


def test_a_recalled_resubmission_comes_straight_back_once_more():
    played = at_sign()
    back(played, "sign", "ask", straight=True)
    played.answer("ask", by="zhao", values={"amount": 4})
    played.give(Recalled(at=LATER, by="zhao", step="ask", restore={"amount": 5}))
    played.answer("ask", by="zhao", values={"amount": 3})
    assert opened(played).again == "mei"
