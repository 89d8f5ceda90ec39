"""What browsers post, and what was wrong with it, as templates want it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from flask import request

from app.core.form_values import MAX_FILE_SIZE
from app.errors import AppError, Conflict, FieldError, Invalid, TooLarge
from app.web.i18n import translate_error, translate_fields, zone
from app.web.values import number
from app.web.when import day, moment_text

ONCE: Final = "once"
"""Name of a hidden value that is new each time that a form is shown."""
PREFIX: Final = "f."
"""Before the names of form fields, so that no field is taken for the token or a comment."""
_BETWEEN: Final = re.compile(r"[\s,;，；、]+")
UPLOAD: Final = "upload."
"""Before the names of controls that take files."""
_LOCAL_TIME: Final = re.compile(r"\s*\d{4,6}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*")


@dataclass(frozen=True, slots=True)
class Problems:
    """What a use case refused, translated.

    Args:
        message: the refusal as a whole.
        errors: ``{field, code, text}`` each, for the summary.
        texts: field name → its first message.
    """

    message: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


def problems(error: AppError | None) -> Problems:
    """Return an error's messages in the reader's language; nothing for None."""
    if error is None:
        return Problems()
    errors = translate_fields(_for_readers(each) for each in error.errors)
    texts: dict[str, str] = {}
    for each in errors:
        texts.setdefault(each["field"], each["text"])
    return Problems(translate_error(error), errors, texts)


def _for_readers(error: FieldError) -> FieldError:
    """Return an error with its numbers and dates as the reader writes them."""
    params = {name: _written(value) for name, value in (error.params or {}).items()}
    return FieldError(error.field, error.code, error.message, params)


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return moment_text(value)
    return day(value) if isinstance(value, date) else value


def sent_once() -> str | None:
    """Return what tells the form that was sent from others; the same if it was sent twice.

    With other values it is another: somebody may go back and send it once more on purpose.
    """
    if not request.form.get(ONCE):
        return None
    sent = sorted(request.form.items(multi=True))
    return hashlib.sha256(repr(sent).encode()).hexdigest()


def posted() -> dict[str, Any]:
    """Return what was posted for form fields, as typed: a text, or several as a list."""
    return {
        name.removeprefix(PREFIX): values[0] if len(values) == 1 else values
        for name, values in request.form.lists()
        if name.startswith(PREFIX)
    }


def keep_uploads(
    raw: Mapping[str, Any], keep: Callable[[str, str, bytes], Mapping[str, Any]]
) -> tuple[dict[str, Any], AppError | None]:
    """Keep files that came with a whole form, as browsers without scripts send them.

    Args:
        raw: as ``posted``; returned with the ids of the files added.
        keep: keeps a file: field, name and content in, what is known of it out.

    Returns:
        What is filled in then, and what was refused, if anything.
    """
    found = dict(raw)
    errors: list[FieldError] = []
    for control, upload in request.files.items(multi=True):
        if not upload.filename or not control.startswith(UPLOAD):
            continue
        field = control.removeprefix(UPLOAD)
        try:
            kept = keep(field, upload.filename, upload.stream.read(MAX_FILE_SIZE + 1))
        except Invalid as error:
            errors += error.errors
            continue
        except TooLarge as error:
            errors.append(FieldError(field, error.code, error.message, error.params))
            continue
        except Conflict as error:
            return found, error
        given = found.get(field, [])
        found[field] = [*(given if isinstance(given, list) else [given]), str(kept["id"])]
    if not errors:
        return found, None
    return found, Invalid("invalid_form", "Correct the marked fields.", errors=tuple(errors))


def has_local_time(raw: Mapping[str, Any]) -> bool:
    """Say whether any value is a date and time as a browser's control gives it: without zone."""
    return any(isinstance(value, str) and _LOCAL_TIME.fullmatch(value) for value in raw.values())


def with_zone(fields: Sequence[Mapping[str, Any]], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return posted values with the reader's zone at those dates and times that have none.

    A browser's own control knows no zone: what is typed is meant where the reader is.
    """
    timed = {each["name"] for each in fields if each["type"] == "datetime"}
    cells = {
        (each["name"], column["name"])
        for each in fields
        if each["type"] == "rows"
        for column in each["columns"]
        if column["type"] == "datetime"
    }

    def is_timed(name: str) -> bool:
        table, _, rest = name.partition(".")
        return name in timed or (table, rest.partition(".")[2]) in cells

    return {name: _zoned(value) if is_timed(name) else value for name, value in raw.items()}


def _zoned(value: Any) -> Any:
    try:
        when = datetime.fromisoformat(value.strip())
    except (AttributeError, ValueError):
        return value
    return value if when.tzinfo else when.replace(tzinfo=zone()).isoformat()


def names_in(written: str) -> list[str]:
    """Return the usernames that are written one behind the other, with commas or blanks."""
    return [name.removeprefix("@") for name in _BETWEEN.split(written) if name]


def last_name(written: str) -> tuple[str, str]:
    """Return what is written before the last of several usernames, and that one."""
    ends = [found.end() for found in _BETWEEN.finditer(written)]
    return (written[: ends[-1]], written[ends[-1] :]) if ends else ("", written)


def text(name: str) -> str:
    """Return a posted value of a page's own form, empty if there is none."""
    return request.form.get(name, "")
