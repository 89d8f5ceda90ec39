"""What a check collects on its way through a document: findings, and names that are used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from app.core.expression import (
    Expression,
    ExpressionError,
    Template,
    condition,
    parse_template,
)
from app.core.findings import Finding, Severity
from app.core.jsontext import JsonDocument
from app.core.values import pointer_of
from app.errors import Phrase

Path = tuple[str | int, ...]


class Compiling:
    """One check of one document."""

    def __init__(self, document: JsonDocument) -> None:
        self.document = document
        self.findings: list[Finding] = []
        self.reads: dict[str, Path] = {}
        self.people: dict[str, Path] = {}
        self.services: dict[str, Path] = {}
        self.path: Path = ()

    @property
    def failed(self) -> bool:
        """Whether there is any error so far."""
        return any(finding.severity == "error" for finding in self.findings)

    def say(
        self,
        severity: Severity,
        code: str,
        path: Path,
        message: str,
        *,
        hint: str | None = None,
        key: bool = False,
        **params: Any,
    ) -> None:
        """Note a finding at a place; ``key`` points at the key itself, not its value."""
        pointer = pointer_of(list(path))
        try:
            line, column = self.document.position(pointer, key=key)
        except KeyError:
            line, column = 1, 1
        self.findings.append(
            Finding(
                code, severity, pointer, line, column, message, params or None, hint, params or None
            )
        )

    def error(self, code: str, path: Path, message: str, **more: Any) -> None:
        """Note an error."""
        self.say("error", code, path, message, **more)

    def unknown(self, path: Path, name: str, known: Iterable[str], what: str) -> None:
        """Note a key that nobody knows, with the nearest that somebody does."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, 1, 0.6)
        if near:
            hint = "Did you mean %(near)s?"
            self.error(
                "unknown_key",
                path,
                "%(what)s has no key %(name)s.",
                hint=hint,
                key=True,
                what=Phrase(what),
                name=name,
                near=near[0],
            )
        else:
            hint = "Known keys: %(known)s. Keys that begin with x- are kept."
            self.error(
                "unknown_key",
                path,
                "%(what)s has no key %(name)s.",
                hint=hint,
                key=True,
                what=Phrase(what),
                name=name,
                known=", ".join(names),
            )

    def template(self, text: str, path: Path) -> Template | None:
        """Parse a text with ``${…}``; note what is wrong with it."""
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

    def person(self, name: Any) -> None:
        """Note a name that a task is given to, unless it is an expression."""
        if isinstance(name, str) and name and "${" not in name:
            self.people.setdefault(name, self.path)

    def service(self, name: str) -> None:
        """Note a service that is called."""
        if "${" not in name:
            self.services.setdefault(name, self.path)

    def _reads(self, expression: Expression, path: Path) -> None:
        for name in expression.names:
            self.reads.setdefault(name, path)

    def _bad_expression(self, error: ExpressionError, path: Path) -> None:
        self.error(
            "bad_expression",
            path,
            "%(problem)s (character %(position)d of %(expression)s)",
            problem=error.message,
            position=(error.position or 0) + 1,
            expression=error.expression,
        )
