"""Expressions: what they mean, operator by operator."""

from datetime import UTC, date, datetime
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.expression import ExpressionError, parse, truth

NOW = datetime(2025, 1, 31, 9, 30, tzinfo=UTC)
SCOPE = {
    "amount": Decimal("1000.01"),
    "count": 7,
    "name": "Ann",
    "empty": None,
    "yes": True,
    "user": {"email": "ann@example.org", "roles": ["a", "b"], "in": 1},
    "items": [{"price": 3}, {"price": Decimal("2.5")}],
    "votes": {"a b": 4},
    "day": date(2025, 1, 1),
    "moment": datetime(2025, 1, 1, tzinfo=UTC),
    "金额": 5,
}


def value_of(text, **more):
    return parse(text).evaluate({**SCOPE, **more}, now=NOW)


def refusal(text, **more):
    with pytest.raises(ExpressionError) as caught:
        value_of(text, **more)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.50", Decimal("1.50")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal("1e3")),
        ("-2", -2),
        ("-2.5", Decimal("-2.5")),
        ("'it\\'s'", "it's"),
        ('"a\\n\\\\\\u4e2d\\d"', "a\n\\中\\d"),
        ("[1, 'a', [true]]", [1, "a", [True]]),
        ("null", None),
        ("金额", 5),
        ("user.email", "ann@example.org"),
        ("user.in", 1),
        ("items[0].price", 3),
        ("items[count - 6].price", Decimal("2.5")),
        ("votes['a b']", 4),
        ("items[2].price", None),
        ("missing", None),
        ("missing.a['b'][0]", None),
        ("user.__class__", None),
        ("[1, 2][1]", 2),
        ("1 + 2 * 3 - 4", 3),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("2 * -count", -14),
        ("--count", 7),
        ("---count", -7),
        ("7 / 2", Decimal("3.5")),
        ("1 / 3", Decimal("0.3333333333333333333333333333")),
        ("7 % 3", 1),
        ("-7 % 3", 2),
        ("7.5 % 2", Decimal("1.5")),
        ("-7.5 % 2", Decimal("0.5")),
        ("1e-100 / 1e100 == 0", True),
        ("123456789012345678901234567890123 / 1", Decimal(123456789012345678901234567890123)),
        ("1e50 / 10", Decimal("1e49")),
        ("0.1 + 0.2 == 0.3", True),
        ("'a' + 'b' + name", "abAnn"),
        ("1 == 1.0", True),
        ("1 == true", False),
        ("0 == false", False),
        ("1 == '1'", False),
        ("null == false", False),
        ("empty == null", True),
        ("[1, [2]] == [1.0, [2]]", True),
        ("[1] == [true]", False),
        ("[1] == [1, 2]", False),
        ("votes == user", False),
        ("votes != votes", False),
        ("day == null", False),
        ("amount > 1000", True),
        ("amount <= 1000", False),
        ("'a' < 'b'", True),
        ("day < today()", True),
        ("moment >= now()", False),
        ("'a' in user.roles", True),
        ("1.0 in [1, 2]", True),
        ("'nn' in name", True),
        ("'email' in user", True),
        ("1 + 1 in [2]", True),
        ("not yes", False),
        ("!yes || yes && yes", True),
        ("not not yes", True),
        ("not 1 == 2", True),
        ("yes or empty > 1", True),
        ("not yes and empty > 1", False),
        ("yes ? 'a' : 1 / 0", "a"),
        ("count < 5 ? 'low' : count < 10 ? 'middle' : 'high'", "middle"),
        ("yes ? not yes ? 1 : 2 : 3", 2),
    ],
)
def test_meaning(text, value):
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "fragment", "message"),
    [
        ("1 + empty > 2", "1 + empty", "default"),
        ("1 + 2 + name", "1 + 2 + name", "never one of each"),
        ("yes + 1", "yes + 1", "two numbers"),
        ("items + items", "items + items", "two numbers"),
        ("day + 1", "day + 1", "add_duration"),
        ("day - moment", "day - moment", "days_between"),
        ("-name", "-name", "needs a number"),
        ("count / 0", "count / 0", "zero"),
        ("count % 0.0", "count % 0.0", "zero"),
        ("yes and empty < 1", "empty < 1", "default"),
        ("name > 1", "name > 1", "number("),
        ("yes < false", "yes < false", "No order"),
        ("items < items", "items < items", "No order"),
        ("day == '2025-01-01'", "day == '2025-01-01'", "date("),
        ("'2025-01-01' < moment", "'2025-01-01' < moment", "datetime("),
        ("day < moment", "day < moment", "datetime("),
        ("day in ['2025-01-01']", "day in ['2025-01-01']", "date("),
        ("1 in 'abc'", "1 in 'abc'", "looks for a text"),
        ("1 in empty", "1 in empty", "on its right"),
        ("1 in user", "1 in user", "looks for a text"),
        ("(not name)", "name", "true or false"),
        ("yes and count", "count", "true or false"),
        ("empty or yes", "empty", "true or false"),
        ("1 ? 2 : 3", "1", "true or false"),
        ("name.length", "name.length", "no member"),
        ("items.price", "items.price", "[0]"),
        ("name[0]", "name[0]", "by number"),
        ("votes[1]", "votes[1]", "texts"),
        ("items[-1]", "items[-1]", "counted from 0"),
        ("items[0.5]", "items[0.5]", "whole number"),
        ("items[yes]", "items[yes]", "whole number"),
        ("1e100 * 10", "1e100 * 10", "out of range"),
        ("1e50 + 1", "1e50 + 1", "out of range"),
        ("-1e-100 % 1e100", "-1e-100 % 1e100", "out of range"),
        ("1e40 / 3", "1e40 / 3", "out of range"),
        ("1e50 * 1e50 * 1e50", "1e50 * 1e50 * 1e50", "out of range"),
        ("99999999999999999999999999999999999999 + 2", None, "out of range"),
        ("99999999999999999999999999999999999999 * 3", None, "out of range"),
    ],
)
def test_errors_not_guesses(text, fragment, message):
    error = refusal(text)
    assert error.fragment == (fragment or text)
    assert error.position == text.index(error.fragment)
    assert error.expression == text
    assert message in error.message


def test_an_error_names_the_values_but_its_message_does_not():
    error = refusal("amount * 2 > secret", secret="s3cret" * 100)
    assert error.values == (("amount * 2", Decimal("2000.02")), ("secret", "s3cret" * 33 + "s3…"))
    assert "s3cret" not in str(error)


def test_values_in_an_error_are_short_and_storable():
    error = refusal("big > other", big=["x" * 100] * 50, other=date(2025, 1, 2))
    assert error.values == (("big", "(list, 50)"), ("other", "2025-01-02"))


def test_values_outside_the_model_are_refused_not_used():
    for value in (1.5, (1, 2), object()):
        assert refusal("x", x=value).message
        assert refusal("x + 1", x=value).message
        assert refusal("[x]", x=value).message
    assert refusal("x > 1", x=Decimal("sNaN")).message
    assert refusal("x.append", x=[]).message


def test_truth_takes_only_booleans():
    assert truth(parse("amount > 1000"), SCOPE, NOW) is True
    with pytest.raises(ExpressionError, match="true or false") as caught:
        truth(parse("count"), SCOPE, NOW)
    assert caught.value.values == (("count", 7),)


def test_names_and_paths():
    expression = parse("user.email == votes['a b'].x and items[0].price > max(count, user.age)")
    assert expression.names == {"user", "votes", "items", "count"}
    assert expression.paths == {
        ("user", "email"),
        ("votes", "a b", "x"),
        ("items",),
        ("count",),
        ("user", "age"),
    }
    assert parse("items[idx.a]").paths == {("items",), ("idx", "a")}


def test_the_same_text_is_compiled_once():
    assert parse("amount > 1") is parse("amount > 1")
    assert parse("a") != parse("b")


def test_the_context_of_the_thread_does_not_matter():
    with localcontext() as context:
        context.prec = 3
        context.clear_flags()
        assert value_of("12345.678 * 2 + 0.001 - -1") == Decimal("24692.357")
        assert value_of("round(12345.6789, 2)") == Decimal("12345.68")
        assert value_of("-x", x=Decimal("12345.678")) == Decimal("-12345.678")
        assert value_of("abs(-12345.678)") == Decimal("12345.678")
        assert not any(getcontext().flags.values())


_numbers = st.integers(-(10**15), 10**15) | st.decimals(-(10**9), 10**9, places=6)


@given(_numbers, _numbers, _numbers)
def test_sums_and_products_are_exact(a, b, c):
    expected = Fraction(a) * Fraction(b) + Fraction(c) - Fraction(a)
    assert Fraction(value_of("a * b + c - a", a=a, b=b, c=c)) == expected


@given(_numbers, _numbers)
def test_a_quotient_is_right_to_28_digits(a, b):
    if b == 0:
        assert "zero" in refusal("a / b", a=a, b=b).message
        return
    exact = Fraction(a) / Fraction(b)
    assert abs(Fraction(value_of("a / b", a=a, b=b)) - exact) <= abs(exact) / 10**27


@given(_numbers, _numbers.filter(bool))
def test_remainder_and_floor_belong_together(a, b):
    rest = Fraction(value_of("a % b", a=a, b=b))
    assert abs(rest) < abs(Fraction(b))
    assert rest == 0 or (rest > 0) == (b > 0)
    assert ((Fraction(a) - rest) / Fraction(b)).denominator == 1


@given(_numbers, _numbers)
def test_exactly_one_order_holds(a, b):
    assert [value_of(f"a {op} b", a=a, b=b) for op in ("<", "==", ">")].count(True) == 1
    assert value_of("a <= b", a=a, b=b) is not value_of("a > b", a=a, b=b)
