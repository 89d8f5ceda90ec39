"""Patterns: the same answers as a backtracking engine, in time linear in the text."""

import re
from time import process_time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.pattern import MAX_TEXT, PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        ("", [""], ["a"]),
        ("abc", ["abc"], ["ab", "abcd", "xabc", ""]),
        ("^abc$", ["abc"], ["abcd"]),
        ("a|", ["", "a"], ["b"]),
        ("(^a|b)c?", ["a", "bc"], ["c"]),
        ("x(^a)", [], ["xa", "a"]),
        ("($|a)*", ["", "aaa"], ["b"]),
        (".", ["a", "中", "😀"], ["", "\n", "ab"]),
        ("\\d{4}-\\d\\d", ["2025-01"], ["2025-1", "２０２５-01"]),
        ("\\w+\\W\\s\\S\\D", ["ab_1- ab"], ["é- ab"]),
        ("[a-c\\d_]+", ["a1_"], ["d"]),
        ("[^a-c\\s]", ["d", "\\"], ["a", " "]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[\\]\\-^]+", ["]-^"], ["a"]),
        ("[\\u4e00-\\u9fa5]{2,4}", ["中文"], ["中", "ab"]),
        ("\\u{1F600}\\x41\\t", ["😀A\t"], []),
        ("\\.\\\\\\{", [".\\{"], []),
        ("(?:ab){2}", ["abab"], ["ab"]),
        ("a{0}", [""], ["a"]),
        ("a{2,}", ["aa", "aaaa"], ["a"]),
        ("(a*)*b", ["b", "aab"], ["a"]),
        ("a+?b*?", ["a", "aab"], ["b"]),
    ],
)
def test_matches_the_whole_text(pattern, fits, others):
    compiled = compile_pattern(pattern)
    assert [text for text in fits if not compiled.matches(text)] == []
    assert [text for text in others if compiled.matches(text)] == []


@pytest.mark.parametrize(
    ("pattern", "message", "position"),
    [
        ("a(?=b)", "ahead", 1),
        ("(?!b)", "ahead", 0),
        ("(?<=b)", "behind", 0),
        ("(?<!b)", "behind", 0),
        ("(?<n>b)", "Named", 0),
        ("(?P<n>b)", "Named", 0),
        ("(?>b)", "Atomic", 0),
        ("(?i)b", "Options", 0),
        ("(a)\\1", "Referring back", 3),
        ("\\k<n>", "Referring back", 0),
        ("\\bx", "Word boundaries", 0),
        ("\\p{Han}", "Classes", 0),
        ("\\q", "means nothing", 0),
        ("\\u{110000}", "means nothing", 0),
        ("a\\", "Nothing after", 1),
        ("*a", "Nothing to repeat", 0),
        ("a|+", "Nothing to repeat", 2),
        ("a**", "Repeated twice", 2),
        ("a++", "Possessive", 1),
        ("a{1", "Expected {3}", 1),
        ("a{x}", "Expected {3}", 1),
        ("a{3,2}", "wrong way round", 1),
        ("a{1001}", "At most 1000", 1),
        ("a}", "closes nothing", 1),
        ("a]", "closes nothing", 1),
        ("a)", "closes nothing", 1),
        ("(a", "not closed", 0),
        ("[a", "not closed", 0),
        ("[]a]", "Empty", 0),
        ("[z-a]", "wrong way round", 3),
        ("[\\d-z]", "begin a range", 3),
        ("[a-\\d]", "end a range", 3),
        ("(" * 40, "nested", 32),
        ("a" * 1001, "1000 are allowed", 1000),
        ("a{600}", "states", 0),
        ("((a{20}){20}){20}", "states", 0),
        ("((){1000}){1000}", "states", 0),
    ],
)
def test_what_is_refused_is_named(pattern, message, position):
    with pytest.raises(PatternError, match=re.escape(message)) as caught:
        compile_pattern(pattern)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*a){30}b", "(a?){400}b", "(.*)*(.*)*b"]
)
def test_no_pattern_takes_more_than_linear_time(pattern):
    compiled = compile_pattern(pattern)
    started = process_time()
    assert not compiled.matches("a" * MAX_TEXT)
    assert process_time() - started < 1


def test_a_text_beyond_the_limit_never_matches():
    assert compile_pattern("a*").matches("a" * MAX_TEXT)
    assert not compile_pattern("a*").matches("a" * (MAX_TEXT + 1))


def test_many_different_characters_do_not_fill_the_memory():
    compiled = compile_pattern("[^x]*")
    assert all(compiled.matches(chr(0x4E00 + i) * 2) for i in range(5_000))
    assert len(compiled._masks) <= 2_002


_parts = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\d", "^", "$", "(a|b)", "(ab|)", "()"])
_patterns = st.recursive(
    st.tuples(_parts, st.sampled_from(["", "*", "+", "?", "{2}", "{0,2}", "{1,}"])).map("".join),
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map("|".join)
        | inner.map("({}){{0,3}}".format)
    ),
    max_leaves=5,
)


@given(_patterns, st.lists(st.text("ab1", max_size=7), max_size=8))
@settings(max_examples=200)
def test_same_answers_as_a_backtracking_engine(pattern, texts):
    compiled = compile_pattern(pattern)
    try:
        other = re.compile(pattern.replace("$", "\\Z"), re.ASCII)
    except re.error:
        assume(False)
    for text in texts:
        assert compiled.matches(text) == bool(other.fullmatch(text)), (pattern, text)


@given(st.text("ab(){}[]|*+?^$\\.,-12dwu?:<=", max_size=14))
def test_any_text_is_a_pattern_or_a_pattern_error(text):
    try:
        found = compile_pattern(text).matches("ab1")
    except PatternError as error:
        place = error.position
    else:
        place = 0
        assert isinstance(found, bool)
    assert 0 <= place <= len(text)
