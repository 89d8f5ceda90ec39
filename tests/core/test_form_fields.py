"""Fields that are more than one text: amounts, several choices, people, files, tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.core.form import Seen, expand, fill, mentioned, sums, validate

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ITEMS = {
    "type": "rows",
    "columns": [
        {"name": "what", "type": "string", "required": True},
        {"name": "price", "type": "number", "sum": True},
        {"name": "who", "type": "user"},
    ],
}
PDF = {"id": 7, "name": "a.pdf", "size": 10, "type": "application/pdf", "sha256": "ab"}
KEPT = {"id": 7, "name": "a.pdf", "size": 10, "sha256": "ab"}


def judged(field, raw, *, text, seen=None):
    """Return the value of the field ``f`` and [(field, code)] of what is wrong."""
    found, errors = validate(expand({"f": field}), raw, text=text, seen=seen or Seen())
    return found.get("f"), [(error.field, error.code) for error in errors]


@pytest.mark.parametrize(
    ("field", "posted", "sent", "value"),
    [
        ({"currency": "EUR"}, {"f": "1,250.50"}, Decimal("1250.50"), "1250.50 EUR"),
        ({"currency": "EUR"}, {"f": "5"}, {"amount": 5}, "5 EUR"),
        ({}, {"f": "5", "f.currency": "cny"}, {"amount": 5, "currency": "CNY"}, "5 CNY"),
        (
            {"currency": ["EUR", "USD"]},
            {"f": "0", "f.currency": "USD"},
            {"amount": 0, "currency": "USD"},
            "0 USD",
        ),
    ],
)
def test_an_amount_by_page_and_rest(field, posted, sent, value):
    amount, currency = value.split()
    expected = {"amount": Decimal(amount), "currency": currency}
    money = {"type": "money", **field}
    assert judged(money, posted, text=True) == judged(money, {"f": sent}, text=False)
    assert judged(money, posted, text=True) == (expected, [])


@pytest.mark.parametrize(
    ("field", "sent", "code"),
    [
        ({}, 5, "no_currency"),
        ({}, {"amount": 5, "currency": "euro"}, "bad_currency"),
        ({"currency": "EUR"}, {"amount": 5, "currency": "USD"}, "not_an_option"),
        ({"currency": "EUR", "max": 4}, 5, "too_large"),
        ({"currency": "EUR", "step": Decimal("0.05")}, Decimal("1.02"), "off_step"),
        ({"currency": "EUR"}, {"amount": "5"}, "wrong_type"),
        ({"currency": "EUR"}, {"amount": 5, "cents": 1}, "wrong_type"),
        ({"currency": "EUR"}, True, "wrong_type"),
    ],
)
def test_what_is_no_amount_is_refused(field, sent, code):
    assert judged({"type": "money", **field}, {"f": sent}, text=False)[1] == [("f", code)]


def test_an_amount_without_a_number_is_empty():
    money = {"type": "money", "currency": "EUR"}
    posted = {"f": " ", "f.currency": "EUR"}
    assert judged(money, posted, text=True) == (None, [])
    assert judged({**money, "required": True}, posted, text=True)[1] == [("f", "required")]


@pytest.mark.parametrize(
    ("step", "low", "value", "fits"),
    [
        (5, None, 15, True),
        (5, None, 16, False),
        (5, 1, 16, True),
        (Decimal("0.1"), None, Decimal("0.3"), True),
        (Decimal("0.1"), None, Decimal("0.35"), False),
        (Decimal("1e-30"), None, Decimal("1e30"), False),
    ],
)
def test_a_number_goes_in_steps(step, low, value, fits):
    field = {"type": "number", "step": step, **({"min": low} if low else {})}
    assert (judged(field, {"f": value}, text=False)[1] == []) is fits


def test_several_options_come_in_their_order_and_once():
    field = {"type": "multiselect", "options": ["a", "b", {"value": 3, "label": "Three"}]}
    assert judged(field, {"f": ["3", "a"]}, text=True) == (["a", 3], [])
    assert judged(field, {"f": [3, "a", "a"]}, text=False) == (["a", 3], [])
    assert judged(field, {"f": "b"}, text=True) == (["b"], [])
    assert judged(field, {"f": ["a", "x"]}, text=False)[1] == [("f", "not_an_option")]
    assert judged(field, {"f": "b"}, text=False)[1] == [("f", "wrong_type")]


@pytest.mark.parametrize("kind", ["multiselect", "file", "rows"])
def test_nothing_is_an_empty_list_for_page_and_rest(kind):
    field = {"type": kind, "options": ["a"], "columns": {"x": "string"}}
    assert judged(field, {"f": ""}, text=True) == ([], [])
    assert judged(field, {"f": []}, text=False) == ([], [])
    assert judged(field, {"f": None}, text=False) == (None, [])
    assert judged({**field, "required": True}, {"f": []}, text=False)[1] == [("f", "required")]
    assert judged({**field, "required": True}, {"f": ""}, text=True)[1] == [("f", "required")]


def test_a_person_has_to_be_there():
    seen = Seen(users=frozenset({"mei"}))
    assert judged({"type": "user"}, {"f": " Mei "}, text=True, seen=seen) == ("mei", [])
    for nobody in ("meimei", "m\0", "x" * 500):
        wrong = judged({"type": "user"}, {"f": nobody}, text=False, seen=seen)[1]
        assert wrong == [("f", "unknown_user")]


def test_files_are_named_by_their_ids_and_kept_with_what_is_known():
    seen = Seen(files={7: PDF})
    for given, text in ((["7"], True), ("7", True), ([7], False), ([{"id": 7}, 7], False)):
        assert judged({"type": "file"}, {"f": given}, text=text, seen=seen) == ([KEPT], [])
    forged = [{**KEPT, "name": "other.pdf", "sha256": "00"}]
    assert judged({"type": "file"}, {"f": forged}, text=False, seen=seen) == ([KEPT], [])


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        ({}, [8], "unknown_file"),
        ({}, ["x"], "wrong_type"),
        ({}, [-7], "wrong_type"),
        ({}, [2**64], "wrong_type"),
        ({}, [True], "wrong_type"),
        ({"max_files": 1}, [7, 9], "too_many"),
        ({"max_size": 9}, [7], "too_large"),
        ({"accept": "image/*"}, [7], "bad_file_type"),
        ({"accept": ".png,.gif"}, [7], "bad_file_type"),
    ],
)
def test_a_file_that_may_not_stand_there_is_refused(field, given, code):
    seen = Seen(files={7: PDF, 9: {**PDF, "id": 9}})
    wrong = judged({"type": "file", **field}, {"f": given}, text=False, seen=seen)[1]
    assert wrong == [("f", code)]


def test_a_table_by_page_and_rest():
    posted = {
        "f": "",
        "f.10.what": "Desk",
        "f.10.price": "1,200.50",
        "f.2.what": "Chair",
        "f.2.price": "80",
        "f.2.who": "mei",
        "f.11.what": " ",
        "f.11.price": "",
    }
    rows = [
        {"what": "Chair", "price": 80, "who": "mei"},
        {"what": "Desk", "price": Decimal("1200.50"), "who": None},
    ]
    assert judged(ITEMS, posted, text=True) == (rows, [])
    assert judged(ITEMS, {"f": rows}, text=False) == (rows, [])
    assert sums(expand({"f": ITEMS}), posted, text=True) == {"f.price": Decimal("1280.50")}
    assert sums(expand({"f": ITEMS}), {"f": rows}, text=False) == {"f.price": Decimal("1280.50")}
    users = mentioned(expand({"f": ITEMS}), posted, text=True)[0]
    assert users == {"mei"}


def test_errors_of_a_table_name_the_cell():
    rows = [{"what": "a", "price": "x"}, {"price": 5, "weight": 1}]
    assert sorted(judged(ITEMS, {"f": rows}, text=False)[1]) == [
        ("f.0.price", "wrong_type"),
        ("f.1.weight", "unknown_field"),
        ("f.1.what", "required"),
    ]


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        ({}, {"what": "a"}, "wrong_type"),
        ({}, ["a"], "wrong_type"),
        ({"max": 1}, [{"what": "a"}, {"what": "b"}], "too_many"),
        ({"min": 2}, [{"what": "a"}], "too_few"),
        ({}, [{"what": "a"}] * 201, "too_many"),
    ],
)
def test_what_is_no_table_is_refused(field, given, code):
    assert judged({**ITEMS, **field}, {"f": given}, text=False)[1] == [("f", code)]


def test_limits_are_told_as_values_and_a_pattern_in_each_language():
    fits = {"en": "Two digits.", "zh": "两位数字。"}
    fields = [
        {"name": "day", "type": "datetime", "min": "2026-01-01T00:00:00Z"},
        {"name": "cost", "type": "number", "max": 5000},
        {"name": "code", "type": "string", "pattern": "[0-9]{2}", "pattern_message": fits},
    ]
    given = {"day": "2025-01-01T00:00:00Z", "cost": 9000, "code": "x"}
    _, (day, cost, code) = validate(fields, given, text=False)
    assert day.text() == "This must be 2026-01-01T00:00:00+00:00 or later."
    assert (cost.params, cost.text()) == ({"max": Decimal(5000)}, "This must be at most 5000.")
    assert (code.params, code.text()) == ({"message": fits}, "Two digits.")


def test_a_sum_counts_what_is_no_number_yet_as_nothing():
    posted = {"f.0.price": "1.5", "f.1.price": "abc", "f.2.price": "", "f.x.price": "9"}
    assert sums(expand({"f": ITEMS}), posted, text=True) == {"f.price": Decimal("1.5")}


LEAVE = expand(
    {
        "kind": {"type": "select", "options": ["holiday", "ill"], "required": True},
        "doctor": {"type": "boolean", "show_if": "kind == 'ill'", "required": True},
        "paper": {"type": "string", "show_if": "doctor", "required": True},
        "hint": {"type": "note", "show_if": "days > limit"},
    }
)


def hidden(raw, *, text=True, **scope):
    return fill(LEAVE, raw, text=text, seen=Seen({"limit": 5, **scope}, NOW)).hidden


def test_fields_show_by_those_above_and_by_variables():
    assert hidden({"kind": "holiday"}) == {"doctor", "paper", "hint"}
    assert hidden({"kind": "ill"}) == {"paper", "hint"}
    assert hidden({"kind": "ill", "doctor": "true"}) == {"hint"}
    assert hidden({"kind": "ill", "doctor": "true"}, days=6) == frozenset()
    assert hidden({}, text=False, kind="ill", doctor=True) == {"hint"}


def test_what_is_hidden_is_neither_required_nor_kept():
    posted = {"kind": "holiday", "doctor": "true", "paper": "x"}
    for text, given in ((True, posted), (False, {**posted, "doctor": True})):
        filled = fill(LEAVE, given, text=text, seen=Seen(now=NOW))
        assert filled.values == {"kind": "holiday"}
        assert filled.errors == ()


def test_what_shows_is_required():
    filled = fill(LEAVE, {"kind": "ill"}, text=True, seen=Seen(now=NOW))
    assert [error.field for error in filled.errors] == ["doctor"]


def test_a_value_that_is_wrong_decides_nothing():
    assert "doctor" in hidden({"kind": "no such kind"}, kind="ill")
