"""When several people have decided: arithmetic, for any number of them in any order."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import tally
from app.core.parse import load
from app.core.rules import MODES, Rules, rules_from_json
from app.core.simulate import play
from app.core.tally import Vote, needed, verdict
from app.core.values import json_text

RULES = st.builds(
    Rules,
    mode=st.sampled_from(MODES),
    ratio=st.fractions(Fraction(1, 50), 1, max_denominator=50),
    on_reject=st.sampled_from(["at_once", "after_all"]),
)
few = settings(max_examples=40)
VOTES = st.lists(st.booleans(), min_size=1, max_size=12)


def ends(rules: Rules, votes: list[bool]) -> tuple[bool, int]:
    """Return what votes cast one after the other come to, and how many of them it took."""
    for count in range(len(votes) + 1):
        found = verdict(rules, votes[:count], len(votes))
        if found is not None:
            return found, count
    raise AssertionError("all have voted, and it is still open")


@few
@given(RULES, VOTES)
def test_it_is_always_decided_in_the_end_and_never_before_anybody_voted(rules, votes):
    _, count = ends(rules, votes)
    assert 1 <= count <= len(votes)


@few
@given(RULES, st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_with_seats_that_managers_decide_it_ends_when_the_last_has_spoken(rules, said):
    votes, total = [], len(said)
    for approves, counted in said:
        votes.append(Vote("x", approves, "", counted=counted))
        total -= not counted
        found = tally.decide(rules, votes, total)
        if found is not None:
            break
    assert found is not None
    cast = [vote.approves for vote in votes if vote.counted]
    assert found.last.counted is bool(cast)
    assert found.approved is (verdict(rules, cast, total) if cast else votes[-1].approves)


@few
@given(RULES, VOTES)
def test_what_is_decided_stays_whatever_the_others_would_have_said(rules, votes):
    approved, count = ends(rules, votes)
    if rules.mode == "any" or (rules.on_reject == "at_once" and rules.mode == "ratio"):
        return  # nobody is asked any more
    for end in range(count, len(votes) + 1):
        assert verdict(rules, votes[:end], len(votes)) is approved


@few
@given(RULES.filter(lambda rules: rules.mode != "any"), VOTES.filter(lambda v: len(v) < 6))
def test_the_order_matters_only_where_the_first_word_ends_it(rules, votes):
    if rules.mode == "ratio" and rules.on_reject == "at_once":
        return
    assert len({ends(rules, list(each))[0] for each in permutations(votes)}) == 1


@few
@given(RULES.filter(lambda rules: rules.mode == "ratio"), VOTES)
def test_a_ratio_is_reached_by_as_many_as_are_needed_and_not_by_fewer(rules, votes):
    total = len(votes)
    wanted = needed(rules, total)
    assert 1 <= wanted <= total
    assert wanted >= rules.ratio * total - Fraction(1, 10**9)
    assert wanted - 1 < max(rules.ratio * total, 1)
    if rules.on_reject == "after_all":
        assert ends(rules, votes)[0] is (sum(votes) >= wanted)


@pytest.mark.parametrize(
    ("ratio", "total", "wanted"),
    [
        *(("0.5", 4, 2), ("0.5", 3, 2), ("0.51", 2, 2), ("0.01", 3, 1), ("1", 3, 3)),
        *(("0.6666666666666666666666666667", 3, 2), ("0.67", 3, 3), ("0.7", 10, 7)),
    ],
)
def test_how_many_have_to_approve(ratio, total, wanted):
    assert needed(Rules("ratio", Fraction(ratio)), total) == wanted


@pytest.mark.parametrize(
    ("mode", "on_reject", "votes", "found"),
    [
        ("any", "at_once", "", None),
        ("any", "at_once", "n", False),
        ("all", "at_once", "yyn", False),
        ("all", "after_all", "ynn", None),
        ("all", "after_all", "yyyn", False),
        ("all", "at_once", "yyyy", True),
        ("sequential", "after_all", "yn", False),
        ("ratio", "after_all", "n", None),
        ("ratio", "after_all", "nnn", False),
        ("ratio", "after_all", "yy", True),
        ("ratio", "at_once", "yn", False),
    ],
)
def test_four_people(mode, on_reject, votes, found):
    rules = Rules(mode, Fraction(1, 2), on_reject)
    assert verdict(rules, [each == "y" for each in votes], 4) is found


@few
@given(RULES, st.none() | st.just("ok"), st.none() | st.just(("a", "b")))
def test_rules_are_read_back_as_they_were_kept(rules, field, approving):
    kept = Rules(rules.mode, Fraction(1), rules.on_reject, field, approving)
    assert rules_from_json(kept.to_json()) == kept
    ratio = Rules("ratio", rules.ratio)
    assert rules_from_json(ratio.to_json()) == ratio


def test_the_decision_is_that_of_the_last_who_decided_so_with_the_values_of_the_last_voter():
    rules = Rules("ratio", Fraction(1, 2), "after_all", "ok")
    votes = [
        Vote("a", True, "1", "x", {"ok": True, "note": "a"}),
        Vote("b", False, "2", "y", {"ok": False, "note": "b"}),
    ]
    decided = tally.decide(rules, votes, 3)
    assert decided is None
    decided = tally.decide(rules, votes, 2)
    assert (decided.approved, decided.last.user) == (True, "a")
    assert tally.values_of(rules, votes, decided) == {"ok": True, "note": "b"}
    told = tally.counted(votes, 2, decided)
    assert (told["outcome"], told["approved"], told["rejected"]) == ("x", 1, 1)


def step(outcomes=None, form=None, targets=("a", "b"), **config):
    """Return a compiled step that two people decide."""
    given = {"assignees": ["x", "y"], "form": form or {}, **config}
    if outcomes:
        given["outcomes"] = outcomes
    steps = [{"id": "s", "type": "user_task", "config": given, "next": list(targets)}]
    steps += [{"id": each, "type": "end"} for each in targets]
    return load(json_text({"name": "n", "steps": steps})).by_id["s"]


def test_what_counts_as_approval():
    def rules(**given):
        found = tally.rules_of(step(**given))
        return found.field, found.approving

    assert rules(form={"ok": "boolean"}) == ("ok", None)
    assert rules(form={"ok": "boolean", "b": "boolean"}, decision_field="b") == ("b", None)
    assert rules(form={"note": "text"}) == (None, ("a",))
    assert rules(form={"note": "text"}, targets=("a",)) == (None, None)
    yes, odd, no = {"id": "a"}, {"id": "b"}, {"id": "c", "style": "danger", "next": "b"}
    assert rules(outcomes=[yes, odd], form={"urgent": "boolean"}) == (None, ("a",))
    assert rules(outcomes=[yes, odd, no]) == (None, ("a", "b"))


def test_a_dry_run_decides_once_and_expressions_read_what_it_came_to():
    document = {
        "name": "n",
        "steps": [
            {
                "id": "sign",
                "type": "user_task",
                "config": {"assignees": ["x", "y"], "form": {"ok": "boolean"}},
                "next": [{"step": "yes", "when": "sign.approved >= 1"}, "no"],
            },
            {"id": "yes", "type": "end"},
            {"id": "no", "type": "end"},
        ],
    }
    definition = load(json_text(document))
    for ok, end in ((True, "yes"), (False, "no")):
        run = play(definition, {"answers": [{"step": "sign", "by": "x", "values": {"ok": ok}}]})
        assert run.path[-1] == end
        assert run.state.completed["sign"].seen()["votes"][0]["user"] == "x"
