"""Reads JSON token by token, without recursion, and says what is wrong with a token."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate
from typing import Any

from app.core.values import pointer_of, read_number
from app.errors import Phrase

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(
    r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![^\s,:\[\]{}\"'，：［］｛｝“”])"
)
_SCALAR = re.compile(r"[^\s,:\[\]{}\"'，：［］｛｝“”]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder()
_WORDS = {"true": True, "false": False, "null": None}
_INSTEAD = {
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
    "None": "null",
    "NULL": "null",
    "nil": "null",
    "undefined": "null",
}
_WIDE = str.maketrans("，：［］｛｝“”＂", ',:[]{}"""')
_CLOSING = {"{": "}", "[": "]"}


class JsonError(Exception):
    """A text that is not the JSON we take.

    Args:
        code: stable word (``unexpected``, ``unclosed``, ``trailing_comma``, …).
        message: what is wrong and what to do, in English with ``%(name)s`` parameters.
        line, column: of the token, from 1; columns count characters.
        pointer: RFC 6901 pointer of the value the token is in.
        params: what fills the message.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        line: int,
        column: int,
        pointer: str,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.pointer = pointer
        self.params = dict(params or {})

    def text(self) -> Phrase:
        """Return the message in English, filled in."""
        return Phrase(self.message, **self.params or {})

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.text()}"


class _Open:
    """A list or object that is being read."""

    __slots__ = ("at", "bracket", "key", "key_at", "keys", "pointer", "value")

    def __init__(self, bracket: str, at: int, pointer: str) -> None:
        self.bracket = bracket
        self.at = at
        self.pointer = pointer
        self.value: Any = {} if bracket == "{" else []
        self.key: str | int = 0
        self.key_at: int | None = None
        self.keys: dict[str, int] = {}

    def put(self, value: Any) -> None:
        if self.bracket == "{":
            self.value[self.key] = value
        else:
            self.value.append(value)
            self.key = len(self.value)


class Scanner:
    """Reads one text; ``scan`` gives its value."""

    def __init__(self, text: str, max_depth: int) -> None:
        self.text = text
        self.max_depth = max_depth
        self.at = 0
        self.open: list[_Open] = []

    @cached_property
    def _line_starts(self) -> list[int]:
        lines = self.text.split("\n")
        return list(accumulate((len(line) + 1 for line in lines[:-1]), initial=0))

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return where an offset is, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def scan(self) -> Any:
        """Read the text.

        Raises:
            JsonError: the first thing that is wrong.
        """
        self.space()
        if self.at == len(self.text):
            raise self.error("empty", "There is no JSON here; the text is empty", 0)
        while True:
            value = self.value()
            if isinstance(value, _Open):
                continue
            while self.open:
                top = self.open[-1]
                top.put(value)
                if self.more(top):
                    break
                value = self.open.pop().value
            else:
                self.end()
                return value

    def space(self) -> str:
        """Pass over white space; return the character that follows, or empty at the end."""
        char = self.text[self.at : self.at + 1]
        if char and char in " \t\n\r":
            match = _SPACE.match(self.text, self.at)
            self.at = match.end() if match else self.at
            char = self.text[self.at : self.at + 1]
        return char

    # Values ------------------------------------------------------------------------

    def value(self) -> Any:
        """Read a scalar or an empty container, or open a container and stay inside."""
        char = self.text[self.at : self.at + 1]
        if char == '"':
            return self.string()
        if char in ("{", "["):
            return self.opened(char)
        match = _NUMBER.match(self.text, self.at)
        if match:
            return self.number(match)
        word = _SCALAR.match(self.text, self.at)
        if word and word[0] in _WORDS:
            self.at = word.end()
            return _WORDS[word[0]]
        raise self.not_a_value(char, word[0] if word else "")

    def opened(self, char: str) -> Any:
        if len(self.open) >= self.max_depth:
            raise self.error(
                "too_deep", "Nested deeper than %(limit)s levels", self.at, limit=self.max_depth
            )
        pointer = ""
        if self.open:
            pointer = self.open[-1].pointer + pointer_of([self.open[-1].key])
        container = _Open(char, self.at, pointer)
        self.at += 1
        if self.space() == _CLOSING[char]:
            self.at += 1
            return container.value
        self.open.append(container)
        if char == "{":
            self.name(container)
        return container

    def number(self, match: re.Match[str]) -> Any:
        number = read_number(match[0])
        if number is None:
            raise self.error(
                "number_out_of_range",
                "The number is out of range: at most 38 significant digits, and 100 digits"
                " on either side of the point",
                self.at,
            )
        self.at = match.end()
        return number

    def string(self) -> str:
        start = self.at
        try:
            value, self.at = _DECODER.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            raise self.bad_string(start, error.pos) from None
        text = str(value)
        if "\0" in text:
            raise self.error("bad_text", "The text has a NUL character in it; remove it", start)
        if not text.isascii() and _SURROGATE.search(text):
            raise self.error(
                "bad_text",
                "The text has half of a character in it (a lone surrogate); remove it",
                start,
            )
        return text

    def bad_string(self, start: int, at: int) -> JsonError:
        char = self.text[at : at + 1]
        if at == start or char in ("\n", "\r", ""):
            return self.error(
                "unclosed_string", 'The text is not closed on its line; end it with "', start
            )
        if char < " ":
            return self.error(
                "control_character",
                "A text cannot hold a control character; write it as an escape such as \\t",
                at,
            )
        return self.error(
            "bad_escape",
            'Unknown escape; a backslash is written \\\\, others are \\" \\n \\t \\u4e00',
            max(start, self.text.rfind("\\", start, at + 1)),
        )

    # Between values ----------------------------------------------------------------

    def name(self, top: _Open) -> None:
        """Read a name and its colon."""
        char = self.space()
        at = self.at
        if char != '"':
            raise self.not_a_name(char, top)
        name = self.string()
        if name in top.keys:
            line, column = self.line_and_column(top.keys[name])
            raise self.error(
                "duplicate_key",
                "The name %(name)s is here twice, first at line %(line)s, column %(column)s;"
                " remove or rename one",
                at,
                name=name,
                line=line,
                column=column,
            )
        top.keys[name] = at
        top.key, top.key_at = name, at
        if self.space() != ":":
            self.refuse_common(self.text[self.at : self.at + 1])
            raise self.error("missing_colon", "Expected : after the name", self.at)
        self.at += 1
        self.space()

    def more(self, top: _Open) -> bool:
        """After a value: whether another follows in ``top``; else passes its end."""
        char = self.space()
        closing = _CLOSING[top.bracket]
        if char == closing:
            self.at += 1
            return False
        if char != ",":
            raise self.not_a_comma(char, top)
        comma = self.at
        self.at += 1
        if self.space() == closing:
            raise self.error(
                "trailing_comma", "Remove this comma: nothing follows before the end", comma
            )
        if top.bracket == "{":
            self.name(top)
        return True

    def end(self) -> None:
        char = self.space()
        if char:
            self.refuse_common(char)
            raise self.error("extra_data", "The JSON ended before this; remove the rest", self.at)

    # What is wrong -----------------------------------------------------------------

    def error(self, code: str, message: str, at: int, **params: Any) -> JsonError:
        line, column = self.line_and_column(at)
        pointer = ""
        if self.open:
            top = self.open[-1]
            inside = at > top.at and (top.bracket == "[" or top.key_at is not None)
            pointer = top.pointer + (pointer_of([top.key]) if inside else "")
        return JsonError(code, message, line=line, column=column, pointer=pointer, params=params)

    def unclosed(self, top: _Open) -> JsonError:
        return self.error(
            "unclosed",
            "This %(bracket)s is never closed; add %(closing)s",
            top.at,
            bracket=top.bracket,
            closing=_CLOSING[top.bracket],
        )

    def refuse_common(self, char: str) -> None:
        """Refuse what is wrong at any place: a comment, quotes and marks of other kinds."""
        if self.text.startswith(("//", "/*", "#"), self.at):
            raise self.error("comment", "JSON has no comments; remove it", self.at)
        if char and char in "'‘’":
            raise self.error("single_quotes", 'Texts and names stand in double quotes: "', self.at)
        plain = char.translate(_WIDE)
        if plain != char:
            raise self.error(
                "wide_character",
                "%(wide)s is not the character that JSON uses here; write %(plain)s",
                self.at,
                wide=char,
                plain=plain,
            )
        if char and char.isspace():
            raise self.error(
                "wide_character", "This white space is not an ordinary space; replace it", self.at
            )

    def not_a_value(self, char: str, word: str) -> JsonError:
        self.refuse_common(char)
        if not char and self.open:
            return self.unclosed(self.open[-1])
        if word in _INSTEAD:
            return self.error("unexpected", "Write %(word)s in JSON", self.at, word=_INSTEAD[word])
        if word.lstrip("+-") in ("NaN", "Infinity", "nan", "inf"):
            return self.error("not_a_number", "NaN and infinity are not numbers; use null", self.at)
        if re.match(r"[-+.]*[0-9]", word):
            return self.error(
                "bad_number",
                "%(word)s is not written as a JSON number: digits and a point only, no leading"
                " zero, no plus sign",
                self.at,
                word=word[:40],
            )
        if word:
            return self.error(
                "unquoted", 'Texts stand in double quotes: "%(word)s"', self.at, word=word[:40]
            )
        return self.error("unexpected", "Expected a value here", self.at)

    def not_a_name(self, char: str, top: _Open) -> JsonError:
        self.refuse_common(char)
        if not char:
            return self.unclosed(top)
        word = _SCALAR.match(self.text, self.at)
        if word:
            return self.error(
                "unquoted", 'Names stand in double quotes: "%(word)s"', self.at, word=word[0][:40]
            )
        return self.error("unexpected", 'Expected a name in double quotes, or "}"', self.at)

    def not_a_comma(self, char: str, top: _Open) -> JsonError:
        self.refuse_common(char)
        if not char:
            return self.unclosed(top)
        if char in "]}":
            line, column = self.line_and_column(top.at)
            return self.error(
                "mismatched",
                "Expected %(closing)s, to close the %(bracket)s of line %(line)s, column"
                " %(column)s",
                self.at,
                closing=_CLOSING[top.bracket],
                bracket=top.bracket,
                line=line,
                column=column,
            )
        return self.error("missing_comma", "Expected a comma before this", self.at)
