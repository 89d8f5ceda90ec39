"""From the text of a pattern to its tree; refuses by name what is not supported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.errors import Phrase

MAX_CHARACTERS = 1000
MAX_NESTING = 32
MAX_REPEAT = 1000

_REPEAT = re.compile(r"\{([0-9]{1,6})(?:(,)([0-9]{1,6})?)?\}")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}")
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_GROUPS = {
    "?=": "Looking ahead (?=…) is not supported",
    "?!": "Looking ahead (?!…) is not supported",
    "?<=": "Looking behind (?<=…) is not supported",
    "?<!": "Looking behind (?<!…) is not supported",
    "?>": "Atomic groups (?>…) are not supported; use (…)",
    "?P": "Named groups are not supported; use (…)",
    "?<": "Named groups are not supported; use (…)",
    "?": "Options such as (?i) are not supported; write both cases as in [aA]",
}


class PatternError(Exception):
    """A pattern that cannot be used; ``position`` is the offset in it, from 0."""

    def __init__(self, template: str, position: int, **params: Any) -> None:
        super().__init__(template, position)
        self.message = Phrase(template, **params)
        self.position = position

    def text(self) -> Phrase:
        """Return what is wrong and where, in English."""
        return Phrase(
            "%(problem)s (character %(position)d of the pattern)",
            problem=self.message,
            position=self.position + 1,
        )

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set: ranges (inclusive), or all others if ``negated``."""

    ranges: tuple[tuple[str, str], ...]
    space: bool = False
    negated: bool = False
    also: tuple[Chars, ...] = ()

    def has(self, char: str) -> bool:
        """Tell whether the set holds ``char``."""
        found = (
            any(low <= char <= high for low, high in self.ranges)
            or (self.space and char.isspace())
            or any(part.has(char) for part in self.also)
        )
        return found != self.negated


@dataclass(frozen=True, slots=True)
class Edge:
    """``^`` (start) or ``$`` (end): fits only there, and takes no character."""

    start: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other; no part fits the empty text."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the branches."""

    branches: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``least`` to ``most`` times; ``most`` None is without limit."""

    tree: Tree
    least: int
    most: int | None


Tree = Chars | Edge | Sequence | Either | Repeat

_DIGIT = Chars((("0", "9"),))
_WORD = Chars((("0", "9"), ("A", "Z"), ("a", "z"), ("_", "_")))
_SPACE = Chars((), space=True)
_NOT_NEWLINE = Chars((("\n", "\n"), ("\r", "\r"), ("\u2028", "\u2029")), negated=True)
_CLASSES = {
    "d": _DIGIT,
    "w": _WORD,
    "s": _SPACE,
    "D": Chars(_DIGIT.ranges, negated=True),
    "W": Chars(_WORD.ranges, negated=True),
    "S": Chars((), space=True, negated=True),
}


class Parser:
    """Reads one pattern; ``whole`` gives its tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.nesting = 0

    def whole(self) -> Tree:
        """Read all of it. Raises PatternError."""
        tree = self.either()
        if self.at < len(self.text):
            raise self.error(
                "This %(char)s closes nothing; write \\%(char)s for the character", char=")"
            )
        return tree

    def error(self, template: str, at: int | None = None, **params: Any) -> PatternError:
        return PatternError(template, self.at if at is None else at, **params)

    def sees(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def accept(self, text: str) -> bool:
        found = self.sees(text)
        if found:
            self.at += len(text)
        return found

    def either(self) -> Tree:
        branches = [self.sequence()]
        while self.accept("|"):
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def sequence(self) -> Tree:
        parts: list[Tree] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.one()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def one(self) -> Tree:
        start = self.at
        char = self.text[start]
        if char in "*+?{":
            raise self.error(
                "Nothing to repeat before %(char)s; write \\%(char)s for the character", char=char
            )
        if char in "]}":
            raise self.error(
                "This %(char)s closes nothing; write \\%(char)s for the character", char=char
            )
        self.at += 1
        if char == "(":
            return self.group(start)
        if char == "[":
            return self.choice(start)
        if char == "\\":
            return self.escape()
        if char in "^$":
            return Edge(char == "^")
        return _NOT_NEWLINE if char == "." else Chars(((char, char),))

    def group(self, start: int) -> Tree:
        if not self.accept("?:"):
            for opening, message in _GROUPS.items():
                if self.sees(opening):
                    raise self.error(message, start)
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(
                "Groups are nested deeper than %(limit)d levels", start, limit=MAX_NESTING
            )
        tree = self.either()
        self.nesting -= 1
        if not self.accept(")"):
            raise self.error("This ( is not closed; add )", start)
        return tree

    def repeated(self, tree: Tree) -> Tree:
        start = self.at
        bounds = self.bounds()
        if bounds is None:
            return tree
        least, most = bounds
        if least > MAX_REPEAT or (most or 0) > MAX_REPEAT:
            raise self.error(
                "At most %(limit)d repetitions can be counted", start, limit=MAX_REPEAT
            )
        if most is not None and most < least:
            raise self.error("The numbers in { } are the wrong way round", start)
        if self.accept("+"):
            raise self.error("Possessive repetition is not supported; remove the second +", start)
        # A lazy repetition finds another match first, not another answer.
        self.accept("?")
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            raise self.error("Repeated twice; put the first repetition in parentheses")
        return Repeat(tree, least, most)

    def bounds(self) -> tuple[int, int | None] | None:
        if self.accept("*"):
            return 0, None
        if self.accept("+"):
            return 1, None
        if self.accept("?"):
            return 0, 1
        if not self.sees("{"):
            return None
        match = _REPEAT.match(self.text, self.at)
        if match is None:
            raise self.error("Expected {3}, {3,} or {3,5}; write \\{ for the character")
        self.at = match.end()
        least, comma, most = match.groups()
        return int(least), int(most) if most else (None if comma else int(least))

    def escape(self) -> Chars:
        start = self.at - 1
        if self.at == len(self.text):
            raise self.error("Nothing after the backslash; write \\\\ for the character", start)
        char = self.text[self.at]
        self.at += 1
        if char in _CLASSES:
            return _CLASSES[char]
        code = self.code(char, start)
        return Chars(((code, code),))

    def code(self, char: str, start: int) -> str:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if not char.isalnum():
            return char
        match = _CODE.match(self.text, self.at - 1)
        if match:
            self.at = match.end()
            number = int(match[1] or match[2] or match[3], 16)
            if number <= 0x10FFFF:
                return chr(number)
        if char.isdigit() or char == "k":
            raise self.error(
                "Referring back to a group (\\%(char)s) is not supported", start, char=char
            )
        if char in "bB":
            raise self.error("Word boundaries (\\%(char)s) are not supported", start, char=char)
        if char in "pP":
            raise self.error(
                "Classes such as \\%(char)s{…} are not supported; use a range", start, char=char
            )
        raise self.error("\\%(char)s means nothing here; remove the backslash", start, char=char)

    def choice(self, start: int) -> Chars:
        negated = self.accept("^")
        ranges: list[tuple[str, str]] = []
        classes: list[Chars] = []
        while not self.accept("]"):
            low = self.choice_item(start)
            dash = self.sees("-") and not self.sees("-]")
            if isinstance(low, Chars):
                if dash:
                    raise self.error("A class cannot begin a range; write \\- for the character")
                classes.append(low)
            elif dash:
                self.at += 1
                ranges.append((low, self.range_end(low, start)))
            else:
                ranges.append((low, low))
        if not ranges and not classes:
            raise self.error("Empty [ ]; name at least one character", start)
        return Chars(tuple(ranges), negated=negated, also=tuple(classes))

    def range_end(self, low: str, start: int) -> str:
        at = self.at
        high = self.choice_item(start)
        if isinstance(high, Chars):
            raise self.error("A class cannot end a range; write \\- for the character", at)
        if high < low:
            raise self.error("The range is the wrong way round", at)
        return high

    def choice_item(self, start: int) -> str | Chars:
        if self.at == len(self.text):
            raise self.error("This [ is not closed; add ]", start)
        char = self.text[self.at]
        self.at += 1
        if char != "\\":
            return char
        item = self.escape()
        if item in _CLASSES.values():
            return item
        return item.ranges[0][0]
