"""How an expression refuses: which part of it, and with which values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.values import check_json, iso_text, kind_of
from app.errors import Phrase

_SHOWN_CHARACTERS = 200
_SHOWN_BYTES = 1000


class ExpressionError(Exception):
    """An expression that cannot be read, or has no value with these variables.

    Args:
        template: what is wrong and what to do, in English with ``%(name)s`` parameters.
        expression: the whole text.
        fragment: the text of the sub-expression.
        position: offset of the fragment in the expression, from 0.
        values: what the parts of the fragment were, as (text, value) in order. Values are
            storable; long ones are shortened.
        params: what fills the template.
    """

    def __init__(
        self,
        template: str,
        *,
        expression: str,
        fragment: str,
        position: int,
        values: tuple[tuple[str, Any], ...] = (),
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(template)
        self.template = template
        self.params = dict(params or {})
        self.expression = expression
        self.fragment = fragment
        self.position = position
        self.values = tuple((name, shown(value)) for name, value in values)

    @property
    def message(self) -> Phrase:
        """What is wrong, in English. It holds no values, which may be confidential."""
        return Phrase(self.template, **self.params)

    def __str__(self) -> str:
        return f"{self.message} ({self.fragment})" if self.fragment else self.message


class Refusal(Exception):
    """An operator or function refuses its operands; the caller knows which text that is.

    Args:
        template: see ``ExpressionError``.
        hint: what to do, if that depends on the values; without a parameter.
        params: what fills the template.
    """

    def __init__(self, template: str, *, hint: str = "", **params: Any) -> None:
        super().__init__(template)
        self.template = template
        self.params = params
        if hint:
            self.template = "%(problem)s; %(hint)s"
            self.params = {"problem": Phrase(template, **params), "hint": Phrase(hint)}


def shown(value: Any) -> Any:
    """Return ``value`` fit for an incident: storable, and short."""
    kind = kind_of(value)
    if kind in ("date", "datetime"):
        return iso_text(value)
    if kind == "text" and len(value) > _SHOWN_CHARACTERS:
        return value[:_SHOWN_CHARACTERS] + "…"
    if kind in ("list", "object") and check_json(value, max_bytes=_SHOWN_BYTES):
        return f"({kind}, {len(value)})"
    if kind == "unsupported" or check_json(value):
        return f"({type(value).__name__})"
    return value
