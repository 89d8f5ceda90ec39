"""REST: parse the request, call one use case, present. No rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from app.api import (
    absence,
    definition,
    external,
    form,
    going_back,
    health,
    history,
    identity,
    messages,
    notices,
    openapi,
    repair,
    runtime,
    task,
    task_side,
    task_verbs,
    trial,
    views,
)
from app.api.errors import answer_http
from app.api.figures import BusinessFigures
from app.runtime.figures import Figures, figures
from app.runtime.ports import Engine

_MODULES = (
    identity.operations,
    definition.operations,
    trial.operations,
    runtime.operations,
    repair.operations,
    messages.operations,
    external.operations,
    task.operations,
    form.operations,
    views.operations,
    task_verbs.operations,
    task_side.operations,
    going_back.operations,
    absence.operations,
    notices.operations,
    history.operations,
    health.operations,
)


def register(app: Flask) -> tuple[Blueprint, ...]:
    """Add every endpoint to ``app``; ``app.extensions["engine"]`` must be there.

    Returns:
        The blueprints: what a bearer token or nothing opens, never a cookie.
    """
    blueprints = (*(each.blueprint for each in _MODULES), health.blueprint, openapi.blueprint)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    openapi.document_all(_MODULES)
    app.extensions["figures"] = BusinessFigures(_counting(app))
    app.before_request(_outside_of_endpoints)
    return blueprints


def _counting(app: Flask) -> Callable[[datetime], Figures]:
    engine: Engine = app.extensions["engine"]

    def count(now: datetime) -> Figures:
        return figures(engine.db, now=now)

    return count


def _outside_of_endpoints() -> Response | None:
    """Answer what no endpoint under ``/api`` takes, before pages or Flask itself do."""
    if not (request.path == "/api" or request.path.startswith("/api/")):
        return None
    unknown = request.routing_exception
    if isinstance(unknown, RequestRedirect):  # slashes twice: a body would not follow it
        return answer_http(NotFound())
    if unknown is not None:
        return answer_http(unknown)
    if request.method == "OPTIONS":
        answer = current_app.make_default_options_response()
        answer.status_code = 204
        del answer.headers["Content-Type"]
        return answer
    return None
