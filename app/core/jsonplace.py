"""Finds where values stand in a JSON text that was read before.

Only the way to what is asked for is walked; everything beside it is passed over at the
speed of the standard library's reader.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str)

Wanted = dict[str, Any]
"""Names (or indexes as text) below a value, each with what is wanted below that."""


class Place(NamedTuple):
    """Offsets of a value and, in an object, of its name."""

    value: int
    key: int | None


def places(text: str, pointers: Iterable[str]) -> dict[str, Place]:
    """Return the places of values by pointer, and of all that are around them.

    What is not there is left out.

    Args:
        text: valid JSON, of bounded depth.
        pointers: RFC 6901, such as ``/steps/0/id``; empty for the whole.
    """
    wanted: Wanted = {}
    for pointer in pointers:
        below = wanted
        for part in pointer.split("/")[1:]:
            below = below.setdefault(part, {})
    found = {"": Place(_after_space(text, 0), None)}
    if wanted:
        _look_into(text, found[""].value, "", wanted, found)
    return found


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _look_into(text: str, at: int, pointer: str, wanted: Wanted, found: dict[str, Place]) -> int:
    """Note what is wanted inside the value at ``at``; return where that value ends."""
    named = text[at] == "{"
    if not named and text[at] != "[":
        return _end_of(text, at)
    closing = "}" if named else "]"
    at = _after_space(text, at + 1)
    index = 0
    while text[at] != closing:
        key_at, part = None, str(index)
        if named:
            key_at = at
            name, at = _DECODER.raw_decode(text, at)
            part = name.replace("~", "~0").replace("/", "~1")
            at = _after_space(text, _after_space(text, at) + 1)
        below = wanted.get(part)
        if below is None:
            at = _end_of(text, at)
        else:
            inner = f"{pointer}/{part}"
            found[inner] = Place(at, key_at)
            at = _look_into(text, at, inner, below, found) if below else _end_of(text, at)
        index += 1
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return at + 1


def _end_of(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, at)[1]
