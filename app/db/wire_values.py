"""Values of parameters and columns as PostgreSQL's text (bytes: its binary form).

The types are those that psycopg would send: what is text may be anything that can be written
as text, so the server decides; all else says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.types.json import Json, Jsonb

from app.db.types import dump_bytes, loads

Encoded = tuple[int, bytes | None, int]
"""OID of the type (0: the server decides), the value, and 1 if it is in binary form."""
Decoder = Callable[[bytes], Any]


class Written(bytes):
    """JSON that has been written already."""

    __slots__ = ()


_TEXT, _BINARY = 0, 1
_UNKNOWN: Final = 0
_BOOL, _BYTEA, _INT8, _INT4, _TEXT_OID, _FLOAT8 = 16, 17, 20, 23, 25, 701
_JSON, _JSONB, _DATE, _TIMESTAMPTZ, _INTERVAL, _NUMERIC = 114, 3802, 1082, 1184, 1186, 1700
_TEXTS, _INT8S = 1009, 1016
_QUOTED: Final = re.compile(r'(["\\])')
_INT4_MAX: Final = 2**31
_INT8_MAX: Final = 2**63
_MICROSECOND: Final = timedelta(microseconds=1)


def encode(value: Any) -> Encoded:
    """Return a parameter as it is sent.

    Raises:
        psycopg.DataError: a text with a NUL character.
        TypeError: no column holds values of this type.
    """
    kind = type(value)
    how = _HOW.get(kind)
    if how is None:
        how = _HOW[kind] = _found(kind)
    return how(value)


def decoder(driver: psycopg.Connection[Any], oid: int) -> Decoder:
    """Return what reads a column of this type."""
    known = _READ.get(oid)
    if known is None:
        loader = driver.adapters.get_loader(oid, pq.Format.TEXT) or driver.adapters.get_loader(
            _UNKNOWN, pq.Format.TEXT
        )
        if loader is None:
            raise TypeError(f"nothing reads a column of type {oid}")
        known = _READ[oid] = loader(oid, None).load
    return known


def _found(kind: type) -> Callable[[Any], Encoded]:
    """Return how the values of a subclass are sent: as those of its nearest base."""
    for base in kind.__mro__:
        if base in _HOW:
            return _HOW[base]
    if issubclass(kind, Mapping):
        return _json
    raise TypeError(f"{kind.__name__} cannot be a parameter")


def _none(_: None) -> Encoded:
    return _UNKNOWN, None, _TEXT


def _text(value: str) -> Encoded:
    raw = value.encode()
    if b"\0" in raw:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return _UNKNOWN, raw, _TEXT


def _bool(value: bool) -> Encoded:
    return _BOOL, b"t" if value else b"f", _TEXT


def _int(value: int) -> Encoded:
    if -_INT4_MAX <= value < _INT4_MAX:
        return _INT4, b"%d" % value, _TEXT
    oid = _INT8 if -_INT8_MAX <= value < _INT8_MAX else _NUMERIC
    return oid, b"%d" % value, _TEXT


def _moment(value: datetime) -> Encoded:
    if value.tzinfo is None:
        raise TypeError("a time without a zone cannot be a parameter")
    return _TIMESTAMPTZ, value.isoformat().encode(), _TEXT


def _lasting(value: timedelta) -> Encoded:
    return _INTERVAL, b"%d microseconds" % (value // _MICROSECOND), _TEXT


def _json(value: Mapping[str, Any]) -> Encoded:
    return _JSONB, dump_bytes(value), _TEXT


def _wrapped(value: Jsonb) -> Encoded:
    return _JSONB, dump_bytes(value.obj), _TEXT


def _wrapped_json(value: Json) -> Encoded:
    return _JSON, dump_bytes(value.obj), _TEXT


def _list(values: list[Any] | tuple[Any, ...]) -> Encoded:
    """Return an array of texts or of whole numbers."""
    if values and isinstance(values[0], int):
        return _INT8S, b"{%s}" % b",".join(b"%d" % each for each in values), _TEXT
    inner = ",".join(
        "null" if each is None else '"' + _QUOTED.sub(r"\\\1", each) + '"' for each in values
    )
    return _UNKNOWN, _text(f"{{{inner}}}")[1], _TEXT


_HOW: Final[dict[type, Callable[[Any], Encoded]]] = {
    type(None): _none,
    str: _text,
    bool: _bool,
    int: _int,
    float: lambda value: (_FLOAT8, repr(value).encode(), _TEXT),
    Decimal: lambda value: (_NUMERIC, str(value).encode(), _TEXT),
    Written: lambda value: (_JSON, value, _TEXT),
    bytes: lambda value: (_BYTEA, value, _BINARY),
    bytearray: lambda value: (_BYTEA, bytes(value), _BINARY),
    memoryview: lambda value: (_BYTEA, bytes(value), _BINARY),
    datetime: _moment,
    date: lambda value: (_DATE, value.isoformat().encode(), _TEXT),
    timedelta: _lasting,
    dict: _json,
    Jsonb: _wrapped,
    Json: _wrapped_json,
    list: _list,
    tuple: _list,
}

_READ: Final[dict[int, Decoder]] = {
    _BOOL: b"t".__eq__,
    _INT4: int,
    _INT8: int,
    _TEXT_OID: bytes.decode,
    _JSON: loads,
    _JSONB: loads,
    _BYTEA: lambda raw: bytes.fromhex(raw[2:].decode()),
    _TIMESTAMPTZ: lambda raw: datetime.fromisoformat(raw.decode()),
}
