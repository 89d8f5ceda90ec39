"""What a check collects on its way through a document: findings, and names that are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from app.core.expression import (
    Expression,
    ExpressionError,
    Template,
    condition,
    parse_template,
)
from app.core.findings import MAX_SHOWN, Finding, Severity, shortened
from app.core.jsonplace import Place
from app.core.jsontext import JsonDocument
from app.core.near import Near
from app.core.nodes.base import Node
from app.core.nodes.table import CUSTOM, NODES
from app.core.values import pointer_of
from app.errors import Phrase

Path = tuple[str | int, ...]

MAX_FINDINGS: Final = 200
"""Of each severity; what a document has beyond is counted only."""


class _Note(NamedTuple):
    """A finding whose place is not looked up yet."""

    code: str
    severity: Severity
    path: Path
    key: bool
    message: str
    hint: str | None
    params: Mapping[str, Any] | None
    witness: tuple[Mapping[str, str], ...] = ()


class Compiling:
    """One check of one document.

    Args:
        types: step types that were registered beside ours; None: any name may be one.
    """

    def __init__(self, document: JsonDocument, types: frozenset[str] | None = frozenset()) -> None:
        self.document = document
        self.types = types
        self.reads: dict[str, Path] = {}
        self.people: dict[str, Path] = {}
        self.services: dict[str, Path] = {}
        self.near = Near()
        self.path: Path = ()
        self._notes: list[_Note] = []
        self._counts: Counter[str] = Counter()

    def node(self, kind: str) -> Node | None:
        """Return the node of a step type; None if there is none."""
        return NODES.get(kind) or (CUSTOM if self.types is None or kind in self.types else None)

    @property
    def failed(self) -> bool:
        """Whether there is any error so far."""
        return self._counts["error"] > 0

    def count(self, severity: Severity) -> int:
        """Return how many findings of this kind there are so far."""
        return self._counts[severity]

    @property
    def full(self) -> bool:
        """Whether there are so many errors that more would not be told."""
        return self._counts["error"] >= MAX_FINDINGS

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noted, by line and column."""
        pointers = [pointer_of(list(note.path)) for note in self._notes]
        places = self.document.places(pointers)
        found = [
            self._placed(note, pointer, places)
            for note, pointer in zip(self._notes, pointers, strict=True)
        ]
        left_out = self._counts.total() - len(found)
        if left_out:
            message = "There are %(count)d more findings of this kind; correct these first."
            params = {"count": left_out}
            found.append(Finding("more_findings", "info", "", 1, 1, message, params))
        return tuple(sorted(found, key=lambda one: (one.line, one.column)))

    def _placed(self, note: _Note, pointer: str, places: Mapping[str, Place]) -> Finding:
        there = pointer
        while there not in places:  # what is missing is told where it should stand
            there = there.rpartition("/")[0]
        place = places[there]
        offset = place.value if place.key is None or not note.key else place.key
        line, column = self.document.line_and_column(offset)
        return Finding(
            note.code,
            note.severity,
            pointer,
            line,
            column,
            note.message,
            note.params,
            note.hint,
            note.params,
            note.witness,
        )

    def say(
        self,
        severity: Severity,
        code: str,
        path: Path,
        message: str,
        *,
        hint: str | None = None,
        key: bool = False,
        witness: tuple[Mapping[str, str], ...] = (),
        **params: Any,
    ) -> None:
        """Note a finding at a place; ``key`` points at the key itself, not its value."""
        self._counts[severity] += 1
        if self._counts[severity] <= MAX_FINDINGS:
            told = shortened(params)
            self._notes.append(_Note(code, severity, path, key, message, hint, told, witness))

    def error(self, code: str, path: Path, message: str, **more: Any) -> None:
        """Note an error."""
        self.say("error", code, path, message, **more)

    def unknown(self, path: Path, name: str, known: Iterable[str], what: str) -> None:
        """Note a key that nobody knows, with the nearest that somebody does."""
        if self.full:
            self._counts["error"] += 1
            return
        names = sorted(known)
        near = self.near.to(name, names)
        hint = "Known keys: %(known)s. Keys that begin with x- are kept."
        self.error(
            "unknown_key",
            path,
            "%(what)s has no key %(name)s.",
            hint="Did you mean %(near)s?" if near else hint,
            key=True,
            what=Phrase(what),
            name=name,
            near=near or "",
            known=Phrase(", ".join(names)),  # a list of our own is not cut short
        )

    def keys(self, given: Mapping[str, Any], path: Path, known: Iterable[str], what: str) -> None:
        """Note every key that is neither known nor begins with ``x-``."""
        known = frozenset(known)
        for name in given:
            if name not in known and not name.startswith("x-"):
                self.unknown((*path, name), name, known, what)

    def template(self, text: str, path: Path) -> Template | None:
        """Parse a text with ``${…}``; note what is wrong with it."""
        if self.full:
            return None
        try:
            parsed = parse_template(text)
        except ExpressionError as error:
            self._bad_expression(error, path)
            return None
        for expression in parsed.expressions:
            self._reads(expression, path)
        return parsed

    def condition(self, text: str, path: Path) -> Expression | None:
        """Parse a condition; note what is wrong with it."""
        if self.full:
            return None
        try:
            parsed = condition(text)
        except ExpressionError as error:
            self._bad_expression(error, path)
            return None
        self._reads(parsed, path)
        return parsed

    def expressions_in(self, value: Any, path: Path) -> None:
        """Check every text inside a config value."""
        if isinstance(value, str):
            self.template(value, path)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                self.expressions_in(inner, (*path, name))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self.expressions_in(inner, (*path, index))

    def person(self, name: Any, path: Path) -> None:
        """Note a name that a task is given to, unless it is an expression."""
        if isinstance(name, str) and name and "${" not in name:
            self.people.setdefault(name, path)

    def service(self, name: str, path: Path) -> None:
        """Note a service that is called."""
        self.services.setdefault(name, path)

    def _reads(self, expression: Expression, path: Path) -> None:
        for name in expression.names:
            self.reads.setdefault(name, path)

    def _bad_expression(self, error: ExpressionError, path: Path) -> None:
        position, text = error.position or 0, error.expression
        if len(text) > MAX_SHOWN:  # its part around the place
            start = max(0, position - MAX_SHOWN // 2)
            text = f"…{text[start : start + MAX_SHOWN - 2]}…"
        self.error(
            "bad_expression",
            path,
            "%(problem)s (character %(position)d of %(expression)s)",
            problem=error.message,
            position=position + 1,
            expression=text,
        )
