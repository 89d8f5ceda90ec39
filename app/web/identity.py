"""Signing in and out, and what people set for themselves."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from flask import Blueprint, Response, current_app, request, session, url_for
from flask_babel import force_locale, get_locale, gettext
from flask_login import current_user

from app.adapters import sign_in_limit
from app.config import Settings
from app.errors import AppError, FieldError, Invalid, TooMany, Unauthenticated
from app.identity import service
from app.identity.queries import group_titles
from app.web import forms, respond
from app.web.addresses import local
from app.web.forms import text
from app.web.i18n import translate_error
from app.web.session import actor, begin, end, engine, now

bp = Blueprint("identity", __name__)

THEMES: Final = ("system", "light", "dark")
_A_YEAR: Final = timedelta(days=365)


@bp.get("/")
def home() -> Response:
    """Lead to the inbox, and keep a language that the address asks for."""
    return respond.redirect(url_for("inbox.show", lang=request.args.get("lang")))


@bp.get("/sign-in")
def sign_in() -> Response:
    """Show the door; whoever is in already goes through."""
    if current_user.is_authenticated:
        return respond.redirect(_next())
    return _door("")


@bp.post("/sign-in")
def let_in() -> Response:
    """Begin a session, or say why not without telling which half was wrong."""
    username = text("username")
    try:
        who = sign_in_limit.attempt(
            username,
            lambda: service.authenticate(engine().db, username, text("password"), now=now()),
            door="page",
        )
    except (Unauthenticated, TooMany) as error:
        response = _door(username, error)
        if "retry_after" in error.extra:
            response.headers["Retry-After"] = str(error.extra["retry_after"])
        return response
    begin(who)
    return respond.redirect(_next())


@bp.post("/sign-out")
def sign_out() -> Response:
    """End the session of this browser."""
    end()
    return respond.redirect(url_for("identity.sign_in"), gettext("You are signed out."), "info")


@bp.get("/profile")
def profile() -> Response:
    """Show what someone can set for themselves."""
    return _profile()


@bp.post("/profile")
def keep_preferences() -> Response:
    """Store language, time zone and theme."""
    language, timezone = text("language") or None, text("timezone").strip() or None
    theme = text("theme") or "system"
    try:
        if theme not in THEMES:
            wrong = FieldError("theme", "unknown_theme", "Choose one of the themes.")
            raise Invalid("invalid_preferences", "Correct the marked fields.", errors=(wrong,))
        service.set_preferences(engine().db, actor(), language=language, timezone=timezone)
    except Invalid as error:
        return _profile(error, about="preferences")
    session.pop("lang", None)
    with force_locale(language or get_locale()):
        message = gettext("Your settings are saved.")
    response = respond.redirect(url_for("identity.profile"), message)
    response.set_cookie(
        "theme",
        theme,
        max_age=_A_YEAR,
        samesite="Lax",
        secure=request.is_secure,
        httponly=False,  # the page's own switch writes it as well
    )
    return response


@bp.post("/profile/password")
def change_password() -> Response:
    """Give the account another password; every other session ends, this one goes on."""
    try:
        if text("new") != text("again"):
            wrong = FieldError("again", "differs", "This differs from the new password above.")
            raise Invalid("passwords_differ", "Correct the marked fields.", errors=(wrong,))
        sign_in_limit.attempt(actor().username, _change_password, door="page")
    except (Invalid, Unauthenticated, TooMany) as error:
        return _profile(error, about="password")
    begin(actor())
    return respond.redirect(
        url_for("identity.profile"),
        gettext("Your password is changed. Other devices have to sign in again."),
    )


def _door(username: str, error: AppError | None = None) -> Response:
    settings: Settings = current_app.extensions["settings"]
    return respond.page(
        "identity/sign_in.html",
        status=_status(error),
        username=username,
        problem=translate_error(error) if error else None,
        demo_password=service.DEMO_PASSWORD if settings.mode == "demo" else None,
    )


def _change_password() -> None:
    """Change it; a wrong current one counts like a failed sign-in."""
    current, new = text("current"), text("new")
    try:
        service.change_password(engine().db, actor(), current=current, new=new, now=now())
    except Invalid as error:
        if error.code != "wrong_password":
            raise
        raise Unauthenticated(error.code, error.message, errors=error.errors) from error


def _profile(error: AppError | None = None, *, about: str = "") -> Response:
    who = actor()
    typed = about == "preferences"
    return respond.page(
        "identity/profile.html",
        status=_status(error),
        problems=forms.problems(error),
        about=about,
        person=who,
        groups=sorted(group_titles(engine().db, who.groups).values()),
        language_now=text("language") if typed else who.language or "",
        timezone_now=text("timezone") if typed else who.timezone or "",
        theme_now=text("theme") if typed else request.cookies.get("theme", "system"),
        zones=_zones(),
    )


def _status(error: AppError | None) -> int:
    """Return the status of a form's answer: a wrong password is a wrong entry in it."""
    if error is None:
        return 200
    return 422 if isinstance(error, Unauthenticated) else error.status


@cache
def _zones() -> tuple[str, ...]:
    """Return the zones worth offering: those of places."""
    return tuple(sorted(z for z in available_timezones() if "/" in z and not z.startswith("Etc/")))


def _next() -> str:
    return local(request.args.get("next")) or url_for("inbox.show")
