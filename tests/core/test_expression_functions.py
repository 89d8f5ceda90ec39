"""The functions of expressions, each with its values and its refusals."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.expression import ExpressionError, parse

NOW = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)
SCOPE = {
    "n": None,
    "o": {"b": 1, "a": [2, None, True]},
    "big": "x" * 200_000,
    "long": [1] * 20_000,
    "many": ["x" * 100] * 2_000,
}


def value_of(text, **more):
    return parse(text).evaluate({**SCOPE, **more}, now=NOW)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("len('中文')", 2),
        ("len([1, 2])", 2),
        ("len(o)", 2),
        ("sum([])", 0),
        ("sum([1, 2.5])", Decimal("3.5")),
        ("sum([o, o], 'b')", 2),
        ("sum([o], 'nothing')", 0),
        ("min([3, 1.5, 2])", Decimal("1.5")),
        ("max(3, 1, 2)", 3),
        ("max(['b', 'a'])", "b"),
        ("min(date('2025-01-02'), today())", date(2025, 1, 2)),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.345, 2)", Decimal("2.35")),
        ("round(2, 2)", Decimal("2.00")),
        ("round(1250, -2)", 1300),
        ("abs(-1.5)", Decimal("1.5")),
        ("abs(-2)", 2),
        ("floor(-1.5)", -2),
        ("ceil(1.2)", 2),
        ("ceil(-1.2)", -1),
        ("lower('AÉ')", "aé"),
        ("upper('straße')", "STRASSE"),
        ("trim('  a b ')", "a b"),
        ("contains('abc', 'b')", True),
        ("contains([1, 2], 2.0)", True),
        ("starts_with('abc', 'ab')", True),
        ("ends_with('abc', 'ab')", False),
        ("split('a,b,', ',')", ["a", "b", ""]),
        ("join(['a', 1, true, n, 1.50], '-')", "a-1-true--1.50"),
        ("join([], '-')", ""),
        ("keys(o)", ["a", "b"]),
        ("number(' 12.50 ')", Decimal("12.50")),
        ("number(3)", 3),
        ("string(1e3)", "1000"),
        ("string(n)", ""),
        ("string(o)", '{"a":[2,null,true],"b":1}'),
        ("string(now())", "2025-01-31T23:30:00Z"),
        ("date('2025-02-28')", date(2025, 2, 28)),
        ("date('2025-02-28T23:00:00-02:00')", date(2025, 3, 1)),
        ("date(now())", date(2025, 1, 31)),
        ("date(today())", date(2025, 1, 31)),
        ("datetime('2025-01-31T23:30:00Z') == now()", True),
        ("datetime('2025-01-31') == datetime(today())", True),
        ("datetime(now()) == now()", True),
        ("today()", date(2025, 1, 31)),
        ("days_between(date('2025-01-01'), today())", 30),
        ("days_between(today(), date('2025-01-01'))", -30),
        ("days_between(now(), datetime('2025-02-02T23:00Z'))", 1),
        ("add_duration(today(), 'P1M')", date(2025, 2, 28)),
        ("add_duration(today(), '1wd')", date(2025, 2, 3)),
        ("add_duration(now(), '1h') == datetime('2025-02-01T00:30Z')", True),
        ("default(n, 5)", 5),
        ("default(n, n, 0)", 0),
        ("default(n, n)", None),
        ("default(false, 1 / 0)", False),
        ("matches('AB-1234', '[A-Z]{2}-\\d+')", True),
        ("matches('xAB', 'AB')", False),
    ],
)
def test_value(text, value):
    found = value_of(text)
    assert found == value
    assert str(found) == str(value)
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("len(n)", "found null"),
        ("len(1)", "found a number"),
        ("sum([1, n])", "default"),
        ("sum(['a'])", "Expected a number"),
        ("sum(o)", "Expected a list"),
        ("sum([1], 'b')", "Expected an object"),
        ("sum([o], 'a')", "Expected a number"),
        ("min([])", "empty"),
        ("min([1, 'a'])", "No order"),
        ("max([true])", "No order"),
        ("max([n])", "No order"),
        ("round('1')", "Expected a number"),
        ("round(1, 0.5)", "whole number"),
        ("round(1, 29)", "whole number"),
        ("round(1, 'a')", "whole number"),
        ("abs(true)", "Expected a number"),
        ("lower(1)", "Expected a text"),
        ("contains(n, 'a')", "on its right"),
        ("starts_with('a', 1)", "Expected a text"),
        ("split('a', '')", "separator"),
        ("join('abc', '')", "Expected a list"),
        ("join(['a'], 1)", "Expected a text"),
        ("keys([1])", "Expected an object"),
        ("number('1,000')", "not a number"),
        ("number('')", "not a number"),
        ("number('1e999')", "not a number"),
        ("number(true)", "Expected a text"),
        ("number('١')", "not a number"),
        ("date('2025-02-29')", "not a date"),
        ("date('tomorrow')", "not a date"),
        ("date(20250101)", "Expected a text"),
        ("datetime('2025-01-31T25:00Z')", "not a date and time"),
        ("datetime(n)", "default"),
        ("days_between('2025-01-01', today())", "date("),
        ("days_between(now(), today())", "two dates"),
        ("days_between(n, today())", "found null"),
        ("add_duration('2025-01-01', '1d')", "date("),
        ("add_duration(today(), '1h')", "datetime("),
        ("add_duration(today(), '3M')", "P3M"),
        ("add_duration(now(), 5)", "Expected a text"),
        ("add_duration(date('9999-12-31'), '1d')", "9999"),
        ("matches('a', n)", "default"),
        ("matches('a', '(' + 'a')", "not closed"),
        ("matches(big, 'x*')", "longer than"),
        ("matches(1, 'x*')", "Expected a text"),
    ],
)
def test_refusal(text, message):
    with pytest.raises(ExpressionError) as caught:
        value_of(text)
    assert message in caught.value.message
    assert caught.value.fragment == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo(1)", "There is no function foo"),
        ("lenght(name)", "did you mean len"),
        ("defaults(n, 1)", "did you mean default"),
        ("len()", "needs 1 argument"),
        ("now(1)", "needs 0 argument"),
        ("round(1, 2, 3)", "needs 1 to 2"),
        ("max()", "at least 1"),
        ("default(n)", "at least 2"),
        ("1 + matches(name, '(?=a)')", "Looking ahead"),
        ("open('x')", "There is no function open"),
        ("a.b(1)", "operator"),
        ("(len)(1)", "operator"),
    ],
)
def test_calls_are_checked_when_parsed(text, message):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("big + big", "larger than"),
        ("join([big, big], '')", "larger than"),
        ("join(many, big)", "larger than"),
        ("upper(sharp)", "larger than"),
        ("string([big, big])", "Larger than"),
        ("[big, big]", "Larger than"),
        ("true ? [[big], [big]] : 1", "Larger than"),
        ("sum(long)", "steps"),
        ("max(long)", "steps"),
        ("0 in long", "steps"),
        ("long == long + 0", "two numbers"),
        ("[long] == [long]", "steps"),
        ("split(commas, ',')", "steps"),
        ("len(split(big, 'x')) > 0", "steps"),
        (" and ".join(["matches(word, 'a*b*')"] * 20), "steps"),
    ],
)
def test_no_evaluation_grows_without_bound(text, message):
    with pytest.raises(ExpressionError) as caught:
        value_of(text, commas="," * 20_000, sharp="ß" * 130_000 + "ΐ" * 700, word="a" * 9_000)
    assert message in caught.value.message


_words = [
    "n",
    "o",
    "big",
    "1",
    "2.5",
    "'a'",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".a",
    "+",
    "*",
    "/",
    "==",
    "<",
]
_words += [
    "and",
    "not ",
    " in ",
    "?",
    ":",
    "len(",
    "sum(",
    "string(",
    "matches(",
    "date(",
    "max(",
    "-",
]


@given(st.lists(st.sampled_from(_words), max_size=12).map(" ".join) | st.text(max_size=15))
def test_any_text_gives_a_value_or_an_expression_error(text):
    try:
        value = value_of(text)
    except ExpressionError as error:
        message, place = str(error), error.position
    else:
        message, place = repr(value), 0
    assert message
    assert 0 <= place <= len(text)
