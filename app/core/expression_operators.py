"""What the operators mean for each pair of kinds. Refuses what would be a guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from app.core import expression_arithmetic as arithmetic
from app.core.expression_error import Refusal
from app.core.values import MAX_BYTES, kind_of
from app.errors import Phrase

_WORDS = {
    "null": Phrase("null"),
    "boolean": Phrase("a boolean"),
    "number": Phrase("a number"),
    "text": Phrase("a text"),
    "list": Phrase("a list"),
    "object": Phrase("an object"),
    "date": Phrase("a date"),
    "datetime": Phrase("a date and time"),
    "unsupported": Phrase("not a value"),
}
_ORDERED = frozenset({"number", "text", "date", "datetime"})
_TIMES = frozenset({"date", "datetime"})


class Steps(Protocol):
    """Counts the work of one evaluation."""

    def spend(self, steps: int) -> None:
        """Use up steps; raises Refusal when there are none left."""


def a(value: Any) -> Phrase:
    """Return what ``value`` is, with its article: ``a number``."""
    return _WORDS[kind_of(value)]


def bounded(text: str) -> str:
    """Return ``text`` if it is not larger than a value may be."""
    if len(text) * 4 > MAX_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Refusal("The text becomes larger than %(limit)s bytes", limit=MAX_BYTES)
    return text


def plus(left: Any, right: Any) -> Any:
    """Return the sum of two numbers, or two texts joined."""
    kinds = (kind_of(left), kind_of(right))
    if kinds == ("number", "number"):
        return arithmetic.add(left, right)
    if kinds == ("text", "text"):
        return bounded(left + right)
    if "text" in kinds and "number" in kinds:
        raise Refusal(
            "+ adds two numbers or joins two texts, never one of each;"
            " use string(…) or number(…) on one side"
        )
    raise _not_numbers("+", left, right)


def minus(left: Any, right: Any) -> Any:
    """Return the difference of two numbers."""
    return arithmetic.subtract(*_numbers("-", left, right))


def times(left: Any, right: Any) -> Any:
    """Return the product of two numbers."""
    return arithmetic.multiply(*_numbers("*", left, right))


def over(left: Any, right: Any) -> Any:
    """Return the quotient of two numbers."""
    return arithmetic.divide(*_numbers("/", left, right))


def modulo(left: Any, right: Any) -> Any:
    """Return the remainder of two numbers."""
    return arithmetic.remainder(*_numbers("%", left, right))


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": over,
    "%": modulo,
}


def negative(value: Any) -> Any:
    """Return ``-value``."""
    if kind_of(value) != "number":
        raise Refusal("- needs a number, found %(found)s", found=a(value))
    return arithmetic.negate(value)


def _numbers(operator: str, left: Any, right: Any) -> tuple[Any, Any]:
    if kind_of(left) == "number" == kind_of(right):
        return left, right
    raise _not_numbers(operator, left, right)


def _not_numbers(operator: str, left: Any, right: Any) -> Refusal:
    if kind_of(left) in _TIMES or kind_of(right) in _TIMES:
        return Refusal(
            "%(operator)s does not work on dates; use add_duration(…) or days_between(…)",
            operator=operator,
        )
    hint = Phrase("use default(…) where it may be missing") if left is None or right is None else ""
    return Refusal(
        "%(operator)s needs two numbers, found %(left)s and %(right)s",
        hint=hint,
        operator=operator,
        left=a(left),
        right=a(right),
    )


def comparable(left: Any, right: Any) -> None:
    """Refuse two values that have no order between them."""
    kinds = (kind_of(left), kind_of(right))
    if kinds[0] == kinds[1] and kinds[0] in _ORDERED:
        return
    _refuse_mixed_times(kinds)
    hint = Phrase("use default(…) where it may be missing") if "null" in kinds else ""
    if kinds in (("text", "number"), ("number", "text")):
        hint = Phrase("use number(…) on the text")
    raise Refusal(
        "No order between %(left)s and %(right)s", hint=hint, left=a(left), right=a(right)
    )


def _refuse_mixed_times(kinds: tuple[str, str]) -> None:
    """A date beside its text, or beside a datetime, is a mistake rather than a difference."""
    if "text" in kinds and _TIMES.intersection(kinds):
        raise Refusal(
            "A text cannot be compared with %(time)s; use %(function)s(…) on the text",
            time=_WORDS["date" if "date" in kinds else "datetime"],
            function="date" if "date" in kinds else "datetime",
        )
    if set(kinds) == _TIMES:
        raise Refusal(
            "A date cannot be compared with a date and time; use date(…) or datetime(…) on one"
        )


def same(left: Any, right: Any, steps: Steps) -> bool:
    """Tell whether two values are equal; values of different kinds are not.

    Raises:
        Refusal: a date beside a text or a datetime, or too much work.
    """
    kind = kind_of(left)
    other = kind_of(right)
    if kind != other:
        _refuse_mixed_times((kind, other))
        return False
    if kind == "list":
        if len(left) != len(right):
            return False
        steps.spend(len(left))
        return all(same(one, two, steps) for one, two in zip(left, right, strict=True))
    if kind == "object":
        if len(left) != len(right):
            return False
        steps.spend(len(left))
        return all(name in right and same(left[name], right[name], steps) for name in left)
    return bool(left == right)


def within(item: Any, container: Any, steps: Steps) -> bool:
    """Tell whether a list holds an element, a text a part, an object a name."""
    kind = kind_of(container)
    if kind == "list":
        steps.spend(len(container))
        return any(same(item, element, steps) for element in container)
    if kind not in ("text", "object"):
        raise Refusal(
            "in needs a list, a text or an object on its right, found %(found)s",
            found=a(container),
        )
    if kind_of(item) != "text":
        raise Refusal(
            "in looks for a text in %(container)s, found %(found)s",
            container=a(container),
            found=a(item),
        )
    if kind == "text":
        steps.spend(len(container) // 100)
    return item in container


def member(value: Any, name: str) -> Any:
    """Return the member of an object; null where it, or the object, is missing."""
    if isinstance(value, dict):
        return value.get(name)
    if value is None:
        return None
    hint = Phrase("use [0] for its first element") if isinstance(value, list) else ""
    raise Refusal("%(found)s has no member %(name)s", hint=hint, found=a(value), name=name)


def element(value: Any, index: Any) -> Any:
    """Return ``value[index]``: an element of a list, or a member of an object."""
    if isinstance(index, str):
        return member(value, index)
    if kind_of(index) != "number" or index != arithmetic.floor(index):
        raise Refusal("Expected a whole number or a text in [ ], found %(found)s", found=a(index))
    if value is None:
        return None
    if not isinstance(value, list):
        hint = Phrase("its names are texts") if isinstance(value, dict) else ""
        raise Refusal("%(found)s has no elements by number", hint=hint, found=a(value))
    if index < 0:
        raise Refusal("Elements are counted from 0; %(index)s is negative", index=index)
    return value[int(index)] if index < len(value) else None


def boolean(value: Any) -> bool:
    """Return ``value`` if it is true or false; nothing else is a condition."""
    if value is True or value is False:
        return bool(value)
    raise Refusal("A condition must be true or false, found %(found)s", found=a(value))
