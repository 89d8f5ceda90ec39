"""The errors that use cases raise; each edge maps them once.

A message is a template in English with named ``%(name)s`` parameters, so that an
edge can translate the template and then fill it in. ``code`` is stable and
documented; clients switch on it, people read the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar


class Phrase(str):
    """A text that an edge can say in another language, also where it stands within another.

    It is the English text, filled in: whoever knows nothing of languages takes it as it is.

    Args:
        template: English, with ``%(name)s`` parameters; a phrase without any stays itself.
        params: what fills the template; may be phrases in turn.
    """

    __slots__ = ("params", "template")
    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, /, **params: Any) -> Phrase:
        if isinstance(template, Phrase) and not params:
            return template
        made = super().__new__(cls, template % params if params else template)
        made.template = template
        made.params = params
        return made

    def parts(self) -> dict[str, Any]:
        """Return what it was made of as a JSON value; see ``phrase_of``."""
        made = {name: _part(value) for name, value in self.params.items()}
        return {"template": self.template, "params": made}


def _part(value: Any) -> Any:
    if isinstance(value, Phrase):
        return value.parts()
    return value if isinstance(value, int | Decimal) else str(value)


def phrase_of(parts: Mapping[str, Any]) -> Phrase:
    """Return the phrase that ``Phrase.parts`` took apart."""
    params = {
        name: phrase_of(value) if isinstance(value, Mapping) else value
        for name, value in parts["params"].items()
    }
    template = parts["template"]
    return Phrase(template, **params)


def _plain(value: Any) -> Any:
    return _first(value) if isinstance(value, Mapping) else written(value)


def written(value: Any) -> Any:
    """Return a value that fills a template as programs write it: exact numbers, ISO 8601."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value


def _first(label: Mapping[str, str]) -> str:
    return next(iter(label.values()), "")


def say(
    template: str,
    params: Mapping[str, Any] | None,
    translate: Callable[[str], str],
    pick: Callable[[Mapping[str, str]], str] = _first,
) -> str:
    """Return a template in another language, filled in.

    Args:
        translate: gives a template's translation.
        pick: gives the text of a label, which is one for each language.
    """
    text = translate(template) if template else ""  # catalogs keep their own facts under ""
    if not params:
        return text

    def filled(value: Any) -> Any:
        if isinstance(value, Phrase):
            return say(value.template, value.params, translate, pick)
        return pick(value) if isinstance(value, Mapping) else written(value)

    return text % {name: filled(value) for name, value in params.items()}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong value.

    Args:
        field: the name of a form field or variable, or a JSON pointer (``/steps/2/id``).
        code: stable word for the kind of error (``required``, ``wrong_type``, …).
        message: English template, see the module docstring.
        params: what fills the template.
    """

    field: str
    code: str
    message: str
    params: Mapping[str, Any] | None = None

    def text(self) -> Phrase:
        """Return the message in English, filled in."""
        return Phrase(self.message, **{n: _plain(v) for n, v in (self.params or {}).items()})


class AppError(Exception):
    """Base of everything a use case refuses with.

    Args:
        code: stable word, part of the problem type.
        message: English template.
        errors: one entry per wrong value, if the refusal is about values.
        extra: members added to the problem document (JSON values only).
        params: what fills the template; also labels of a definition, one for each language.
    """

    status: ClassVar[int] = 500

    def __init__(
        self,
        code: str,
        message: str,
        *,
        errors: tuple[FieldError, ...] = (),
        extra: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.errors = errors
        self.extra = dict(extra or {})
        self.params = params

    def __str__(self) -> str:
        return say(self.message, self.params, str)


class Malformed(AppError):
    """The request cannot be read (broken JSON, unknown query name)."""

    status = 400


class Unauthenticated(AppError):
    """Nobody is signed in, or the token is not valid."""

    status = 401


class Forbidden(AppError):
    """The actor may not do this."""

    status = 403


class NotFound(AppError):
    """It does not exist, or the actor may not see it."""

    status = 404


class Conflict(AppError):
    """The state of the thing does not allow it (any more)."""

    status = 409


class PreconditionFailed(AppError):
    """``If-Match`` named another version than the current one."""

    status = 412


class TooLarge(AppError):
    """The body or a value is larger than allowed."""

    status = 413


class Unsupported(AppError):
    """The media type is not accepted here."""

    status = 415


class Invalid(AppError):
    """Values are wrong; ``errors`` has one entry per value."""

    status = 422


class TooMany(AppError):
    """Too many requests; ``extra["retry_after"]`` says in how many seconds to try again."""

    status = 429


class Unavailable(AppError):
    """A part that is needed (the database) cannot be reached now."""

    status = 503
