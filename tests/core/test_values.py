"""The value model: what is carried, how it is shown, and which type it fits."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.values import (
    MAX_BYTES,
    TYPES,
    check_json,
    coerce_type_problem,
    iso_text,
    json_text,
    kind_of,
    number_in_range,
    number_text,
    plain_text,
    read_date,
    read_datetime,
    read_number,
    storable,
)


class Colour(IntEnum):
    RED = 1


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "number"),
        (Colour.RED, "number"),
        (Decimal("1.5"), "number"),
        ("a", "text"),
        ([], "list"),
        ({}, "object"),
        (date(2025, 1, 1), "date"),
        (datetime(2025, 1, 1, tzinfo=UTC), "datetime"),
        (1.5, "unsupported"),
        (object(), "unsupported"),
        ((1,), "unsupported"),
    ],
)
def test_kind_of(value, kind):
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        (float("nan"), "not_a_number", ""),
        ({"a": [1, float("inf")]}, "not_a_number", "/a/1"),
        (Decimal("NaN"), "not_a_number", ""),
        (Decimal("sNaN"), "not_a_number", ""),
        (Decimal("-Infinity"), "not_a_number", ""),
        (1.5, "unsupported", ""),
        ({"a/b": {"~": object()}}, "unsupported", "/a~1b/~0"),
        (date(2025, 1, 1), "unsupported", ""),
        ({1: 2}, "unsupported", ""),
        ({"a": {None: 2}}, "unsupported", "/a"),
        (nested(33), "too_deep", "/0" * 32),
        ({"x": "a\0b"}, "bad_text", "/x"),
        ({"a\0": 1}, "bad_text", ""),
        (["\ud800"], "bad_text", "/0"),
        ([{"\udfff": 1}], "bad_text", "/0"),
        (10**38 + 1, "number_out_of_range", ""),
        ([10**5000], "number_out_of_range", "/0"),
        (Decimal("1e999999999"), "number_out_of_range", ""),
        (Decimal("1e-101"), "number_out_of_range", ""),
        (Decimal("0e-999999"), "number_out_of_range", ""),
        (Decimal("1." + "1" * 38), "number_out_of_range", ""),
        ("x" * MAX_BYTES, "too_large", ""),
        (["x" * 1000] * 300, "too_large", "/261"),
        (["中" * 60_000, "中" * 60_000], "too_large", "/1"),
    ],
)
def test_what_cannot_be_carried_is_named_with_its_path(value, code, pointer):
    problem = check_json(value)
    assert problem is not None
    assert (problem.code, problem.pointer) == (code, pointer)
    assert "%" not in problem.text()


@pytest.mark.parametrize(
    "value",
    [
        None,
        nested(32),
        [10**100],
        10**38 - 1,
        Decimal("1e100"),
        Decimal("1e-100"),
        Decimal("1." + "0" * 90),
        "x" * (MAX_BYTES - 2),
        {"中": ["😀", True, False, None, 0, Decimal("-0.10")]},
    ],
)
def test_what_can_be_carried(value):
    assert check_json(value) is None


def test_size_counts_the_bytes_of_compact_json():
    value = {"a": [1, "é\n", True, False, None, {}, []], "b": Decimal("1.50")}
    size = len(json_text(value).encode())
    assert check_json(value, max_bytes=size) is None
    assert check_json(value, max_bytes=size - 1).code == "too_large"


def test_a_value_that_holds_itself_is_refused():
    value: list = []
    value.append(value)
    assert check_json(value).code == "too_deep"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-12", -12),
        ("007", 7),
        ("1.50", Decimal("1.50")),
        ("1e2", Decimal("1e2")),
        ("-0.0", Decimal("0.0")),
        ("1e100", Decimal("1e100")),
        ("1e101", None),
        ("1e999999999999999999999", None),
        ("1e-99999999999", None),
        ("9" * 38, 10**38 - 1),
        ("9" * 39, None),
        ("9" * 10_000, None),
        ("0" * 10_000, None),
        ("0." + "0" * 10_000 + "1", None),
        ("1.", None),
        (".5", None),
        ("+1", None),
        ("1_000", None),
        ("１", None),
        ("NaN", None),
        ("", None),
    ],
)
def test_reading_a_number(text, number):
    found = read_number(text)
    assert found == number
    assert type(found) is type(number)
    if isinstance(found, Decimal):
        assert found.as_tuple() == number.as_tuple()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10))
def test_a_number_in_range_is_the_same_after_writing_and_reading(number):
    if number_in_range(number):
        text = number_text(number)
        assert "E" not in text.upper()
        assert read_number(text) == number


def test_storable_turns_python_values_into_the_model():
    value = {"f": 0.1, "t": (1, date(2025, 1, 2)), "d": datetime(2025, 1, 2, 3, tzinfo=UTC)}
    expected = {"f": Decimal("0.1"), "t": [1, "2025-01-02"], "d": "2025-01-02T03:00:00Z"}
    assert storable(value) == expected
    assert check_json(storable(value)) is None


def test_storable_leaves_what_only_the_check_can_judge():
    assert check_json(storable([float("nan")])).pointer == "/0"
    assert check_json(storable(nested(100))).code == "too_deep"


def test_moments_are_written_in_utc():
    moment = datetime(2025, 1, 2, 8, tzinfo=timezone(timedelta(hours=8)))
    assert iso_text(moment) == "2025-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1.50"), "1.50"),
        ("é", "é"),
        (date(2025, 1, 2), "2025-01-02"),
        ([1, "a", None], '[1,"a",null]'),
        ({"b": 1, "a": "é"}, '{"a":"é","b":1}'),
        ([date(2025, 1, 2)], '["2025-01-02"]'),
    ],
)
def test_as_people_read_it(value, text):
    assert plain_text(value) == text


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(_json)
def test_json_text_is_json(value):
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("string", ["", "a"], [1, True, []]),
        ("text", ["a\nb"], [1]),
        ("number", [1, Decimal("1.5")], [True, "1", []]),
        ("integer", [1, Decimal("2"), Decimal("2.0")], [Decimal("1.5"), True, "1"]),
        ("boolean", [True, False], [0, 1, "true"]),
        ("date", ["2025-02-28", date(2025, 1, 1)], ["2025-02-29", "20250101", "1", 1]),
        ("datetime", ["2025-01-31T09:00:00Z", "2025-01-31 09:00"], ["2025-01-31", "x", 5]),
        ("money", [1, {"amount": 1, "currency": "CNY"}], ["1", {"amount": 1}, {"amount": "1"}]),
        ("user", ["ann"], [1, {"username": "ann"}]),
        ("file", [{"id": 1}, [{"id": 1}], []], ["a", [1]]),
        ("object", [{}], [[], "a"]),
        ("array", [[]], [{}, "a"]),
        ("any", [1, "a", [], {}], []),
    ],
)
def test_declared_types(type_, good, bad):
    assert all(coerce_type_problem(value, type_) is None for value in good)
    assert all(coerce_type_problem(value, type_).code == "wrong_type" for value in bad)
    assert coerce_type_problem(None, type_) is None


def test_every_type_of_the_language_is_known():
    listed = "string text number integer boolean date datetime money user file object array any"
    assert listed.split() == list(TYPES)
    with pytest.raises(KeyError):
        coerce_type_problem(1, "colour")


def test_reading_dates():
    assert read_date("2025-01-02") == date(2025, 1, 2)
    assert read_date("2025-W01-1") is None
    moment = datetime(2025, 1, 2, 1, tzinfo=UTC)
    assert read_datetime("2025-01-02T09:00:00+08:00") == moment
    assert read_datetime("2025-01-02T01:00") == moment
    assert read_datetime("2025-01-02T25:00Z") is None
    assert read_datetime("0001-01-01T00:00+08:00") is None
