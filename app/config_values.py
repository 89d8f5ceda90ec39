"""What a setting's value may be: each kind is read from its text, or refused with the remedy."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator

_HOST: Final = re.compile(r"(?!\d+$)[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9])?")
MIN_SIGNING: Final = 24
"""Bytes of the key that webhooks are signed with (Standard Webhooks)."""
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PART: Final = re.compile(r"([0-9]{1,9})([smhd])")


def _duration(value: Any) -> Any:
    """Read ``30m`` or ``7d``; a bare number is refused, as its unit would be a guess."""
    if isinstance(value, timedelta):
        return value
    found = _PART.findall(value) if isinstance(value, str) else []
    if not found or _PART.sub("", value):
        raise ValueError("write a duration with its unit, such as 30m or 24h")
    try:
        whole = sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in found), timedelta())
    except OverflowError:
        raise ValueError("the duration is too long") from None
    if not whole:
        raise ValueError("the duration must be longer than nothing")
    return whole


def _network(value: Any) -> str:
    try:
        return str(ipaddress.ip_network(str(value).strip()))
    except ValueError as error:
        raise ValueError(f"{error}; write a network such as 10.0.0.0/8") from None


def _allowed(value: Any) -> str:
    """Read a network, an address or the name of a host."""
    text = str(value).strip().lower().removesuffix(".")
    with suppress(ValueError):
        return str(ipaddress.ip_network(text))
    try:
        name = text.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):
        raise ValueError(
            "write a host such as hooks.example.com, without scheme and port,"
            " or a network such as 10.0.0.0/8"
        )
    return name


def _signing_secret(value: Any) -> str:
    text = str(value or "").strip()
    if text and len(signing_key(text)) < MIN_SIGNING:
        raise ValueError(
            "write whsec_ and the base64 of at least 24 random bytes;"
            ' echo "whsec_$(openssl rand -base64 32)" makes one'
        )
    return text


def signing_key(secret: str) -> bytes:
    """Return the bytes of a secret as Standard Webhooks writes it; b"" if it is malformed."""
    if not secret.startswith("whsec_"):
        return b""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _public_url(value: Any) -> str:
    """Read the address that people open; its last slash goes."""
    text = str(value or "").strip().rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    plain = "@" not in parts.netloc and not any(ord(sign) < 33 or sign in '<>"' for sign in text)
    named = bool(_HOST.fullmatch(host)) or _is_address(host)
    if (
        parts.scheme not in ("http", "https")
        or not (named and plain)
        or "?" in text
        or "#" in text
        or port == 0
    ):
        raise ValueError("write an address such as https://workflow.example.com")
    return text


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


Network = Annotated[str, BeforeValidator(_network)]
Allowed = Annotated[str, BeforeValidator(_allowed)]
SigningSecret = Annotated[str, BeforeValidator(_signing_secret)]
PublicUrl = Annotated[str, BeforeValidator(_public_url)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
