"""Outcomes that require fields or a comment, also where fields may be hidden."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core.form import Seen
from app.core.outcome import choices, decide, deciding_field
from tests.support.scenario import define, end, person

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def step(form, *requires):
    outcomes = [
        {"id": "yes", "next": "e", "style": "primary"},
        {"id": "no", "next": "e", "requires": list(requires), "confirm": "Really?"},
    ]
    return define(person("p", form=form, outcomes=outcomes), end("e")).by_id["p"]


def missing(one, values, comment=None, **scope):
    decided = decide(one, values, "no", comment=comment, seen=Seen(scope, NOW))
    return [error.field for error in decided.errors]


@pytest.mark.parametrize("comment", [None, "", "  "])
def test_an_outcome_may_require_the_comment(comment):
    rejecting = step({}, "comment")
    assert missing(rejecting, {}, comment) == ["comment"]
    assert missing(rejecting, {}, "Too dear.") == []
    assert decide(rejecting, {}, "yes").errors == ()


def test_a_field_of_that_name_comes_first():
    rejecting = step({"comment": "text"}, "comment")
    assert missing(rejecting, {"comment": None}, "Too dear.") == ["comment"]
    assert missing(rejecting, {"comment": "Too dear."}) == []


def test_what_is_hidden_is_not_required_by_an_outcome():
    form = {"kind": "string", "why": {"type": "text", "show_if": "kind == 'other'"}}
    assert missing(step(form, "why"), {"kind": "other"}) == ["why"]
    assert missing(step(form, "why"), {"kind": "usual"}) == []
    assert missing(step(form, "why"), {}, kind="other") == ["why"]


def test_a_question_is_told_with_the_choice():
    assert [choice.get("confirm") for choice in choices(step({}))] == [None, "Really?"]


def test_a_yes_or_no_that_may_be_hidden_does_not_decide():
    form = {"a": "string", "ok": {"type": "boolean", "show_if": "a == 'x'"}}
    two = define(person("p", "x", "y", form=form), end("x"), end("y")).by_id["p"]
    assert deciding_field(two) is None
