"""Where a completed task leads: the two-target rule, outcomes, conditions."""

import pytest

from app.core.outcome import choices, decide, deciding_field
from tests.support.scenario import define, end, person

YES_NO = {"approved": "boolean", "comments": "text"}


def step(*next_, **config):
    """Return a user step with these targets."""
    targets = {way["step"] if isinstance(way, dict) else way for way in next_}
    targets |= {outcome["next"] for outcome in config.get("outcomes", ()) if "next" in outcome}
    definition = define(person("p", *next_, **config), *(end(one) for one in sorted(targets)))
    return definition.by_id["p"]


def errors(decided):
    return [(error.field, error.code, error.text()) for error in decided.errors]


@pytest.mark.parametrize(("answer", "target"), [(True, "first"), (False, "second")])
def test_two_targets_and_one_boolean_true_is_the_first(answer, target):
    two = step("first", "second", form=YES_NO)
    assert deciding_field(two) == "approved"
    assert choices(two) == ()
    decided = decide(two, {"approved": answer}, None)
    assert (decided.target, decided.outcome, decided.errors) == (target, None, ())


@pytest.mark.parametrize("answer", [None, 1, 0, "true", "missing"])
def test_a_decision_is_never_made_by_default(answer):
    values = {} if answer == "missing" else {"approved": answer}
    decided = decide(step("first", "second", form=YES_NO), values, None)
    assert errors(decided) == [("approved", "required", "Choose yes or no.")]


def test_an_outcome_beside_the_answer_that_decides_is_refused():
    decided = decide(step("first", "second", form=YES_NO), {"approved": True}, "second")
    [(field, code, text)] = errors(decided)
    assert (field, code) == ("outcome", "no_choice")
    assert "approved" in text


@pytest.mark.parametrize(
    "form",
    [
        {"comments": "text"},
        {"one": "boolean", "two": "boolean"},
        {"seen": {"type": "boolean", "read_only": True}},
        {},
    ],
    ids=["no boolean", "two booleans", "a read-only boolean", "no form"],
)
def test_otherwise_two_targets_are_outcomes(form):
    two = step("first", "second", form=form)
    assert deciding_field(two) is None
    assert [choice["id"] for choice in choices(two)] == ["first", "second"]
    assert decide(two, {}, "second").target == "second"
    assert decide(two, {}, "second").outcome == "second"


def test_a_read_only_boolean_beside_another_does_not_count():
    form = {"seen": {"type": "boolean", "read_only": True}, "approved": "boolean"}
    assert deciding_field(step("first", "second", form=form)) == "approved"


def test_three_targets_are_outcomes_even_with_a_boolean():
    three = step("a", "b", "c", form=YES_NO)
    assert decide(three, {"approved": True}, "c").target == "c"


def test_a_completion_without_outcome_lists_the_choices():
    assert errors(decide(step("a", "b"), {}, None)) == [
        ("outcome", "required", "Choose an outcome: a, b.")
    ]


@pytest.mark.parametrize("given", ["c", "", "A"])
def test_an_unknown_outcome_lists_the_choices(given):
    [(field, code, text)] = errors(decide(step("a", "b"), {}, given))
    assert (field, code) == ("outcome", "unknown_outcome")
    assert "Choose one of: a, b." in text


def test_labels_of_targets_are_labels_of_choices():
    two = step({"step": "a", "label": {"en": "Yes", "zh": "同意"}}, "b")
    assert [(one["label"], one["target"]) for one in choices(two)] == [
        ({"en": "Yes", "zh": "同意"}, "a"),
        ("b", "b"),
    ]


def test_declared_outcomes_come_before_the_boolean_rule():
    outcomes = [
        {"id": "ok", "label": "Fine", "style": "primary", "next": "b"},
        {"id": "no", "style": "danger", "requires": ["comments"], "next": "a"},
        {"id": "b"},
    ]
    many = step("a", "b", form=YES_NO, outcomes=outcomes)
    assert deciding_field(many) is None
    assert choices(many) == (
        {"id": "ok", "label": "Fine", "style": "primary", "requires": [], "target": "b"},
        {"id": "no", "label": "no", "style": "danger", "requires": ["comments"], "target": "a"},
        {"id": "b", "label": "b", "style": "plain", "requires": [], "target": "b"},
    )


@pytest.mark.parametrize("given", [None, "", []])
def test_an_outcome_may_ask_for_a_field(given):
    outcomes = [{"id": "no", "requires": ["comments", "approved"]}]
    asks = step("a", form=YES_NO, outcomes=outcomes)
    decided = decide(asks, {"comments": given, "approved": False}, "no")
    assert errors(decided) == [("comments", "required", "This outcome needs a value here.")]
    assert decide(asks, {"comments": "x", "approved": False}, "no").errors == ()


def test_an_outcome_without_next_takes_the_only_way():
    assert decide(step("a", outcomes=[{"id": "ok"}]), {}, "ok").target == "a"
    assert decide(step(outcomes=[{"id": "ok"}]), {}, "ok").target is None


def test_an_outcome_without_next_leaves_the_way_to_the_conditions():
    ways = [{"step": "a", "when": "${p.outcome == 'ok'}"}, "b"]
    conditional = step(*ways, outcomes=[{"id": "ok"}, {"id": "b"}])
    assert [one["target"] for one in choices(conditional)] == [None, None]
    assert decide(conditional, {}, "ok").target is None


def test_conditions_on_all_targets_ask_nobody():
    conditional = step({"step": "a", "when": "x"}, "b", form=YES_NO)
    assert (choices(conditional), deciding_field(conditional)) == ((), None)
    assert decide(conditional, {}, None).target is None


def test_one_way_needs_no_choice():
    only = step("a", form=YES_NO)
    assert decide(only, {}, None).target == "a"
    assert errors(decide(only, {}, "a")) == [
        ("outcome", "no_choice", "This task has no outcomes to choose from.")
    ]
    assert decide(step(), {}, None).target is None
