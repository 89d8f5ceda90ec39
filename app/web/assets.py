"""Addresses of static files that change with their content, so that browsers may keep them.

Icons are drawn here: a list has hundreds, and a macro is a slow way to write one line.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import time
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

from flask import Flask, Response, current_app, g, request, url_for
from markupsafe import Markup

_YEAR_IN_SECONDS = 365 * 24 * 3600
_MOST_FILES: Final = 100
_FRESH: Final = 1.0
"""Seconds in which a file is not looked at again: a page names a score of them."""
_LOOKED: Final[dict[str, tuple[float, str]]] = {}
_PACKABLE: Final = (".css", ".js", ".svg")
_ICONS: Final = "img/icons.svg"
_SVG: Final = Markup('<svg class="icon%s"%s><use href="%s#%s"/></svg>')
_SMALL: Final = Markup(" icon-small")
_HIDDEN: Final = Markup(' aria-hidden="true"')
_LABELLED: Final = Markup(' role="img" aria-label="%s"')


def init_assets(app: Flask) -> None:
    """Give templates ``asset("css/app.css")`` and let what it names be kept for a year."""
    app.jinja_env.globals.update(asset=asset, drawn_icon=drawn_icon)
    app.after_request(_keep)


def asset(name: str) -> str:
    """Return the address of a static file with the beginning of its SHA-256 as ``v``.

    Args:
        name: path below ``static``.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = f"{current_app.static_folder}/{name}"
    looked, shown = _LOOKED.get(path, (-_FRESH, ""))
    now = time.monotonic()
    if now - looked >= _FRESH:
        shown = _versioned(name, path, os.stat(path).st_mtime_ns)
        _LOOKED[path] = now, shown
    return _folder() + shown


def drawn_icon(name: str, small: bool = False, label: str | None = None) -> Markup:
    """Return a symbol of ``img/icons.svg``; without ``label`` it is decoration."""
    if label:
        return _SVG % (_SMALL if small else "", _LABELLED % label, asset(_ICONS), name)
    drawn: dict[tuple[str, bool], Markup] = g.setdefault("icons", {})
    if (name, small) not in drawn:
        drawn[name, small] = _SVG % (_SMALL if small else "", _HIDDEN, asset(_ICONS), name)
    return drawn[name, small]


def _folder() -> str:
    """Return the address that static files are below; built once a request."""
    if "static_address" not in g:
        g.static_address = url_for("static", filename="")
    address: str = g.static_address
    return address


@cache
def _versioned(name: str, path: str, modified_ns: int) -> str:
    fingerprint = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    return f"{quote(name)}?v={fingerprint}"


def _keep(response: Response) -> Response:
    """Let a file whose address changes with it be kept for a year, and send it packed."""
    if request.endpoint == "static" and "v" in request.args and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_IN_SECONDS}, immutable"
        name = (request.view_args or {})["filename"]
        if response.status_code == 200 and name.endswith(_PACKABLE):
            response.vary.add("Accept-Encoding")
            if request.accept_encodings["gzip"]:
                folder = current_app.static_folder or "static"
                _pack(response, os.path.normpath(os.path.join(folder, name)))
    return response


def _pack(response: Response, path: str) -> None:
    """Replace the file of an answer by its gzip form, which is kept as long as the process runs.

    Pages are not packed: with the token and the reader's search in one answer, its length
    could be made to tell what the token is (BREACH).
    """
    packed = _packed(path, os.stat(path).st_mtime_ns)
    getattr(response.response, "close", lambda: None)()  # the file that is not sent
    response.direct_passthrough = False
    response.set_data(packed)
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("ETag", None)  # that of the other form
    response.headers.pop("Accept-Ranges", None)


@lru_cache(_MOST_FILES)
def _packed(path: str, modified_ns: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), mtime=0)
