"""JSON as people write it: exact numbers, strict, and every error at its very token.

``read`` lets the standard library read what is fine. What it refuses goes to the scanner,
which knows where each token stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.core.jsonplace import Place, places
from app.core.jsonscan import JsonError, Scanner
from app.core.values import MAX_DEPTH, read_number

__all__ = ["MAX_BYTES", "MAX_DEPTH", "JsonDocument", "JsonError", "read", "without"]

MAX_BYTES = 1_048_576
"""Bytes of a definition in UTF-8; whoever takes the text in checks it before decoding."""

_SUSPICIOUS = re.compile(r"[\ud800-\udfff]|\\u(?:0000|[dD][89a-fA-F])")

_COMMA_AFTER = re.compile(r"[ \t\r\n]*,")
_COMMA_BEFORE = re.compile(r",[ \t\r\n]*\Z")
_VISIBLE = re.compile(r"[^ \t\r\n]")


@dataclass(frozen=True)
class JsonDocument:
    """A JSON text that was read.

    Args:
        value: what it says, numbers as int or Decimal.
        text: as written, without a byte order mark.
    """

    value: Any
    text: str

    def position(self, pointer: str, *, key: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of the value (or its name) at ``pointer``.

        Args:
            pointer: RFC 6901, such as ``/steps/0/id``; empty for the whole.
            key: the name in the object instead of the value.

        Raises:
            KeyError: nothing is there, or no name (an element of a list has none).
        """
        return self.line_and_column(self.offset(pointer, key=key))

    def offset(self, pointer: str, *, key: bool = False) -> int:
        """Return where the value (or its name) at ``pointer`` begins in ``text``.

        Raises:
            KeyError: as ``position`` does.
        """
        place = self.places([pointer])[pointer]
        offset = place.key if key else place.value
        if offset is None:
            raise KeyError(pointer)
        return offset

    def places(self, pointers: Iterable[str]) -> dict[str, Place]:
        """Return the places of values, and of all around them, in one pass."""
        return places(self.text, pointers)

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return where an offset is, both from 1; columns count characters."""
        return self._scanner.line_and_column(offset)

    @cached_property
    def _scanner(self) -> Scanner:
        return Scanner(self.text, MAX_DEPTH)


class _Look(ValueError):
    """The fast reader met something for the scanner to judge."""


def read(text: str) -> JsonDocument:
    """Read a JSON text.

    A byte order mark at its start is passed over.

    Raises:
        JsonError: the first thing that is wrong, with its line and column.
    """
    text = text.removeprefix("\ufeff")
    if not _SUSPICIOUS.search(text):
        try:
            value = _DECODER.decode(text)
        except (ValueError, RecursionError):
            pass  # the scanner says what and where
        else:
            if not _nested_deeper(value):
                return JsonDocument(value, text)
    return JsonDocument(Scanner(text, MAX_DEPTH).scan(), text)


def without(text: str, name: str) -> str:
    """Return an object's text with blanks for one member; all else keeps its place.

    Args:
        text: of an object that was read before.
        name: of a member, without ``/`` and ``~``; one that is not there is none to remove.
    """
    document = JsonDocument(None, text.removeprefix("\ufeff"))
    place = document.places([f"/{name}"]).get(f"/{name}")
    if place is None or place.key is None:
        return document.text
    text = document.text
    start = place.key
    _, end = json.JSONDecoder().raw_decode(text, place.value)
    after = _COMMA_AFTER.match(text, end)
    before = _COMMA_BEFORE.search(text, 0, start)
    if after:
        end = after.end()
    elif before:
        start = before.start()
    return text[:start] + _VISIBLE.sub(" ", text[start:end]) + text[end:]


def _number(text: str) -> Any:
    number = read_number(text)
    if number is None:
        raise _Look(text)
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _Look
    return value


def _constant(text: str) -> Any:
    raise _Look(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_number, parse_constant=_constant
)


def _nested_deeper(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, list | dict)]
        if not containers:
            return False
        level = [
            item
            for container in containers
            for item in (container.values() if isinstance(container, dict) else container)
        ]
    return True
