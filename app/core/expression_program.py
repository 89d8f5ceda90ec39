"""A compiled expression: parsed once, evaluated often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from app.core.expression_compiler import Code, code_of
from app.core.expression_error import ExpressionError, Refusal
from app.core.expression_operators import boolean, bounded
from app.core.expression_parser import MAX_CHARACTERS, tree_of
from app.core.expression_run import MAX_STEPS, Run
from app.core.expression_tree import Access, Name, Node, walk
from app.core.values import check_json, kind_of

_SCALARS = frozenset({type(None), bool, int, Decimal, date, datetime})


@dataclass(frozen=True)
class Expression:
    """A compiled expression; made by ``parse``. Equal when the text is.

    Args:
        text: as written.
        tree: what it says, for those who reason about it (the checker).
        names: the variables it reads.
        paths: these with the constant members read from each: ``user.email`` is
            ``("user", "email")``. A path ends where an index begins.
    """

    text: str
    tree: Node = field(compare=False, repr=False)
    names: frozenset[str] = field(compare=False, repr=False)
    paths: frozenset[tuple[str, ...]] = field(compare=False, repr=False)
    _code: Code = field(compare=False, repr=False)
    _steps: int = field(compare=False, repr=False)

    def evaluate(self, scope: Mapping[str, Any], *, now: datetime) -> Any:
        """Return the value with these variables.

        Args:
            scope: variables by name; a missing one is null.
            now: the time of the event being processed, aware.

        Returns:
            A value of the model, or a date or datetime. A list or object out of ``scope``
            is that very object, not a copy.

        Raises:
            ExpressionError: see ``language``; also for results over 256 KiB.
        """
        try:
            value = self._code(Run(scope, now, self._steps))
        except (ArithmeticError, RecursionError, ValueError, TypeError) as error:
            # What the operators let through can only come from values outside the model.
            raise self._error(
                Refusal("Cannot be worked out with these values; check their types")
            ) from error
        if type(value) in _SCALARS:
            return value
        if type(value) is str:
            try:
                return bounded(value)
            except Refusal as refusal:
                raise self._error(refusal) from None
        if isinstance(self.tree, Name | Access) and kind_of(value) != "unsupported":
            return value  # out of the scope as it is: checked when it got there
        problem = check_json(value, dates=True)
        if problem:
            raise self._error(
                Refusal("The result cannot be kept: %(problem)s", problem=problem.text())
            )
        return value

    def _error(self, refusal: Refusal) -> ExpressionError:
        return ExpressionError(
            refusal.template,
            expression=self.text,
            fragment=self.text,
            position=0,
            params=refusal.params,
        )


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Expression:
    tree = tree_of(text)
    nodes = list(walk(tree))
    return Expression(
        text,
        tree,
        frozenset(node.name for node in nodes if isinstance(node, Name)),
        frozenset(_paths(nodes)),
        code_of(tree, text),
        MAX_STEPS - len(nodes),
    )


def _paths(nodes: list[Node]) -> set[tuple[str, ...]]:
    bases = {id(node.base) for node in nodes if isinstance(node, Access)}
    paths: set[tuple[str, ...]] = set()
    for node in nodes:
        if isinstance(node, Name) and id(node) not in bases:
            paths.add((node.name,))
        elif isinstance(node, Access) and isinstance(node.base, Name):
            path = [node.base.name]
            for step in node.steps:
                if not isinstance(step, str):
                    break
                path.append(step)
            paths.add(tuple(path))
    return paths


def parse(text: str) -> Expression:
    """Compile a bare expression; the same text gives the same object.

    Raises:
        ExpressionError: it cannot be read; names the place and what was expected.
    """
    if len(text) > MAX_CHARACTERS:
        tree_of(text)
    return _parsed(text)


def truth(expression: Expression, scope: Mapping[str, Any], now: datetime) -> bool:
    """Evaluate a condition.

    Raises:
        ExpressionError: it fails, or its value is not true or false.
    """
    value = expression.evaluate(scope, now=now)
    if value is True or value is False:
        return bool(value)
    try:
        return boolean(value)
    except Refusal as refusal:
        raise ExpressionError(
            refusal.template,
            expression=expression.text,
            fragment=expression.text,
            position=0,
            values=((expression.text, value),),
            params=refusal.params,
        ) from None
