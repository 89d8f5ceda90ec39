"""Answers: a whole page or the part that htmx asked for, redirects, and short messages.

HX-* headers are set here by hand: htmx-flask's ``make_response`` knows the reswap values
from a list in which a comma is missing, and so refuses valid ones.
"""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from flask import Response, flash, make_response, render_template
from flask import redirect as flask_redirect
from htmx_flask import request

Tone = Literal["good", "info", "warn", "bad"]


def wants_part() -> bool:
    """Say whether htmx asks for a part of the page, not for all of it."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page(full: str, part: str | None = None, *, status: int = 200, **context: Any) -> Response:
    """Render a page, or only its part if htmx asks for that.

    Args:
        full: template of the whole page; it includes the part.
        part: template that htmx swaps in; without one it is always the whole page.
        status: 422 for a form that must be looked at again; htmx swaps it like a 200.
        context: what the template shows.
    """
    name = part if part is not None and wants_part() else full
    return private(make_response(render_template(name, **context), status))


def private(response: Response) -> Response:
    """Mark an answer as one person's: never kept, and different for htmx."""
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("HX-Request")
    return response


def redirect(url: str, message: str | None = None, tone: Tone = "good") -> Response:
    """Send the browser to another page; htmx is told to load it wholly.

    Args:
        url: within this site; the caller has checked it if a request named it.
        message: said on the page that comes next, in the reader's language.
    """
    if message is not None:
        flash(message, tone)
    if request.htmx:
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
    else:
        # Flask's own answer type, whatever class the application chose for it.
        response = cast(Response, flask_redirect(url, code=303))
    return private(response)


def unchanged() -> Response:
    """Answer a poll to which there is nothing new; htmx then leaves the page as it is."""
    return private(make_response("", 204))


def toast(response: Response, message: str, tone: Tone = "good") -> Response:
    """Add a short message that the page shows for some seconds and reads out.

    Args:
        message: what happened, in the reader's language.
    """
    return trigger(response, "toast", {"message": message, "tone": tone})


def trigger(response: Response, event: str, detail: Any = None) -> Response:
    """Add an event that htmx raises in the page, beside those already there."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    events[event] = detail
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def retarget(response: Response, selector: str, swap: str = "outerHTML") -> Response:
    """Let htmx put the answer somewhere else than the element asked for.

    Args:
        selector: CSS selector of the element.
        swap: a value of ``hx-swap``, with modifiers if need be.
    """
    response.headers["HX-Retarget"] = selector
    response.headers["HX-Reswap"] = swap
    return response
