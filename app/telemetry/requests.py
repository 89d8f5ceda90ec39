"""Each request: an id that goes everywhere with it, and one line in the log."""

from __future__ import annotations

import re
import time
import uuid
from typing import Final

import structlog
from flask import Flask, Response, g, request

from app.telemetry import metrics

HEADER: Final = "X-Request-ID"
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET: Final = ("/static/", "/health", "/metrics")
"""Asked for all the time by machines: logged at debug."""

log = structlog.get_logger("app.request")


def set_up(app: Flask) -> None:
    """Give every request an id, log it and count it.

    ``g.user_id`` is logged if an edge sets it.
    """
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "(none)"
    response.headers[HEADER] = g.get("request_id", "")
    if request.path.startswith("/api/"):
        metrics.request_answered(_method(), route, response.status_code, seconds)
    say = log.debug if request.path.startswith(_QUIET) else log.info
    say(
        "request",
        method=request.method,
        path=request.path,
        route=route,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        user_id=g.get("user_id"),
    )
    return response


def _method() -> str:
    """Return the method, or one word for all that nobody knows: a label must stay bounded."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return request.method if request.method in known else "OTHER"
