"""JSON with exact numbers, both ways: what the database, the API and the core share.

``number`` and ``money`` are decimals everywhere. msgspec writes a Decimal as a plain JSON
number and reads a number with a point or an exponent as a Decimal, never a float.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Json, Jsonb, JsonbDumper, set_json_dumps, set_json_loads


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):  # a Phrase
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _number(text: str) -> int | Decimal:
    # msgspec also hands over integers of more than 64 bits.
    return int(text) if text.lstrip("-").isdigit() else Decimal(text)


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)
_decoder = msgspec.json.Decoder(float_hook=_number)


def dump_bytes(value: Any) -> bytes:
    """Same as ``dumps``, in UTF-8."""
    return _encoder.encode(value)


def dumps(value: Any) -> str:
    """Return ``value`` as JSON text; dates and times become ISO 8601 text.

    Raises:
        TypeError: something in it is no JSON value.
    """
    return _encoder.encode(value).decode()


def loads(text: str | bytes) -> Any:
    """Read JSON text.

    Raises:
        ValueError: it is not JSON, or nested too deep to be read.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


class _DictDumper(JsonbDumper):
    """Lets a dict be a parameter without a wrapper (a list stays an array)."""

    def dump(self, obj: Any) -> bytes:
        return _encoder.encode(obj)


def teach_driver(conn: psycopg.Connection[Any]) -> None:
    """Make a driver connection read and write jsonb exactly."""
    set_json_dumps(_encoder.encode, conn)
    set_json_loads(loads, conn)
    conn.adapters.register_dumper(dict, _DictDumper)


__all__ = ["Json", "Jsonb", "dump_bytes", "dumps", "loads", "teach_driver"]
