"""How a stored file is handed out: as something to keep, never as a page of this site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def headers_of(file: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a download.

    Args:
        file: ``{name, type, sha256}``.
    """
    name = str(file["name"])
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    kind = str(file["type"])
    return {
        **_ALWAYS,
        "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        "Content-Disposition": (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
        ),
        "ETag": f'"{file["sha256"]}"',
    }
