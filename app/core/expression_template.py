"""Text with ``${…}`` in it, and configuration made of such texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.core.expression_error import ExpressionError, Refusal
from app.core.expression_functions import as_text
from app.core.expression_operators import bounded
from app.core.expression_program import Expression, parse

_CACHED_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Template:
    """A text with expressions in it; made by ``parse_template``.

    Args:
        text: as written.
        parts: literal texts (``$${`` already undone) and expressions, in order.
    """

    text: str
    parts: tuple[str | Expression, ...] = field(compare=False, repr=False)

    @property
    def is_literal(self) -> bool:
        """Whether there is no expression in it."""
        return not any(isinstance(part, Expression) for part in self.parts)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The expressions, in order."""
        return tuple(part for part in self.parts if isinstance(part, Expression))

    @property
    def names(self) -> frozenset[str]:
        """The variables that are read."""
        return frozenset().union(*(expression.names for expression in self.expressions))

    def evaluate(self, scope: Mapping[str, Any], *, now: datetime) -> Any:
        """Return the value: of any kind if the text is exactly one ``${…}``, else a text.

        Raises:
            ExpressionError: an expression fails, or the text becomes too large.
        """
        if len(self.parts) == 1:
            only = self.parts[0]
            return only if isinstance(only, str) else only.evaluate(scope, now=now)
        texts: list[str] = []
        size = 0
        for part in self.parts:
            text = part
            if isinstance(part, Expression):
                text = _rendered(part, part.evaluate(scope, now=now))
            texts.append(str(text))
            size += len(texts[-1])
        try:
            return bounded("".join(texts))
        except Refusal as refusal:
            raise _error(self.text, 0, len(self.text), refusal) from None


def parse_template(text: str) -> Template:
    """Read a text with ``${…}``; ``$${`` is a literal ``${``.

    Raises:
        ExpressionError: an expression in it cannot be read; ``position`` is in ``text``.
    """
    return _cached(text) if len(text) <= _CACHED_CHARACTERS else _read(text)


def condition(text: str) -> Expression:
    """Compile a condition, written ``${a > 1}`` or bare ``a > 1``.

    Raises:
        ExpressionError: it cannot be read, or has text around the ``${…}``.
    """
    stripped = text.strip()
    if not stripped.startswith("${"):
        return parse(text)
    only = parse_template(stripped).parts
    if len(only) == 1 and isinstance(only[0], Expression):
        return only[0]
    raise _error(
        text, 0, len(text), Refusal("A condition is one expression; put all of it in one ${…}")
    )


def evaluate_config(value: Any, scope: Mapping[str, Any], now: datetime) -> Any:
    """Evaluate the templates in all texts of a configuration value.

    Names of objects are not templates. What has no expression in it is returned as it is.

    Raises:
        ExpressionError: an expression cannot be read or fails.
    """
    if isinstance(value, str):
        return parse_template(value).evaluate(scope, now=now) if "$" in value else value
    if isinstance(value, dict):
        return {name: evaluate_config(item, scope, now) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [evaluate_config(item, scope, now) for item in value]
    return value


def names_in(value: Any) -> frozenset[str]:
    """Return the variables that evaluating a configuration value would read.

    Raises:
        ExpressionError: an expression cannot be read.
    """
    if isinstance(value, str):
        return parse_template(value).names if "$" in value else frozenset()
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(inner, str) or not isinstance(value, dict | list | tuple):
        return frozenset()
    return frozenset().union(*map(names_in, inner))


def has_expression(value: Any) -> bool:
    """Say whether evaluating a configuration value asks for anything at all."""
    if isinstance(value, str):
        return "$" in value
    if isinstance(value, dict):
        return any(map(has_expression, value.values()))
    return isinstance(value, list | tuple) and any(map(has_expression, value))


def _rendered(expression: Expression, value: Any) -> str:
    try:
        return as_text(value)
    except Refusal as refusal:
        raise _error(expression.text, 0, len(expression.text), refusal) from None


@lru_cache(maxsize=4096)
def _cached(text: str) -> Template:
    return _read(text)


def _read(text: str) -> Template:
    parts: list[str | Expression] = []
    literal: list[str] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start > at and text[start - 1] == "$":
            literal.append(text[at : start - 1] + "${")
            at = start + 2
            continue
        literal.append(text[at:start])
        if joined := "".join(literal):
            parts.append(joined)
        literal.clear()
        end = _closing_brace(text, start)
        parts.append(_inside(text, start + 2, end))
        at = end + 1
    literal.append(text[at:])
    joined = "".join(literal)
    if joined or not parts:
        parts.append(joined)
    return Template(text, tuple(parts))


def _closing_brace(text: str, start: int) -> int:
    quote = ""
    at = start + 2
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char == "}":
            return at
        at += 1
    refusal = Refusal("This ${ is not closed; add }")
    if quote:
        refusal = Refusal("The text in this ${ is not closed; end it with %(q)s", q=quote)
    raise _error(text, start, len(text), refusal)


def _inside(text: str, start: int, end: int) -> Expression:
    try:
        return parse(text[start:end])
    except ExpressionError as error:
        raise ExpressionError(
            error.template,
            expression=text,
            fragment=error.fragment,
            position=start + error.position,
            params=error.params,
        ) from None


def _error(text: str, start: int, end: int, refusal: Refusal) -> ExpressionError:
    return ExpressionError(
        refusal.template,
        expression=text,
        fragment=text[start:end],
        position=start,
        params=refusal.params,
    )
