"""Problem documents (RFC 9457): the one form of every refusal under ``/api``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from app.api.language import said, translated
from app.db.busy import is_busy
from app.db.types import dumps
from app.errors import AppError, FieldError, Phrase, Unavailable
from app.telemetry import metrics

PROBLEM = "application/problem+json"
TYPE = "urn:workflow-engine:problem:"
"""Prefix of a problem's ``type``; what follows is the stable code."""

_RETRY_SECONDS = 2
"""When to come back after an outage of the database that says nothing else."""

_TITLES: Final[Mapping[int, Phrase]] = {
    400: Phrase("Bad Request"),
    401: Phrase("Unauthorized"),
    403: Phrase("Forbidden"),
    404: Phrase("Not Found"),
    405: Phrase("Method Not Allowed"),
    406: Phrase("Not Acceptable"),
    408: Phrase("Request Timeout"),
    409: Phrase("Conflict"),
    412: Phrase("Precondition Failed"),
    413: Phrase("Content Too Large"),
    415: Phrase("Unsupported Media Type"),
    422: Phrase("Unprocessable Content"),
    429: Phrase("Too Many Requests"),
    500: Phrase("Internal Server Error"),
    503: Phrase("Service Unavailable"),
}
"""The names of the statuses (RFC 9110)."""

log = structlog.get_logger(__name__)


def document_of(error: AppError) -> dict[str, Any]:
    """Return the problem document of a refusal, in the caller's language."""
    document: dict[str, Any] = {
        "type": TYPE + error.code,
        "title": said(_TITLES.get(error.status) or HTTPStatus(error.status).phrase),
        "status": error.status,
        "code": error.code,
        "detail": said(error.message, error.params),
        "instance": request.path,
        "request_id": g.get("request_id", ""),
    }
    errors = [_entry(each) for each in error.errors]
    if errors:
        document["errors"] = errors
    extra = {name: value for name, value in error.extra.items() if name != "retry_after"}
    document.update(
        {name: value for name, value in translated(extra).items() if name not in document}
    )
    return document


def answer_error(error: AppError) -> Response:
    """Make the answer of a refusal, in the caller's language."""
    response = Response(dumps(document_of(error)), status=error.status, mimetype=PROBLEM)
    retry_after = error.extra.get("retry_after", _RETRY_SECONDS if error.status == 503 else None)
    response.headers["Cache-Control"] = "no-store"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if error.status == 429:
        metrics.rate_limited("api")
    return response


def answered(view: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap a view so that every error becomes a problem document, whatever pages do."""

    @wraps(view)
    def handle(*args: Any, **kwargs: Any) -> Response:
        try:
            return view(*args, **kwargs)
        except AppError as error:
            return answer_error(error)
        except HTTPException as error:
            return answer_http(error)
        except Exception as error:
            return answer_bug(error)

    return handle


def answer_http(error: HTTPException) -> Response:
    """Make the answer of what Flask itself refuses: unknown address, wrong method."""
    response = answer_error(_as_app_error(error))
    if error.code == 405 and (allow := dict(error.get_headers()).get("Allow")):
        response.headers["Allow"] = allow
    return response


def answer_bug(error: Exception) -> Response:
    """Make the answer of an error nobody foresaw; the log has the details, the caller has not."""
    if is_busy(error):
        log.warning("request.busy", exc_info=error)
        return answer_error(
            Unavailable(
                "busy",
                "Someone else is changing the same thing. Nothing was changed; try again.",
                extra={"retry_after": 1},
            )
        )
    log.error("request.failed", exc_info=error)
    return answer_error(
        _Internal(
            "internal_error",
            "Something went wrong on our side and nothing was changed. Try again; if it stays,"
            " tell an administrator the request id.",
        )
    )


class _Internal(AppError):
    status = 500


def _as_app_error(error: HTTPException) -> AppError:
    code, message = {
        404: ("no_such_address", "There is nothing at this address; see /api/v1/openapi.json."),
        405: ("wrong_method", "This address does not take %(method)s."),
        413: ("body_too_large", "The body is too large; send less at once."),
        415: ("unsupported_media_type", "This address takes JSON."),
    }.get(error.code or 500, ("bad_request", "The request cannot be read."))
    made = AppError(code, message, method=request.method)
    made.status = error.code or 500  # type: ignore[misc]  # Flask decides the status here
    return made


def _entry(error: FieldError) -> dict[str, str]:
    name = "pointer" if error.field.startswith("/") or not error.field else "field"
    return {
        name: error.field,
        "code": error.code,
        "message": said(error.message, error.params),
    }
