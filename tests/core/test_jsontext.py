"""Reading JSON: exact values, and errors at the very token."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.jsonscan import Scanner
from app.core.jsontext import MAX_BYTES, MAX_DEPTH, JsonError, read
from app.core.values import check_json, json_text
from tests.support.pace import within


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            ' {"a": [1, 2.50, true, false, null, "x"]} ',
            {"a": [1, Decimal("2.50"), True, False, None, "x"]},
        ),
        ('\ufeff{"a":1}', {"a": 1}),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\u0000"', "\\u0000"),
        ('"\\\\ud800"', "\\ud800"),
        ("0.1", Decimal("0.1")),
        ("1e2", Decimal("1e2")),
        ("[]", []),
        ("{}", {}),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
    ],
)
def test_what_is_read(text, value):
    found = read(text).value
    if value is not None:
        assert json_text(found) == json_text(value)
    assert Scanner(text.removeprefix("\ufeff"), MAX_DEPTH).scan() == found


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "pointer"),
    [
        ("", "empty", 1, 1, ""),
        (" \n ", "empty", 1, 1, ""),
        ('{"a":1,}', "trailing_comma", 1, 7, "/a"),
        ('{\n "a": [1,\n 2,\n ]}', "trailing_comma", 3, 3, "/a/2"),
        ("{'a':1}", "single_quotes", 1, 2, ""),
        ("['a']", "single_quotes", 1, 2, "/0"),
        ("[‘a’]", "single_quotes", 1, 2, "/0"),
        ('{"a" 1}', "missing_colon", 1, 6, "/a"),
        ('{"a"：1}', "wide_character", 1, 5, "/a"),
        ('{"a":1，"b":2}', "wide_character", 1, 7, "/a"),
        ("[\u30001]", "wide_character", 1, 2, "/0"),
        ('{"a":1\n "b":2}', "missing_comma", 2, 2, "/a"),
        ("[1 2]", "missing_comma", 1, 4, "/1"),
        ('{"a": [1,\n2', "unclosed", 1, 7, "/a"),
        ('{"a":', "unclosed", 1, 1, ""),
        ("{", "unclosed", 1, 1, ""),
        ('{"a":1,', "unclosed", 1, 1, ""),
        ('{"a":[1,2}', "mismatched", 1, 10, "/a/2"),
        ('{"a":"x\n}', "unclosed_string", 1, 6, "/a"),
        ('["x', "unclosed_string", 1, 2, "/0"),
        ('["a\tb"]', "control_character", 1, 4, "/0"),
        ('["\\x"]', "bad_escape", 1, 3, "/0"),
        ('["a\\u12"]', "bad_escape", 1, 4, "/0"),
        ('{"a":{"b":1,\n "b":2}}', "duplicate_key", 2, 2, "/a/b"),
        ("[NaN]", "not_a_number", 1, 2, "/0"),
        ("-Infinity", "not_a_number", 1, 1, ""),
        ("1e999999999", "number_out_of_range", 1, 1, ""),
        ("[" + "9" * 5000 + "]", "number_out_of_range", 1, 2, "/0"),
        ('["\\u0000"]', "bad_text", 1, 2, "/0"),
        ('{"\\ud800":1}', "bad_text", 1, 2, ""),
        ('"\ud800"', "bad_text", 1, 1, ""),
        ("[1, // one\n2]", "comment", 1, 5, "/1"),
        ("{/* a */}", "comment", 1, 2, ""),
        ("[1 # one\n]", "comment", 1, 4, "/1"),
        ("{a:1}", "unquoted", 1, 2, ""),
        ("[yes]", "unquoted", 1, 2, "/0"),
        ("[True]", "unexpected", 1, 2, "/0"),
        ("[01]", "bad_number", 1, 2, "/0"),
        ("[+1]", "bad_number", 1, 2, "/0"),
        ("[1.]", "bad_number", 1, 2, "/0"),
        ("[.5]", "bad_number", 1, 2, "/0"),
        ("[0x10]", "bad_number", 1, 2, "/0"),
        ("[,1]", "unexpected", 1, 2, "/0"),
        ("{,}", "unexpected", 1, 2, ""),
        ("]", "unexpected", 1, 1, ""),
        ("1 2", "extra_data", 1, 3, ""),
        ('\ufeff{"a":x}', "unquoted", 1, 6, "/a"),
        ('["中文",\r\n"é" "x"]', "missing_comma", 2, 5, "/2"),
    ],
)
def test_an_error_stands_at_its_token(text, code, line, column, pointer):
    with pytest.raises(JsonError) as caught:
        read(text)
    error = caught.value
    assert (error.code, error.line, error.column, error.pointer) == (code, line, column, pointer)
    assert "%(" not in str(error)


def test_a_duplicate_names_both_places():
    with pytest.raises(JsonError, match=r"line 2, column 1: The name b .* line 1, column 10"):
        read('{"a": 1, "b": 2,\n"b": 3}')


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_deep_nesting_is_refused_at_once(opening):
    with within(0.05), pytest.raises(JsonError) as caught:
        read(opening * 10_000)
    assert caught.value.code == "too_deep"


@pytest.mark.parametrize("text", ["[" * 33 + "]" * 33, '{"a":' * 33 + "1" + "}" * 33])
def test_well_formed_but_too_deep(text):
    with pytest.raises(JsonError) as caught:
        read(text)
    assert caught.value.code == "too_deep"


def test_a_large_document_is_read_in_time():
    steps = [{"id": f"step_{i}", "name": "步骤", "next": [1, 2.5]} for i in range(13_000)]
    text = json.dumps(steps, ensure_ascii=False, indent=1)
    assert 0.9 * MAX_BYTES < len(text.encode()) < 1.2 * MAX_BYTES
    with within(3):
        assert len(read(text).value) == 13_000
        with pytest.raises(JsonError):
            read(text + "x")


def test_positions_of_values_and_names():
    document = read('{\n "a": [1, {"b/c": 2}],\n "é~": null}')
    assert document.position("") == (1, 1)
    assert document.position("/a") == (2, 7)
    assert document.position("/a", key=True) == (2, 2)
    assert document.position("/a/1/b~1c") == (2, 19)
    assert document.position("/a/1/b~1c", key=True) == (2, 12)
    assert document.position("/é~0") == (3, 8)
    for pointer, key in (("/x", False), ("/a/0", True), ("", True)):
        with pytest.raises(KeyError):
            document.position(pointer, key=key)


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | st.decimals(-1000, 1000, places=4)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_values)
@settings(max_examples=60)
def test_what_is_written_is_read_again(value):
    text = json_text(value)
    assert read(text).value == value
    assert Scanner(text, MAX_DEPTH).scan() == value


@given(st.text("[]{},:\"\\ \n019-+.eEtruefalsnu'/中\ud800\0", max_size=30))
@settings(max_examples=200)
def test_any_text_is_json_or_a_json_error_with_a_place(text):
    try:
        document = read(text)
    except JsonError as error:
        place = (error.line, error.column)
    else:
        place = document.position("")
        assert check_json(document.value) is None
        assert json.loads(text, parse_float=Decimal) == document.value
    assert 1 <= place[0] <= text.count("\n") + 1
    assert 1 <= place[1] <= len(text) + 1
