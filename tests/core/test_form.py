"""Forms: what a browser posts and what an API client sends, judged by one validator."""

from decimal import Decimal

import pytest

from app.core.form import Seen, expand, limit_of, options_of, validate
from app.core.values import json_text

GERMAN = (".", ",")


def one(kind, **more):
    return expand({"f": {"type": kind, **more}})


def page(kind, given, *, marks=None, **more):
    """Return (value, code of the error) of what a browser posts."""
    values, errors = validate(one(kind, **more), {"f": given}, text=True, locale_marks=marks)
    return values.get("f"), errors[0].code if errors else None


def rest(kind, given, **more):
    """Return (value, code of the error) of a JSON value."""
    values, errors = validate(one(kind, **more), {"f": given}, text=False)
    return values.get("f"), errors[0].code if errors else None


def test_the_three_ways_to_write_a_form_are_the_same():
    fields = [
        {"name": "a", "type": "number", "required": False, "label": "a"},
        {"name": "b", "type": "text", "required": True, "label": "B"},
    ]
    short = {"a": "number", "b": {"type": "text", "required": True, "label": "B"}}
    listed = [{"name": "a", "type": "number"}, {"name": "b", **short["b"]}]
    assert list(expand(short)) == fields
    assert list(expand(listed)) == fields
    assert expand(None) == expand({}) == expand([]) == ()
    assert expand({"x-note": 5, "a": {}})[0]["type"] == "string"


def test_options_are_written_bare_or_with_a_label():
    given = ["A", 5, True, {"value": Decimal("1.0")}, {"value": "b", "label": {"en": "B"}}]
    assert options_of(given) == [
        {"value": "A", "label": "A"},
        {"value": 5, "label": "5"},
        {"value": True, "label": "true"},
        {"value": Decimal("1.0"), "label": "1.0"},
        {"value": "b", "label": {"en": "B"}},
    ]


# Each case: type, what a page posts, what a client sends, the value of both.
ACCEPTED = [
    ("boolean", "true", True, True),
    ("boolean", "false", False, False),
    ("string", "a b", "a b", "a b"),
    ("text", "a\r\nb", "a\nb", "a\nb"),
    ("number", "1250.50", Decimal("1250.50"), Decimal("1250.50")),
    ("number", " 1,250.5 ", Decimal("1250.5"), Decimal("1250.5")),
    ("number", "-3", -3, -3),
    ("number", "007", 7, 7),
    ("integer", "5", 5, 5),
    ("integer", "5.0", Decimal("5.0"), 5),
    ("integer", "1e3", Decimal("1e3"), 1000),
    ("date", "2026-02-28", "2026-02-28", "2026-02-28"),
    ("datetime", "2026-02-28T09:30", "2026-02-28T09:30Z", "2026-02-28T09:30:00+00:00"),
    ("datetime", "2026-02-28T09:30+02:00", "2026-02-28T07:30Z", "2026-02-28T07:30:00+00:00"),
]


@pytest.mark.parametrize(("kind", "posted", "sent", "value"), ACCEPTED)
def test_page_and_rest_come_to_the_same_value(kind, posted, sent, value):
    assert page(kind, posted) == rest(kind, sent) == (value, None)
    assert type(page(kind, posted)[0]) is type(value)


@pytest.mark.parametrize(
    ("kind", "posted", "code"),
    [
        ("boolean", "on", "wrong_type"),
        ("boolean", "1", "wrong_type"),
        ("string", "a\nb", "one_line"),
        ("string", "a\0b", "bad_text"),
        ("string", "\ud800", "bad_text"),
        ("string", "x" * 1001, "too_long"),
        ("text", "x" * 100_001, "too_long"),
        ("number", "1.2.3", "wrong_type"),
        ("number", "abc", "wrong_type"),
        ("number", "0x10", "wrong_type"),
        ("number", "1e999999", "wrong_type"),
        ("number", "9" * 10_000, "wrong_type"),
        ("number", "NaN", "wrong_type"),
        ("number", "Infinity", "wrong_type"),
        ("number", "٣", "wrong_type"),
        ("integer", "1.5", "wrong_type"),
        ("integer", "1e50", "wrong_type"),
        ("date", "2026-02-30", "wrong_type"),
        ("date", "28.02.2026", "wrong_type"),
        ("datetime", "2026-02-28", "wrong_type"),
        ("datetime", "2026-02-28T25:00", "wrong_type"),
    ],
)
def test_a_page_is_refused(kind, posted, code):
    assert page(kind, posted) == (None, code)


@pytest.mark.parametrize(
    ("kind", "sent", "code"),
    [
        ("boolean", "true", "wrong_type"),
        ("boolean", 1, "wrong_type"),
        ("string", 5, "wrong_type"),
        ("string", ["a"], "wrong_type"),
        ("number", "5", "wrong_type"),
        ("number", True, "wrong_type"),
        ("number", 10**40 + 1, "number_out_of_range"),
        ("number", [], "wrong_type"),
        ("integer", Decimal("0.5"), "wrong_type"),
        ("integer", Decimal("1e99"), "wrong_type"),
        ("date", 20260228, "wrong_type"),
        ("datetime", {}, "wrong_type"),
    ],
)
def test_a_json_value_is_refused(kind, sent, code):
    assert rest(kind, sent) == (None, code)


@pytest.mark.parametrize("kind", ["boolean", "string", "number", "date", "select"])
@pytest.mark.parametrize("given", ["", "   ", None])
def test_what_is_left_empty(kind, given):
    fields = one(kind, options=["A"])
    posted = {"f": given} if given is not None else {}
    assert validate(fields, posted, text=True) == ({"f": None}, ())
    assert validate(fields, {"f": given}, text=False) == ({"f": None}, ())
    assert validate(fields, {}, text=False) == ({}, ())
    _, errors = validate(one(kind, options=["A"], required=True), posted, text=True)
    assert [(error.field, error.code) for error in errors] == [("f", "required")]


def test_ticking_nothing_is_empty_too():
    assert validate(one("string"), {"f": []}, text=True) == ({"f": None}, ())


def test_a_required_yes_or_no_says_so():
    _, [error] = validate(one("boolean", required=True), {}, text=False)
    assert error.text() == "Choose yes or no."


def test_a_reader_writes_numbers_in_their_own_way():
    assert page("number", "1.250,50", marks=GERMAN) == (Decimal("1250.50"), None)
    assert page("number", "1 250,5", marks=("\u202f", ",")) == (Decimal("1250.5"), None)
    assert page("integer", "1.000", marks=GERMAN) == (1000, None)
    assert page("number", "1,5", marks=("", ",")) == (Decimal("1.5"), None)
    assert page("number", " 1,234,567.50 ") == (Decimal("1234567.50"), None)
    assert page("number", "１，２３４．５") == (Decimal("1234.5"), None)
    assert page("number", ".5") == (Decimal("0.5"), None)


@pytest.mark.parametrize(
    "typed",
    ["1,5", "1.234,56", "12,00", "1 0", "1,2,3", "1234,567", "0,123", "1,234 567", "1,,000"],
)
def test_a_mark_where_none_belongs_is_not_left_out_of_a_number(typed):
    for kind, example in (("number", "1,234.56"), ("integer", "1,234")):
        values, [error] = validate(one(kind), {"f": typed}, text=True)
        assert (values, error.text()) == ({}, f"Write the number like {example}.")


@pytest.mark.parametrize(("text", "given"), [(True, ""), (False, None)])
def test_what_is_not_shown_stays_if_it_is_left_empty(text, given):
    fields = [
        {"name": "pay", "type": "number", "required": True},
        {"name": "why", "type": "string", "required": True, "show_if": "pay > 10"},
    ]
    seen = Seen(scope={"pay": 20}, kept=frozenset({"pay"}))
    values, errors = validate(fields, {"pay": given, "why": "x"}, text=text, seen=seen)
    assert (values, errors) == ({"why": "x"}, ())


@pytest.mark.parametrize(
    ("kind", "limits", "low", "inside", "high"),
    [
        ("number", {"min": 1, "max": Decimal("2.5")}, Decimal("0.99"), 1, Decimal("2.51")),
        ("integer", {"min": -1, "max": 1}, -2, -1, 2),
        (
            "date",
            {"min": "2026-02-01", "max": "2026-02-28"},
            "2026-01-31",
            "2026-02-28",
            "2026-03-01",
        ),
        (
            "datetime",
            {"min": "2026-02-01T00:00Z", "max": "2026-02-01T12:00Z"},
            "2026-01-31T23:59Z",
            "2026-02-01T12:00Z",
            "2026-02-01T12:01Z",
        ),
    ],
)
def test_least_and_greatest(kind, limits, low, inside, high):
    assert rest(kind, low, **limits)[1] == "too_small"
    assert rest(kind, inside, **limits)[1] is None
    assert rest(kind, high, **limits)[1] == "too_large"


def test_a_limit_of_another_kind_is_none():
    assert limit_of({"type": "date", "min": 5}, "min") is None
    assert limit_of({"type": "number", "min": True}, "min") is None
    assert limit_of({"type": "text", "min": 5}, "min") is None
    assert limit_of({"type": "integer", "max": 5}, "max") == 5


def test_lengths_and_patterns_of_texts():
    assert rest("string", "abc", max_length=2)[1] == "too_long"
    assert rest("string", "a", min_length=2)[1] == "too_short"
    assert rest("text", "x" * 1001)[1] is None
    assert rest("string", "A-1", pattern="[A-Z]-[0-9]") == ("A-1", None)
    _, [error] = validate(one("string", pattern="[a-z]+"), {"f": "A"}, text=False)
    assert (error.code, error.text()) == ("pattern", "This is not written as expected.")
    fields = one("string", pattern="[a-z]+", pattern_message="100% small letters.")
    _, [error] = validate(fields, {"f": "A"}, text=False)
    assert error.text() == "100% small letters."
    assert rest("string", "a", pattern="(")[1] == "pattern"


def test_a_choice_is_one_of_the_options_with_its_own_type():
    options = [5, "b", True, {"value": Decimal("1.50"), "label": "One and a half"}]
    for value in (5, "b", True, Decimal("1.50")):
        assert rest("select", value, options=options) == (value, None)
    assert page("select", "5", options=options) == (5, None)
    assert page("select", "true", options=options) == (True, None)
    assert page("select", "1.50", options=options) == (Decimal("1.50"), None)
    assert rest("select", "5", options=options) == (None, "not_an_option")
    _, [error] = validate(one("select", options=options), {"f": "z"}, text=False)
    assert error.text() == "Choose one of: 5, b, true, 1.50."


def test_options_out_of_an_expression_that_gave_no_list_offer_nothing():
    assert rest("select", "a", options=None) == (None, "not_an_option")


def test_true_is_not_the_option_1():
    assert rest("select", True, options=[1, 2]) == (None, "not_an_option")


def test_a_read_only_field_cannot_be_sent_and_is_passed_over_in_a_page():
    fields = one("string", read_only=True, required=True)
    _, [error] = validate(fields, {"f": "x"}, text=False)
    assert error.code == "read_only"
    assert validate(fields, {"f": "x"}, text=True) == ({}, ())
    assert validate(fields, {}, text=False) == ({}, ())


def test_a_note_has_no_value():
    _, [error] = validate(one("note"), {"f": "x"}, text=False)
    assert error.code == "unknown_field"
    assert validate(one("note"), {}, text=True) == ({}, ())


def test_all_errors_come_at_once_and_unknown_names_are_errors():
    fields = expand({"a": {"type": "number", "required": True}, "b": "boolean", "c": "date"})
    values, errors = validate(fields, {"b": "x", "c": "2026-01-01", "zzz": 1}, text=False)
    assert {error.field: error.code for error in errors} == {
        "zzz": "unknown_field",
        "a": "required",
        "b": "wrong_type",
    }
    assert json_text(values) == '{"c":"2026-01-01"}'


def test_a_value_too_large_to_keep_is_refused():
    assert rest("text", "中" * 90_000, max_length=200_000) == (None, "too_large")
