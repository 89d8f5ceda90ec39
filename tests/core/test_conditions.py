"""Conditions over few variables: gaps, overlaps and ways that are never taken."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import conditions
from app.core.expression import condition, truth
from app.core.soundness import Problem
from tests.support.definitions import choose, definition, job, several, step, user

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
Texts = dict[str, str]


def found(*steps: dict[str, Any], **document: Any) -> list[Problem]:
    made = definition(*steps, **document)
    return list(conditions.problems(made, conditions.covers(made)))


def at_gateway(rules: Texts, default: str | None = None, **document: Any) -> list[Problem]:
    targets = dict.fromkeys([*rules.values(), *([default] if default else [])])
    return found(choose("g", rules, default), *(job(name) for name in targets), **document)


def says(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.code, problem.params.get("case", "")) for problem in problems]


def number(kind: str = "number") -> dict[str, Any]:
    return {"variables": {"n": kind}}


# --- gaps -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "case"),
    [
        ({"n > 1000": "a", "n < 1000": "b"}, "n = 1000"),
        ({"n > 200": "a", "n <= 100": "b"}, "n = 200"),
        ({"n >= 200": "a", "n <= 100": "b"}, "n = 101"),
        ({"n >= 0.3": "a", "n <= 0.1": "b"}, "n = 0.2"),
        ({"n == 1": "a", "n in [2, 3]": "b"}, "n = 0"),
        ({"not (n < 5)": "a"}, "n = 4"),
        ({"1 < n": "a", "n < 1 or n > 7": "b"}, "n = 1"),
        ({"n > -5": "a", "n < -5": "b"}, "n = -5"),
        ({"order.total > 5": "a", "order.total < 5": "b"}, "order.total = 5"),
        ({"n > 12345678901234567890123456789012345678": "a"}, f"n = {'1234567890' * 3}12345678"),
    ],
)
def test_a_gap_between_numbers_is_shown_by_a_number_in_it(rules: Texts, case: str) -> None:
    assert ("conditions_gap", case) in says(at_gateway(rules))


@pytest.mark.parametrize(
    ("rules", "document"),
    [
        ({"n > 1000": "a", "n <= 1000": "b"}, {}),
        ({"n >= 10": "a", "n <= 9": "b"}, number("integer")),
        ({"n > 9.5": "a", "n < 9.5": "b"}, number("integer")),
        ({"ok": "a", "not ok": "b"}, {}),
        ({"ok == true": "a", "ok == false": "b"}, {"variables": {"ok": "boolean"}}),
        (
            {"s == 'x'": "a", "s in ['y', 'z']": "b"},
            {"variables": {"s": {"type": "string", "enum": ["x", "y", "z"]}}},
        ),
        ({"n > 5 and ok": "a", "n > 5 and not ok": "b", "n <= 5": "a"}, {}),
        ({"n == null": "a", "n != null and n > 1": "b", "n != null and n <= 1": "b"}, {}),
    ],
)
def test_conditions_that_leave_nothing_out_have_no_gap(
    rules: Texts, document: dict[str, Any]
) -> None:
    assert "conditions_gap" not in dict(says(at_gateway(rules, **document)))


def test_a_default_takes_what_is_left() -> None:
    assert at_gateway({"n > 1000": "a"}, "b") == []


def test_a_gap_of_an_enum_names_the_value_that_is_missing() -> None:
    enum = {"variables": {"s": {"type": "string", "enum": ["x", "y", "z"]}}}
    assert says(at_gateway({"s == 'x'": "a", "s == 'z'": "b"}, **enum)) == [
        ("conditions_gap", "s = 'y'")
    ]


def test_the_options_of_a_form_are_an_enum_unless_something_else_sets_the_variable() -> None:
    form = {"form": {"s": {"type": "select", "options": ["x", "y"]}}}
    steps = [user("u", "g", config=form), choose("g", {"s == 'x'": "a", "s == 'y'": "a"})]
    assert found(*steps, job("a")) == []
    assert says(found(*steps, step("a", "script", config={"set": {"s": "${'q'}"}}))) == [
        ("conditions_gap", "s = another text")
    ]


def test_a_condition_on_two_variables_shows_both() -> None:
    problems = at_gateway({"n > 5 and s == 'x'": "a", "n <= 5": "b"})
    assert says(problems) == [("conditions_gap", "n = 6, s = another text")]


@pytest.mark.parametrize(
    "rules",
    [
        {"len(s) > 1": "a"},
        {"n > m": "a"},
        {"n + 1 > 2": "a"},
        {"s < 'b'": "a"},
        {"n > 1": "a", "n == 'x'": "b"},
        {"'x' in names": "a"},
        {"o.n > 1": "a", "o == null": "b"},
        {"list[i] == 1": "a"},
    ],
)
def test_what_is_not_understood_is_not_judged(rules: Texts) -> None:
    assert at_gateway(rules) == []


def test_a_step_with_conditions_on_its_ways_is_judged_like_a_gateway() -> None:
    ways = [{"step": "a", "when": "n > 1"}, {"step": "b", "when": "n < 1"}]
    assert says(found(job("j", *ways), job("a"), job("b"))) == [("conditions_gap", "n = 1")]
    assert found(job("j", *ways, "a"), job("a"), job("b")) == []


# --- overlaps -------------------------------------------------------------------------


def test_conditions_that_overlap_by_mistake_are_a_warning() -> None:
    (problem,) = at_gateway({"n >= 1000": "a", "n <= 1000": "b"})
    assert (problem.code, problem.severity) == ("conditions_overlap", "warning")
    assert problem.text() == (
        "g: n = 1000 matches both n >= 1000 and n <= 1000; the first is taken."
    )


def test_a_wider_condition_after_a_narrower_one_is_how_tiers_are_written() -> None:
    assert at_gateway({"n > 1000": "a", "n > 100": "b"}, "c") == []


def test_conditions_that_lead_to_the_same_step_may_overlap() -> None:
    assert at_gateway({"n > 1000": "a", "n > 100": "a"}, "c") == []


def test_an_inclusive_gateway_is_meant_to_overlap() -> None:
    assert found(several("g", {"n > 1": "a", "n > 2": "b"}, "a"), job("a"), job("b")) == []


def test_a_condition_that_is_true_only_where_an_earlier_one_is_is_never_taken() -> None:
    (problem,) = at_gateway({"n > 1": "a", "n > 5": "b"}, "c")
    assert (problem.code, problem.params["condition"]) == ("condition_never_taken", "n > 5")


def test_a_condition_that_contradicts_itself_is_never_taken() -> None:
    (problem,) = found(several("g", {"n > 5 and n < 3": "a"}, "b"), job("a"), job("b"))
    assert problem.code == "condition_never_taken"


# --- decision tables ------------------------------------------------------------------


def table(rows: list[list[Any]], hit: str = "first", inputs: Any = None) -> list[Problem]:
    config = {
        "inputs": inputs or [f"${{i{column}}}" for column in range(len(rows[0]))],
        "rules": [{"when": row, "set": {"o": str(index)}} for index, row in enumerate(rows)],
        "hit": hit,
    }
    return found(step("t", "decision", config=config))


def test_a_value_that_no_rule_matches_is_a_gap() -> None:
    assert says(table([["< 1000"], ["> 1000"]])) == [("rules_gap", "i0 = 1000")]
    assert says(table([["1..5"], ["7..9"], ["< 1"], ["> 9"]])) == [("rules_gap", "i0 = 6")]
    assert table([["< 1000"], [">= 1000"]]) == []


def test_a_gap_over_two_inputs_is_a_cell_of_their_grid() -> None:
    rows = [["<= 10", ["a", "b"]], ["> 10", "a"], ["-", ["c", "-"]]]
    assert "rules_gap" not in dict(says(table(rows)))
    assert says(table([["<= 10", "-"], ["> 10", "a"]])) == [
        ("rules_gap", "i0 = 11, i1 = another text")
    ]


def test_dates_are_ranges_too() -> None:
    assert says(table([["< 2026-01-01"], ["> 2026-01-01"]])) == [("rules_gap", "i0 = 2026-01-01")]
    assert table([["< 2026-01-01"], [">= 2026-01-01"]]) == []


def test_only_one_rule_of_a_unique_table_may_match() -> None:
    (problem,) = table([["<= 10"], [">= 10"]], "unique")
    assert (problem.code, problem.severity) == ("rules_overlap", "warning")
    assert problem.text() == "t: i0 = 10 matches both rule 1 and rule 2."
    assert table([["<= 10"], [">= 10"]], "first") == []
    assert table([["<= 10"], [">= 10"]], "collect") == []


def test_a_rule_after_one_that_matches_everything_is_never_taken() -> None:
    assert [(p.code, p.params["rule"]) for p in table([["-"], ["> 5"]])] == [
        ("rule_never_taken", 2)
    ]


def test_a_table_with_too_many_cases_is_not_judged() -> None:
    rows = [[f"> {row}"] * 3 for row in range(20)]
    assert table(rows) == []


# --- exactness ------------------------------------------------------------------------

_BOUNDS = st.integers(-2, 4)
_ATOMS = st.one_of(
    st.builds("n {} {}".format, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _BOUNDS),
    st.builds("n in [{}, {}]".format, _BOUNDS, _BOUNDS),
)
_CONDITIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(_CONDITIONS, min_size=1, max_size=3, unique=True))
def test_what_is_said_of_conditions_holds_for_every_number(texts: list[str]) -> None:
    made = definition(choose("g", {text: f"s{i}" for i, text in enumerate(texts)}), *_ends(texts))
    cover = conditions.covers(made)["g"]
    compiled = [condition(text) for text in texts]
    firsts: set[int | None] = set()
    for quarters in range(-16, 25):
        scope = {"n": Decimal(quarters) / 4}
        true = [index for index, one in enumerate(compiled) if truth(one, scope, NOW)]
        firsts.add(true[0] if true else None)
        assert frozenset(true) in cover.together()
    assert (None in firsts) == (cover.gap() is not None)
    assert firsts - {None} <= cover.first()
    gap = cover.gap()
    if gap is not None:
        assert not any(truth(one, {"n": gap.values[0].value}, NOW) for one in compiled)


def _ends(texts: list[str]) -> list[dict[str, Any]]:
    return [step(f"s{index}", "end") for index in range(len(texts))]
