"""Refusals and failures as pages, or as a short message where htmx asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import structlog
from flask import Flask, Response, g, make_response, render_template, request, url_for
from flask_babel import LazyString, gettext, lazy_gettext
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from htmx_flask import request as htmx_request
from werkzeug.exceptions import HTTPException

from app.db.busy import is_busy
from app.errors import AppError, Unauthenticated, Unavailable
from app.web import respond
from app.web.i18n import translate_error
from app.web.session import to_sign_in

_TITLES: Final[Mapping[int, LazyString]] = {
    400: lazy_gettext("This request cannot be read"),
    403: lazy_gettext("You may not do this"),
    404: lazy_gettext("There is nothing here"),
    405: lazy_gettext("That does not work here"),
    409: lazy_gettext("This is not possible any more"),
    412: lazy_gettext("This was changed in the meantime"),
    413: lazy_gettext("That is too much at once"),
    422: lazy_gettext("Something has to be corrected"),
    429: lazy_gettext("Too many attempts"),
    500: lazy_gettext("Something went wrong on our side"),
    503: lazy_gettext("Out of reach for the moment"),
}
_TEXTS: Final[Mapping[int, LazyString]] = {
    400: lazy_gettext("Go back, reload the page and try again."),
    403: lazy_gettext("An administrator can give you a role that allows it."),
    404: lazy_gettext("The address has a typing error, or what was here is gone."),
    405: lazy_gettext("Go back and use the buttons of the page."),
    413: lazy_gettext("Send less at once: files together up to 10 MB."),
    500: lazy_gettext(
        "Nothing was changed. Try again; if it happens again, tell an administrator the"
        " request below."
    ),
    503: lazy_gettext("Nothing was changed. Try again in a moment."),
}
_RETRY_SECONDS: Final = 5

log = structlog.get_logger(__name__)


def init_errors(app: Flask) -> None:
    """Answer every error of a page as a page; what is under ``/api`` answers for itself."""
    app.register_error_handler(AppError, answer_refusal)
    app.register_error_handler(CSRFError, _answer_csrf)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_bug)


def answer_refusal(error: AppError) -> Response:
    """Make the page, or the message, of what a use case refused."""
    if isinstance(error, Unauthenticated):
        return to_sign_in()
    response = _answer(error.status, translate_error(error))
    retry_after = error.extra.get("retry_after", _RETRY_SECONDS if error.status == 503 else None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return response


def _answer_csrf(_error: CSRFError) -> Response:
    """A token is missing or of another session: nothing was done, and it is easily repaired."""
    if request.endpoint == "identity.let_in":
        message = gettext(
            "The sign-in page had been open too long. Try again now; if this comes again,"
            " allow cookies for this site."
        )
        target = url_for("identity.sign_in", next=request.args.get("next"))
        return respond.redirect(target, message, "warn")
    if not current_user.is_authenticated:
        return to_sign_in()
    message = gettext(
        "The page you sent this from is from an earlier session, so nothing was changed."
        " Go back, copy what you typed, reload the page and send it again."
    )
    return _answer(400, message, title=gettext("This page has expired"))


def _answer_http(error: HTTPException) -> Response:
    if error.response is not None and error.code is None:
        return make_response(error.response)
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    response = _answer(status, str(_TEXTS.get(status, _TEXTS[500 if status >= 500 else 400])))
    allow = dict(error.get_headers()).get("Allow")
    if status == 405 and allow:
        response.headers["Allow"] = allow
    return response


def _answer_bug(error: Exception) -> Response:
    if is_busy(error):
        log.warning("request.busy", exc_info=error)
        return answer_refusal(
            Unavailable(
                "busy",
                "Someone else is changing the same thing. Nothing was changed; try again.",
                extra={"retry_after": 1},
            )
        )
    log.error("request.failed", exc_info=error)
    return _answer(500, str(_TEXTS[500]))


def _answer(status: int, text: str, *, title: str | None = None) -> Response:
    """Make the answer of an error.

    Args:
        text: what is wrong and what to do, in the reader's language.
        title: default: what the status says.
    """
    title = title or str(_TITLES.get(status, _TITLES[500 if status >= 500 else 400]))
    asked_by_htmx = respond.wants_part()
    body = render_template(
        "errors/part.html" if asked_by_htmx else "errors/error.html",
        status=status,
        title=title,
        text=text,
        request_id=g.get("request_id") if status >= 500 else None,
    )
    response = respond.private(make_response(body, status))
    if asked_by_htmx and not _polls():
        respond.toast(response, text, "bad")
    return response


def _polls() -> bool:
    """Say whether nobody pressed anything: a page asked by itself."""
    badges = ("inbox-badge", "notice-badge")
    return request.method == "GET" and htmx_request.htmx.trigger in badges
