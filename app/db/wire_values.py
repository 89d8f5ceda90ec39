"""Values of parameters as PostgreSQL's text, and of what type each says it is.

The types are those that psycopg would send: what is text may be anything that can be written
as text, so the server decides; all else says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

import psycopg
from psycopg.types.json import Json, Jsonb

from app.db.types import dump_bytes

Dump = Callable[[Any], bytes]


class Large(int):
    """A whole number of more than 32 bits."""

    __slots__ = ()


class Written(bytes):
    """JSON that has been written already."""

    __slots__ = ()


_UNKNOWN: Final = 0
_BOOL, _BYTEA, _INT8, _INT4, _FLOAT8 = 16, 17, 20, 23, 701
_JSON, _JSONB, _DATE, _TIMESTAMPTZ, _INTERVAL, _NUMERIC = 114, 3802, 1082, 1184, 1186, 1700
_INT4_MAX: Final = 2**31
_INT8_MAX: Final = 2**63
_MICROSECOND: Final = timedelta(microseconds=1)


@cache
def how(kind: type) -> tuple[int, Dump | None]:
    """Return the OID (0: the server decides) of a type's values, and what writes them.

    Raises:
        TypeError: no column holds values of this type.
    """
    for base in kind.__mro__:
        if base in _HOW:
            return _HOW[base]
    if issubclass(kind, Mapping):
        return _JSONB, dump_bytes
    raise TypeError(f"{kind.__name__} cannot be a parameter")


def _text(value: str) -> bytes:
    raw = value.encode()
    if b"\0" in raw:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return raw


def _int(value: int) -> bytes:
    if -_INT4_MAX <= value < _INT4_MAX:
        return b"%d" % value
    raise OverflowError("a number of more than 32 bits; see ``sized``")


def sized(value: Any) -> Any:
    """Return a value that says of itself how large a number it is."""
    if type(value) is not int or -_INT4_MAX <= value < _INT4_MAX:
        return value
    return Large(value) if -_INT8_MAX <= value < _INT8_MAX else Decimal(value)


def _moment(value: datetime) -> bytes:
    if value.tzinfo is None:
        raise TypeError("a time without a zone cannot be a parameter")
    return value.isoformat().encode()


def _list(values: list[Any] | tuple[Any, ...]) -> bytes:
    """Return an array of texts or of whole numbers."""
    inner = '","'.join([_escaped(each) if isinstance(each, str) else str(each) for each in values])
    return _text(f'{{"{inner}"}}' if values else "{}")


def _escaped(text: str) -> str:
    if '"' in text or "\\" in text:
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text


_HOW: Final[dict[type, tuple[int, Dump | None]]] = {
    type(None): (_UNKNOWN, None),
    str: (_UNKNOWN, _text),
    bool: (_BOOL, lambda value: b"t" if value else b"f"),
    int: (_INT4, _int),
    Large: (_INT8, lambda value: b"%d" % value),
    float: (_FLOAT8, lambda value: repr(value).encode()),
    Decimal: (_NUMERIC, lambda value: str(value).encode()),
    Written: (_JSON, bytes),
    bytes: (_BYTEA, lambda value: b"\\x" + value.hex().encode()),
    memoryview: (_BYTEA, lambda value: b"\\x" + value.hex().encode()),
    datetime: (_TIMESTAMPTZ, _moment),
    date: (_DATE, lambda value: value.isoformat().encode()),
    timedelta: (_INTERVAL, lambda value: b"%d microseconds" % (value // _MICROSECOND)),
    dict: (_JSONB, dump_bytes),
    Jsonb: (_JSONB, lambda value: dump_bytes(value.obj)),
    Json: (_JSON, lambda value: dump_bytes(value.obj)),
    list: (_UNKNOWN, _list),
    tuple: (_UNKNOWN, _list),
}
