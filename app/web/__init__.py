"""Pages: parse the request, call one use case, present. No rules."""

from __future__ import annotations

from typing import Final

from flask import Flask
from htmx_flask import Htmx

from app.web import (
    absence,
    bulk,
    definition,
    errors,
    form,
    going_back,
    history,
    identity,
    inbox,
    notices,
    rule_words,
    runtime,
    session,
    side,
    signers,
    task,
    unassigned,
    verbs,
    views,
)
from app.web.assets import init_assets
from app.web.filters import init_filters
from app.web.i18n import init_i18n
from app.web.packing import init_packing

_PAGES: Final = (
    identity.bp,
    absence.bp,
    inbox.bp,
    bulk.bp,
    views.bp,
    task.bp,
    form.bp,
    runtime.bp,
    definition.bp,
    history.bp,
    verbs.bp,
    going_back.bp,
    side.bp,
    signers.bp,
    notices.bp,
    unassigned.bp,
)


def register(app: Flask) -> None:
    """Add every page to ``app``.

    ``app.extensions`` holds ``engine`` and ``clock``, and the login manager
    and the CSRF protection are set up.
    """
    Htmx(app)
    init_i18n(app)
    init_filters(app)
    init_assets(app)
    init_packing(app)
    app.jinja_env.globals["rule_words"] = rule_words.BY_RULE
    session.init_session(app, guarded=frozenset(bp.name for bp in _PAGES))
    notices.init_notices(app)
    errors.init_errors(app)
    for bp in _PAGES:
        app.register_blueprint(bp)
