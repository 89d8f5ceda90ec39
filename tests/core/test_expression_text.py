"""How expressions are read: syntax errors, bounds, templates, configuration."""

from datetime import UTC, datetime
from decimal import Decimal
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.expression import (
    ExpressionError,
    condition,
    evaluate_config,
    parse,
    parse_template,
)

NOW = datetime(2025, 1, 31, 9, tzinfo=UTC)
SCOPE = {"a": 1, "t": "x", "n": None, "yes": True, "d": Decimal("1E+2"), "o": {"b": [1, None]}}


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "Expected an expression"),
        ("   ", 3, "Expected an expression"),
        ("1 +", 3, "Expected a value"),
        ("a b", 2, "Expected an operator"),
        ("a.1", 1, "Expected an operator"),
        ("a.", 2, "Expected a name"),
        ("a.(b)", 2, "Expected a name"),
        ("a.&&", 2, "Expected a name"),
        ("(1", 2, "close the ( at character 1"),
        ("[1, 2", 5, "close the [ at character 1"),
        ("len(1", 5, "close the ( at character 4"),
        ("a[1", 3, "close the [ at character 2"),
        (")", 0, "Expected a value"),
        ("1, 2", 1, "Expected an operator"),
        ("'abc", 0, "not closed"),
        ('a == "x', 5, "not closed"),
        ("a = 1", 2, "=="),
        ("a & b", 2, "&&"),
        ("a | b", 2, "||"),
        ("{}", 0, "Objects cannot"),
        ("${a}", 0, "dollar"),
        ("2 ^ 3", 2, "power"),
        ("a ＞ 1", 2, "write >"),
        ("“a”", 0, 'write "'),
        ("a；", 1, "cannot stand"),
        ("5x", 0, "begin with a digit"),
        ("1e400", 0, "out of range"),
        ("9" * 39, 0, "out of range"),
        ("1 < 2 < 3", 6, "Join two comparisons"),
        ("1 in [1] in [true]", 9, "Join two comparisons"),
        ("a == not b", 5, "parentheses"),
        ("a ? 1", 5, "Expected :"),
        ("a ? 1 , 2", 6, "Expected :"),
        ("[,]", 1, "Expected a value"),
        ("a++", 2, "Expected a value"),
    ],
)
def test_a_syntax_error_has_its_place(text, position, message):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.expression) == (position, text)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1000,
        "(" * 33 + "1" + ")" * 33,
        "[" * 33 + "]" * 33,
        "!" * 1500 + "true",
        "not " * 400 + "true",
        "len(" * 33 + "t" + ")" * 33,
        "a[" * 33 + "0" + "]" * 33,
        "yes?" * 40 + "1" + ":1" * 40,
        "1" * 2001,
        "'" + "x" * 5000,
        "a" * 10_000_000,
    ],
)
def test_bombs_are_refused_quickly(text):
    started = process_time()
    with pytest.raises(ExpressionError):
        parse(text)
    assert process_time() - started < 0.2


def deepest(levels):
    text = "(a)"
    for level in range(levels):
        text = f"({'not ' * (level % 2)}1 in [1 + 2 * -{text} == 3 ? 4 : 5]?1:2)"
    return text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(" * 32 + "a" + ")" * 32, 1),
        ("!" * 32 + "yes", True),
        ("-" * 1999 + "a", -1),
        ("1" + "+1" * 999, 1000),
        ("yes" + " && yes" * 280, True),
        ("a" + ".b" * 900, None),
        ("o" + "['c']" * 399, None),
        ("a==0?0:" * 200 + "7", 7),
        ("len([" + "1," * 900 + "1])", 901),
        (deepest(10), 1),
    ],
)
def test_what_is_long_but_not_deep_is_worked_out(text, value):
    if text.startswith("a.b"):
        with pytest.raises(ExpressionError, match="no member"):
            parse(text).evaluate(SCOPE, now=NOW)
    else:
        assert parse(text).evaluate(SCOPE, now=NOW) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("plain", "plain"),
        ("$", "$"),
        ("$5 {a}", "$5 {a}"),
        ("${a}", 1),
        ("${n}", None),
        ("${o.b}", [1, None]),
        (" ${a}", " 1"),
        ("${a}${a}", "11"),
        ("[${n}] ${yes} ${d} ${o} ${t}", '[] true 100 {"b":[1,null]} x'),
        ("$${a}", "${a}"),
        ("$${a} and ${a}", "${a} and 1"),
        ("${a}$${a}", "1${a}"),
        ("$$${a}", "$${a}"),
        ("${'}'}", "}"),
        ("${'\\'}' + \"'}\"}", "'}'}"),
        ("${ today() }!", "2025-01-31!"),
    ],
)
def test_template(text, value):
    template = parse_template(text)
    found = template.evaluate(SCOPE, now=NOW)
    assert found == value
    assert type(found) is type(value)
    assert template.is_literal == (not template.expressions)
    assert evaluate_config({"k": [text, 5]}, SCOPE, NOW) == {"k": [value, 5]}


def test_what_a_template_reads():
    template = parse_template("${a + b} $${c} ${t}")
    assert template.names == {"a", "b", "t"}
    assert not template.is_literal
    assert parse_template("$${a}").is_literal
    assert parse_template("x" * 10_000).is_literal


@pytest.mark.parametrize(
    ("text", "position"),
    [("x ${a", 2), ("x ${a b}", 6), ("${'a}", 0), ("${}", 2), ("$${a} ${1 +}", 11)],
)
def test_a_template_error_has_its_place_in_the_whole_text(text, position):
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert (caught.value.expression, caught.value.position) == (text, position)


def test_a_template_is_bounded_and_names_what_failed():
    with pytest.raises(ExpressionError, match="larger than"):
        parse_template("${t} ${t}").evaluate({"t": "x" * 200_000}, now=NOW)
    with pytest.raises(ExpressionError) as caught:
        parse_template("Total: ${a + t}").evaluate(SCOPE, now=NOW)
    assert caught.value.fragment == "a + t"
    with pytest.raises(ExpressionError) as caught:
        parse_template("x ${big}").evaluate({"big": ["x" * 200_000] * 2}, now=NOW)
    assert caught.value.fragment == "big"


@pytest.mark.parametrize("text", ["${a > 0}", " ${ a > 0 } ", "a > 0", " a > 0 "])
def test_a_condition_with_and_without_the_braces(text):
    assert condition(text).evaluate(SCOPE, now=NOW) is True


@pytest.mark.parametrize("text", ["${a} > 0", "${a} and ${yes}", "$${a}", "", "${"])
def test_a_condition_is_one_expression(text):
    with pytest.raises(ExpressionError):
        condition(text)


def test_configuration_is_evaluated_all_the_way_down():
    config = {"${a}": {"to": ["${t}", "no"], "n": None, "x": Decimal("1.5")}, "y": ("${a}",)}
    assert evaluate_config(config, SCOPE, NOW) == {
        "${a}": {"to": ["x", "no"], "n": None, "x": Decimal("1.5")},
        "y": [1],
    }


@given(st.text("${}'\"\\a +", max_size=20))
def test_any_text_is_a_template_or_an_expression_error(text):
    try:
        value = parse_template(text).evaluate(SCOPE, now=NOW)
    except ExpressionError as error:
        place = error.position
    else:
        place = 0
        assert "${" in text or value == text
    assert 0 <= place <= len(text)
