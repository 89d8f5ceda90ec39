"""The words of an expression, with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.core.expression_error import ExpressionError
from app.core.values import read_number

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<name>[^\W\d]\w*)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<operator>\|\||&&|==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])
  | (?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}
_SAME = {"&&": "and", "||": "or", "!": "not"}
_WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})
_WIDE = str.maketrans(
    "＞＜＝！（）［］，：？＋－＊／％．＆｜“”‘’。、", "><=!()[],:?+-*/%.&|\"\"''.,"
)
_INSTEAD = {
    "=": "Use == to compare",
    "&": "Use && or the word and",
    "|": "Use || or the word or",
    "{": "Objects cannot be written in an expression; use a variable",
    "}": "Remove the brace",
    "$": "Leave out the dollar sign: inside ${…} names stand alone",
    ";": "An expression is one value; remove the semicolon",
    "^": "There is no power operator; multiply instead",
    "~": "There is no such operator",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word.

    Args:
        kind: number, text, name, word (``and in true`` …), operator or end.
        value: the number, the text without quotes, the name, or the operator;
            ``&& || !`` are ``and or not``.
    """

    kind: str
    value: Any
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Split an expression into words, an ``end`` last.

    Raises:
        ExpressionError: some character starts no word.
    """
    tokens: list[Token] = []
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        token = _token(text, match)
        tokens.append(token)
        if token.kind == "end":
            return tokens
        at = token.end


def _token(text: str, match: re.Match[str]) -> Token:
    kind = match.lastgroup or "end"
    start, end = match.span(kind)
    word = match[kind]
    value: Any = word
    if kind == "number":
        if re.match(r"\w", text[end : end + 1]):
            raise _error(text, start, end + 1, "A name cannot begin with a digit")
        value = read_number("0" + word)
        if value is None:
            raise _error(text, start, end, "The number is out of range or has too many digits")
    elif kind == "text":
        value = _ESCAPE.sub(_unescaped, word[1:-1])
    elif kind == "operator" and word in _SAME:
        kind, value = "word", _SAME[word]
    elif kind == "name" and word in _WORDS:
        kind = "word"
    return Token(kind, value, start, end)


def _unescaped(match: re.Match[str]) -> str:
    """Undo ``\\n \\t \\r \\' \\" \\\\ \\uXXXX``; any other backslash stays.

    So a pattern can be written as usual: ``matches(code, '\\d+')``.
    """
    escape = match[1]
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _ESCAPES.get(escape, match[0])


def _unreadable(text: str, at: int) -> ExpressionError:
    rest = text[at:]
    start = at + len(rest) - len(rest.lstrip())
    char = text[start]
    plain = char.translate(_WIDE)
    if plain != char:
        return _error(
            text,
            start,
            start + 1,
            "%(wide)s is a full-width character; write %(plain)s",
            wide=char,
            plain=plain,
        )
    if char in "'\"":
        return _error(text, start, len(text), "The text is not closed; end it with %(q)s", q=char)
    if char in _INSTEAD:
        return _error(text, start, start + 1, _INSTEAD[char])
    return _error(text, start, start + 1, "%(char)s cannot stand in an expression", char=char)


def _error(text: str, start: int, end: int, template: str, **params: Any) -> ExpressionError:
    return ExpressionError(
        template, expression=text, fragment=text[start:end], position=start, params=params
    )
