"""Makes the web application: settings, engine, edges, and what guards all of them."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from flask import Flask, Response, request
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from app import api, web
from app.adapters import sign_in_limit
from app.adapters.executor_rq import RqWaker, connect
from app.api import bearer
from app.config import Settings, load_settings
from app.connector.standard import standard_registry
from app.db import pool_watch
from app.db.engine import create_database
from app.definition.cache import SHARED
from app.runtime.ports import Engine
from app.telemetry import logs, metrics, requests
from app.web.environment import Environment

_ROOT: Final = Path(__file__).resolve().parents[1]
_MAX_UPLOAD: Final = 10 * 1024 * 1024
_MAX_WITH_FILES: Final = _MAX_UPLOAD + 1024 * 1024
"""Bytes of a form with files: one as large as they may be, and what is around it."""
_IDLE: Final = timedelta(hours=12)

_CSP: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_app(settings: Settings | None = None, *, engine: Engine | None = None) -> Flask:
    """Make the application.

    No connection is opened here, so that a server may fork afterwards.

    Args:
        settings: default: from the configuration file and the environment.
        engine: default: made of the settings; tests bring their own.

    Raises:
        ConfigError: the settings cannot be used; the message says which and why.
    """
    settings = settings or load_settings()
    logs.configure(level=settings.log.level, form=settings.log.format, output=settings.log.output)
    app = Flask(
        "app",
        static_folder=str(_ROOT / "static"),
        template_folder=str(_ROOT / "templates"),
    )
    app.jinja_environment = Environment
    _configure(app, settings)
    app.extensions["settings"] = settings
    app.extensions["engine"] = engine or make_engine(settings)
    app.extensions["clock"] = _utc_now
    requests.set_up(app)
    app.after_request(_guard)
    bearer.set_up(
        app,
        secret=settings.jwt.secret_key,
        access=settings.jwt.expiration_time,
        refresh=settings.jwt.refresh_time,
    )
    sign_in_limit.set_up(app, settings.redis_url)
    LoginManager(app)
    app.before_request(_leave_room_for_files)  # before anything looks at the form
    csrf = CSRFProtect(app)
    for blueprint in api.register(app):
        csrf.exempt(blueprint)
    web.register(app)
    return app


def make_engine(settings: Settings) -> Engine:
    """Make what use cases work with: database, services, waker, definitions."""
    db = create_database(
        settings.database_url,
        pool_size=settings.database.max_idle_conns,
        max_overflow=max(settings.database.max_open_conns - settings.database.max_idle_conns, 0),
        max_age=settings.database.conn_max_lifetime.total_seconds(),
    )
    pool_watch.watch(db, metrics.pool_changed)
    return Engine(
        db=db,
        services=standard_registry(settings),
        waker=RqWaker(connect(settings.redis_url)),
        definitions=SHARED,
    )


class _Id(IntegerConverter):
    """Numbers in addresses are ids: what no bigint can be is not there."""

    regex = r"[0-9]{1,19}"

    def __init__(self, map: object) -> None:
        super().__init__(map, max=2**63 - 1)  # type: ignore[arg-type]  # werkzeug's Map


def _configure(app: Flask, settings: Settings) -> None:
    app.url_map.converters["int"] = _Id
    app.config.update(
        SECRET_KEY=_derived(settings.jwt.secret_key, "session"),
        MAX_CONTENT_LENGTH=_MAX_UPLOAD,
        MAX_FORM_MEMORY_SIZE=_MAX_UPLOAD,
        SESSION_COOKIE_NAME="workflow_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.mode != "demo",
        PERMANENT_SESSION_LIFETIME=_IDLE,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        REDIS_URL=settings.redis_url,
        WORKER_LATE_SECONDS=settings.worker_late_after.total_seconds(),
        METRICS_OPEN=settings.mode == "demo",
        METRICS_TOKEN=settings.metrics.token,
        METRICS_NETWORKS=list(settings.metrics.networks),
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def _leave_room_for_files() -> None:
    """Allow for what a browser puts around a file in a form."""
    if request.mimetype == "multipart/form-data":
        request.max_content_length = _MAX_WITH_FILES


def _guard(response: Response) -> Response:
    """Say to the browser what this site never does."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault(
            "Strict-Transport-Security", "max-age=31536000; includeSubDomains"
        )
    return response


def _derived(secret: str, purpose: str) -> str:
    """Return a key of its own for each purpose, so that one kind of token is no other kind."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _utc_now() -> datetime:
    return datetime.now(UTC)
