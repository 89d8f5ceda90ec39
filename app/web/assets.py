"""Addresses of static files that change with their content, so that browsers may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

_YEAR_IN_SECONDS = 365 * 24 * 3600


def init_assets(app: Flask) -> None:
    """Give templates ``asset("css/app.css")`` and let what it names be kept for a year."""
    app.jinja_env.globals["asset"] = asset
    app.after_request(_keep)


def asset(name: str) -> str:
    """Return the address of a static file with the beginning of its SHA-256 as ``v``.

    Args:
        name: path below ``static``.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = Path(current_app.static_folder or "static") / name
    modified = path.stat().st_mtime_ns
    return url_for("static", filename=name, v=_fingerprint(path, modified))


@cache
def _fingerprint(path: Path, modified_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _keep(response: Response) -> Response:
    if request.endpoint == "static" and "v" in request.args and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_IN_SECONDS}, immutable"
    return response
