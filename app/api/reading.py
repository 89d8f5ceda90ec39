"""Bodies and query strings: read strictly, refused with the place and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import RequestEntityTooLarge

from app.core import jsontext
from app.core.values import pointer_of
from app.errors import FieldError, Invalid, Malformed, PreconditionFailed, TooLarge, Unsupported

MAX_BODY: Final = 1_048_576
"""Bytes of a request body."""

Model = TypeVar("Model", bound=BaseModel)


def body_text() -> str:
    """Return the body as text; empty if none was sent.

    Raises:
        TooLarge, Unsupported: see the codes.
        Malformed: it is not UTF-8.
    """
    data = _body()
    if not data:
        return ""
    if not request.is_json or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise Unsupported(
            "unsupported_media_type",
            "This address takes JSON in UTF-8: send the header “Content-Type: application/json”.",
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unsupported("unsupported_encoding", "Send the body as it is, not compressed.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(
            "not_utf8",
            "The body is not UTF-8: byte %(at)d cannot be read. Save it as UTF-8.",
            at=error.start,
        ) from None


def _body() -> bytes:
    # One byte more than allowed: a chunked body that has it would else be cut, unnoticed.
    request.max_content_length = MAX_BODY + 1
    with suppress(RequestEntityTooLarge):
        data = request.get_data()
        if len(data) <= MAX_BODY:
            return data
    raise TooLarge(
        "body_too_large",
        "The body is larger than %(limit)d bytes; send less at once.",
        limit=MAX_BODY,
    )


def parse(text: str) -> Any:
    """Read JSON with exact numbers.

    Raises:
        Malformed: code ``invalid_json``, with line and column.
    """
    if not text.strip():
        raise Malformed("empty_body", "A JSON body is needed here; none was sent.")
    try:
        return jsontext.read(text).value
    except jsontext.JsonError as error:
        place = {"line": error.line, "column": error.column}
        raise Malformed(
            "invalid_json",
            "The body is not valid JSON at line %(line)d, column %(column)d.",
            errors=(FieldError(error.pointer, error.code, error.message, error.params),),
            extra=place,
            **place,
        ) from None


def body(model: type[Model], text: str) -> Model:
    """Check a body against its model; an absent one is an empty object.

    Raises:
        Malformed: it is not JSON.
        Invalid: code ``invalid_body``, one entry per wrong member.
    """
    value = parse(text) if text.strip() else {}
    try:
        return model.model_validate(value, strict=True)
    except ValidationError as error:
        raise Invalid(
            "invalid_body",
            "The body has members that cannot be used; correct what is listed.",
            errors=tuple(_wrong(each, model) for each in error.errors(include_url=False)),
        ) from None


def query(model: type[Model] | None) -> Model | None:
    """Check the query string against its model; without one, any name is refused.

    Raises:
        Malformed: code ``invalid_query``, one entry per unknown name or wrong value.
    """
    given = request.args.to_dict(flat=False)
    wrong: list[FieldError] = []
    for name, values in given.items():
        if len(values) > 1:
            wrong.append(FieldError(name, "repeated", "Give this parameter once."))
        if any("\0" in value for value in values):
            wrong.append(FieldError(name, "bad_text", "Contains a NUL character; remove it."))
    known = _names(model) if model else ()
    wrong += [_unknown(name, known) for name in given if name not in known]
    if not wrong and model is not None:
        try:
            return model.model_validate({name: values[0] for name, values in given.items()})
        except ValidationError as error:
            wrong = [_parameter(each, model) for each in error.errors(include_url=False)]
    if wrong:
        raise Malformed(
            "invalid_query",
            "The address has parameters that cannot be used; correct what is listed.",
            errors=tuple(wrong),
        )
    return None


def match(version: str) -> None:
    """Compare ``If-Match``, if sent, with the version that is stored.

    Raises:
        PreconditionFailed: someone changed it meanwhile.
    """
    if request.if_match and not request.if_match.contains(version):
        raise PreconditionFailed(
            "changed_meanwhile",
            "It was changed meanwhile. Get it again and repeat your change on the new version.",
        )


def _names(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _unknown(name: str, known: Iterable[str]) -> FieldError:
    names = ", ".join(sorted(known))
    if not names:
        return FieldError(name, "unknown_name", "This address takes no parameters.")
    return FieldError(name, "unknown_name", "Unknown name. Known are: %(known)s.", {"known": names})


_MESSAGES: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("required", "This member is required."),
    "string_too_long": ("too_long", "Use at most %(max_length)s characters."),
    "string_too_short": ("too_short", "Use at least %(min_length)s characters."),
    "string_type": ("wrong_type", "This must be a text."),
    "int_type": ("wrong_type", "This must be an integer."),
    "int_parsing": ("wrong_type", "This must be an integer."),
    "int_from_float": ("wrong_type", "This must be an integer."),
    "int_parsing_size": ("out_of_range", "This number is too large."),
    "bool_type": ("wrong_type", "This must be true or false."),
    "bool_parsing": ("wrong_type", "This must be true or false."),
    "dict_type": ("wrong_type", "This must be an object."),
    "model_type": ("wrong_type", "This must be an object."),
    "model_attributes_type": ("wrong_type", "This must be an object."),
    "list_type": ("wrong_type", "This must be a list."),
    "greater_than_equal": ("out_of_range", "This must be at least %(ge)s."),
    "less_than_equal": ("out_of_range", "This must be at most %(le)s."),
    "literal_error": ("unknown_value", "This must be one of: %(expected)s."),
    "datetime_from_date_parsing": ("wrong_type", "Write a time as 2026-01-31T08:00:00Z."),
    "datetime_parsing": ("wrong_type", "Write a time as 2026-01-31T08:00:00Z."),
    "length_of_time": ("bad_duration", "Write a length of time as 30s, 10m, 2h, 1d or PT2H."),
    "too_long": ("too_long", "Use at most %(max_length)s items."),
    "too_short": ("too_short", "Use at least %(min_length)s items."),
    "timezone_aware": ("wrong_type", "Add the time zone: 2026-01-31T08:00:00Z."),
}


def _parameter(detail: ErrorDetails, model: type[BaseModel]) -> FieldError:
    """Return what is wrong with a parameter; it has a name, a member of a body has a place."""
    return replace(_wrong(detail, model), field=str(detail["loc"][0]))


def _wrong(detail: ErrorDetails, model: type[BaseModel]) -> FieldError:
    path = [part for part in detail["loc"] if isinstance(part, str | int)]
    kind = detail["type"]
    if kind == "extra_forbidden":
        unknown = _unknown(str(path[-1]), _names(model))
        return FieldError(pointer_of(path), unknown.code, unknown.message, unknown.params)
    context = {name: str(value) for name, value in detail.get("ctx", {}).items()}
    code, message = _MESSAGES.get(kind, ("invalid", "%(problem)s."))
    return FieldError(pointer_of(path), code, message, {"problem": detail["msg"], **context})
