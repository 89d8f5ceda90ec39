"""Exact arithmetic on numbers, bounded so that no result can explode.

Sums, differences and products are exact as long as they fit 38 significant digits. Beyond
that only places behind the point are rounded (half even, at the 38th digit): the quotients
that lead there were rounded at the 28th already. A whole part that does not fit is refused.
The contexts are this module's own, so nothing depends on the thread's.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from app.core.expression_error import Refusal
from app.core.values import MAX_DIGITS, MAX_EXPONENT, number_in_range

Number = int | Decimal
QUOTIENT_DIGITS = 28


def _context(digits: int, smallest: int, largest: int) -> Context:
    return Context(
        prec=digits,
        rounding=ROUND_HALF_EVEN,
        Emin=smallest,
        Emax=largest,
        clamp=0,
        flags=[],
        traps=[InvalidOperation, DivisionByZero, Overflow],
    )


# The least exponent is such that the last place kept is the 100th behind the point.
_EXACT = _context(MAX_DIGITS, MAX_DIGITS - 1 - MAX_EXPONENT, MAX_EXPONENT)
_QUOTIENT = _context(QUOTIENT_DIGITS, QUOTIENT_DIGITS - 1 - MAX_EXPONENT, MAX_EXPONENT)
_WIDE = _context(800, -1000, 1000)
"""Wide enough for any one operation on two numbers in range to be exact."""
_SMALL: int = 10**MAX_DIGITS


def add(left: Number, right: Number) -> Number:
    """Return ``left + right``."""
    if type(left) is int and type(right) is int:
        return _whole(left + right)
    return _decimal(_EXACT.add, _WIDE.add, left, right)


def subtract(left: Number, right: Number) -> Number:
    """Return ``left - right``."""
    if type(left) is int and type(right) is int:
        return _whole(left - right)
    return _decimal(_EXACT.subtract, _WIDE.subtract, left, right)


def multiply(left: Number, right: Number) -> Number:
    """Return ``left * right``."""
    if type(left) is int and type(right) is int:
        return _whole(left * right)
    return _decimal(_EXACT.multiply, _WIDE.multiply, left, right)


def divide(left: Number, right: Number) -> Number:
    """Return ``left / right`` with 28 significant digits, rounded half even."""
    if not right:
        raise Refusal("Division by zero; check the divisor first")
    result = _decimal(_QUOTIENT.divide, _WIDE.divide, left, right, checked=False)
    if result.adjusted() >= QUOTIENT_DIGITS:
        return _decimal(_EXACT.divide, _WIDE.divide, left, right)
    return result


def remainder(left: Number, right: Number) -> Number:
    """Return what is left of ``left`` after division; it has the sign of ``right``.

    That is the rule of spreadsheets (``MOD``): ``-1 % 7`` is 6.
    """
    if not right:
        raise Refusal("Division by zero; check the divisor first")
    if type(left) is int and type(right) is int:
        return left % right
    rest = _WIDE.remainder(left, right)
    if rest and (rest < 0) != (right < 0):
        rest = _WIDE.add(rest, right)
    if not number_in_range(rest):
        raise _out_of_range()
    return rest


def negate(number: Number) -> Number:
    """Return ``-number``; there is no negative zero."""
    if type(number) is int:
        return -number
    return number if not number else Decimal(number).copy_negate()


def absolute(number: Number) -> Number:
    """Return the number without its sign."""
    return number.copy_abs() if isinstance(number, Decimal) else abs(number)


def rounded(number: Number, places: int) -> Number:
    """Round half away from zero, as bills do.

    Args:
        places: digits behind the point, 0 to 28; negative for tens, hundreds ….

    Returns:
        An int unless ``places`` is positive.
    """
    quantum = Decimal((0, (1,), -places))
    result = _as_decimal(number).quantize(quantum, ROUND_HALF_UP, _WIDE)
    return result if places > 0 else int(result)


def floor(number: Number) -> int:
    """Return the largest whole number that is not greater."""
    return int(_as_decimal(number).to_integral_value(ROUND_FLOOR, _WIDE))


def ceiling(number: Number) -> int:
    """Return the smallest whole number that is not less."""
    return int(_as_decimal(number).to_integral_value(ROUND_CEILING, _WIDE))


def _as_decimal(number: Number) -> Decimal:
    return number if isinstance(number, Decimal) else Decimal(number)


def _whole(number: int) -> int:
    if -_SMALL < number < _SMALL or number_in_range(number):
        return number
    raise _out_of_range()


_Operation = Callable[[Number, Number], Decimal]


def _decimal(
    operation: _Operation, exact: _Operation, left: Number, right: Number, *, checked: bool = True
) -> Decimal:
    try:
        result = operation(left, right)
        if checked and result.adjusted() >= MAX_DIGITS and result != exact(left, right):
            raise _out_of_range()
    except DecimalException as error:
        raise _out_of_range() from error
    return result if result else result.copy_abs()


def _out_of_range() -> Refusal:
    return Refusal(
        "The result is out of range: a number has at most %(digits)s significant digits",
        digits=MAX_DIGITS,
    )
