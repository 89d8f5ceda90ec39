"""Addresses: those that a request names, and those of lists with many rows."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from flask import g, request, url_for

_UNSAFE: Final = ("\\", "//", "/\\")
_MARK: Final = 2**62
"""An id that nothing else in an address looks like."""


def local(url: str | None) -> str | None:
    """Return ``url`` if it is a path of this site, else None.

    Browsers read a backslash as a slash and drop tabs and line breaks, so an address
    with any of these is none of ours.
    """
    if not url or not url.startswith("/") or url.startswith(_UNSAFE):
        return None
    if "\\" in url or any(ord(sign) < 33 or ord(sign) == 127 for sign in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else url


def here() -> str:
    """Return the address of the page that the reader has open.

    That is this request's own for a plain GET; else the page it was sent from.
    """
    if request.method in ("GET", "HEAD") and "HX-Request" not in request.headers:
        return _path(request.full_path.removesuffix("?"))
    came_from = request.headers.get("HX-Current-URL") or request.referrer or ""
    parts = urlsplit(came_from)
    if parts.netloc != request.host:
        return "/inbox"
    return _path(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def url_by_id(endpoint: str, **named: int | str) -> str:
    """Return what ``url_for`` does for an address with one id in it.

    It is built once a request and filled in for each row: twenty times as quick.

    Args:
        named: the one id, by the name that the route gives it; or what stands for any.
    """
    built: dict[str, tuple[str, str]] = g.setdefault("addresses", {})
    ((name, number),) = named.items()
    if endpoint not in built:
        marked: dict[str, Any] = {name: _MARK}
        before, _, behind = url_for(endpoint, **marked).rpartition(str(_MARK))
        built[endpoint] = before, behind
    before, behind = built[endpoint]
    return f"{before}{number}{behind}"


def _path(url: str) -> str:
    return local(url) or "/inbox"
