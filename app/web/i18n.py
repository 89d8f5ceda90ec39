"""The reader's language and time zone, and the errors of the use cases in their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.support import Translations
from flask import Flask, current_app, g, request, session
from flask_babel import Babel, get_locale, get_translations, ngettext
from flask_login import current_user
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from app.errors import AppError, FieldError, Phrase, say

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "zh": "中文"}
"""The languages there are, each by its own name."""

DEFAULT_LANGUAGE: Final = "en"
DEFAULT_ZONE: Final = "UTC"
LOCALES: Final[Mapping[str, Locale]] = {code: Locale.parse(code) for code in LANGUAGES}
"""As Babel's functions want them: they need not look them up."""
_CATALOGUES: Final[dict[str, Translations]] = {}
_SESSION_KEY: Final = "lang"
_TRANSLATIONS: Final = Path(__file__).resolve().parents[2] / "translations"


def init_i18n(app: Flask) -> Babel:
    """Set up Flask-Babel: which languages, and who decides.

    ``?lang=`` comes first and stays for the session, then the person's own setting,
    then what the browser asks for. The zone is the person's own setting, else the
    configuration's ``DEFAULT_TIMEZONE``.
    """
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(_TRANSLATIONS))
    app.config.setdefault("BABEL_DEFAULT_LOCALE", DEFAULT_LANGUAGE)
    app.config.setdefault("BABEL_DEFAULT_TIMEZONE", DEFAULT_ZONE)
    babel = Babel(app, locale_selector=_choose_language, timezone_selector=_choose_zone)
    app.before_request(_keep_language)
    app.jinja_env.globals.update(get_locale=get_locale, languages=LANGUAGES, language=language)
    _translate_quickly(app)
    return babel


def language() -> str:
    """Return the reader's language, ``en`` or ``zh``; ``en`` outside a request.

    Kept for the request: lists ask hundreds of times, and Flask-Babel looks through four objects.
    """
    try:
        known: str | None = g.get("reader_language")
    except RuntimeError:  # nobody reads
        return DEFAULT_LANGUAGE
    if known is None:
        found = get_locale()
        g.reader_language = known = found.language if found else DEFAULT_LANGUAGE
    return known


def zone() -> tzinfo:
    """Return the reader's time zone."""
    if "reader_zone" not in g:
        g.reader_zone = ZoneInfo(_choose_zone())
    zone_: tzinfo = g.reader_zone
    return zone_


def catalogue() -> Translations:
    """Return the texts of the reader's language.

    Flask-Babel looks for them anew for each text, in four objects and by the locale's name; a
    list has hundreds of texts.
    """
    code = language()
    if code not in _CATALOGUES:
        _CATALOGUES[code] = get_translations()
    return _CATALOGUES[code]


def gettext(text: str, /, **variables: Any) -> str:
    """Translate a text and fill it in: Flask-Babel's own, where there are many."""
    shown = str(catalogue().ugettext(text))
    return shown % variables if variables else shown


def parse_language(tag: str | None) -> str | None:
    """Return which of our languages a tag means; None if none of them.

    Args:
        tag: such as ``zh-CN``, ``zh_Hans`` or ``en``.
    """
    if not tag:
        return None
    primary = tag.replace("_", "-").split("-", 1)[0].lower()
    return primary if primary in LANGUAGES else None


def translate(template: str, params: Mapping[str, Any] | None = None) -> str:
    """Return an English template with ``%(name)s`` parameters in the reader's words, filled in."""
    return say(template, params, lambda text: str(gettext(text)), pick)


def translate_phrase(text: str) -> str:
    """Return a text in the reader's words if it is known how it was made, else as it is."""
    phrase = text if isinstance(text, Phrase) else Phrase(text)
    return translate(phrase.template, phrase.params)


def translate_error(error: AppError) -> str:
    """Return what a use case refused with, in the reader's language."""
    return translate(error.message, error.params)


def translate_fields(errors: Iterable[FieldError]) -> list[dict[str, str]]:
    """Return wrong values for pages: ``field``, ``code`` and the translated ``text``."""
    return [
        {"field": e.field, "code": e.code, "text": translate(e.message, e.params)} for e in errors
    ]


def pick(label: str | Mapping[str, str] | None, fallback: str = "") -> str:
    """Return a definition's label in the reader's language.

    Args:
        label: one text, or one per language; without the reader's, the first given is taken.
        fallback: what to show if there is no label.
    """
    if not label:
        return fallback
    if isinstance(label, str):
        return label
    return label.get(language()) or next((text for text in label.values() if text), fallback)


def _translate_quickly(app: Flask) -> None:
    """Let templates translate by ``catalogue`` alone; Jinja calls three functions on the way."""

    def filled(context: EvalContext, text: str, variables: Mapping[str, Any]) -> str:
        """As Jinja's own: values are escaped, and a text is a format even without any."""
        shown = Markup(text) if context.autoescape else text  # noqa: S704 - a text of ours
        return shown % variables if "%" in text else shown

    @pass_eval_context
    def one(context: EvalContext, text: str, /, **variables: Any) -> str:
        return filled(context, catalogue().ugettext(text), variables)

    @pass_eval_context
    def several(
        context: EvalContext, single: str, plural: str, number: int, /, **variables: Any
    ) -> str:
        text = catalogue().ungettext(single, plural, number)
        return filled(context, text, {"num": number} | variables)

    app.jinja_env.globals.update({"_": one, "gettext": one, "ngettext": several})


def _keep_language() -> None:
    chosen = parse_language(request.args.get("lang"))
    if chosen and session.get(_SESSION_KEY) != chosen:
        session[_SESSION_KEY] = chosen


def _choose_language() -> str:
    chosen = parse_language(request.args.get("lang")) or parse_language(session.get(_SESSION_KEY))
    if chosen:
        return chosen
    own = parse_language(getattr(_person(), "language", None))
    if own:
        return own
    for tag, _quality in request.accept_languages:
        asked = parse_language(tag)
        if asked:
            return asked
    return DEFAULT_LANGUAGE


def _choose_zone() -> str:
    for name in (getattr(_person(), "timezone", None), current_app.config.get("DEFAULT_TIMEZONE")):
        if name and _zone_exists(name):
            return str(name)
    return DEFAULT_ZONE


def _person() -> Any:
    """Return who is signed in, as far as their settings go; None without anybody."""
    user = current_user
    if not user or not user.is_authenticated:
        return None
    return getattr(user, "actor", user)


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


__all__ = [
    "LANGUAGES",
    "LOCALES",
    "gettext",
    "init_i18n",
    "language",
    "ngettext",
    "parse_language",
    "pick",
    "translate",
    "translate_error",
    "translate_fields",
    "translate_phrase",
    "zone",
]
