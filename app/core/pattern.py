"""Patterns for text that match in time linear in the text, whatever the pattern.

A pattern matches the **whole** text, as the ``pattern`` of a form field in a browser does.
It is a subset of regular expressions: literals, ``.``, ``[a-z]``, ``[^…]``, ``\\d \\w \\s``
and their capitals, ``^ $``, groups, ``|``, ``* + ? {m,n}``. ``\\d`` and ``\\w`` are ASCII,
as in a browser. The text is run through the set of all states the pattern can be in
(Thompson, "Regular Expression Search Algorithm", CACM 11 (6), 1968); there is no backtracking.
"""

from __future__ import annotations

from functools import lru_cache

from app.core.pattern_parser import MAX_CHARACTERS, PatternError
from app.core.pattern_program import Program, program_of

__all__ = ["MAX_TEXT", "Pattern", "PatternError", "compile_pattern"]

MAX_TEXT = 10_000
"""Characters of a text that a pattern is tried on; longer ones never match."""
_CACHED_SETS = 2_000


class Pattern:
    """A pattern ready to match; made by ``compile_pattern``."""

    __slots__ = ("_masks", "_moves", "_program", "text")

    def __init__(self, text: str, program: Program) -> None:
        self.text = text
        self._program = program
        # What was worked out for a character, and for a set of states.
        # Both are caches of pure results: losing or repeating an entry changes nothing.
        self._masks: dict[str, int] = {}
        self._moves: dict[int, int] = {}

    def matches(self, text: str) -> bool:
        """Tell whether the whole of ``text`` fits. A text over 10,000 characters does not."""
        if len(text) > MAX_TEXT:
            return False
        program = self._program
        if not text:
            return program.accepts_empty
        states = program.first
        for char in text[:-1]:
            states = self._move(states & self._mask(char), program.follow)
            if not states:
                return False
        return bool(states & self._mask(text[-1]) & program.last)

    def _mask(self, char: str) -> int:
        mask = self._masks.get(char)
        if mask is None:
            if len(self._masks) > _CACHED_SETS:
                self._masks.clear()
            mask = self._masks[char] = self._program.mask(char)
        return mask

    def _move(self, states: int, follow: tuple[int, ...]) -> int:
        target = self._moves.get(states)
        if target is not None:
            return target
        target = 0
        left = states
        while left:
            lowest = left & -left
            target |= follow[lowest.bit_length() - 1]
            left ^= lowest
        if len(self._moves) > _CACHED_SETS:
            self._moves.clear()
        self._moves[states] = target
        return target


@lru_cache(maxsize=512)
def _compiled(text: str) -> Pattern:
    return Pattern(text, program_of(text))


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern; the same text gives the same object.

    Raises:
        PatternError: it cannot be read, or uses what cannot be matched in linear time;
            ``message`` says what to do, ``position`` is the offset from 0.
    """
    if len(text) > MAX_CHARACTERS:
        raise PatternError(
            "The pattern has %(length)d characters; %(limit)d are allowed",
            MAX_CHARACTERS,
            length=len(text),
            limit=MAX_CHARACTERS,
        )
    return _compiled(text)
