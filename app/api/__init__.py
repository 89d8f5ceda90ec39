"""REST: parse the request, call one use case, present. No rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Flask, Response, request

from app.api import definition, health, history, identity, openapi, runtime, task
from app.api.errors import answer_http
from app.api.figures import BusinessFigures
from app.runtime.figures import Figures, figures
from app.runtime.ports import Engine

_MODULES = (
    identity.operations,
    definition.operations,
    runtime.operations,
    task.operations,
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
    app.before_request(_refuse_unknown)
    return blueprints


def _counting(app: Flask) -> Callable[[datetime], Figures]:
    engine: Engine = app.extensions["engine"]

    def count(now: datetime) -> Figures:
        return figures(engine.db, now=now)

    return count


def _refuse_unknown() -> Response | None:
    """Answer an unknown address or a wrong method under ``/api`` before pages see it."""
    unknown = request.routing_exception
    if unknown is None or not (request.path == "/api" or request.path.startswith("/api/")):
        return None
    return answer_http(unknown)
