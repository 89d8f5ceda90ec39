"""Starting a process: the catalogue, and the form of one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flask import Response, request, url_for
from flask_babel import gettext, lazy_gettext

from app.core.definition import Label
from app.definition import queries
from app.definition.row import DefinitionRow
from app.errors import Invalid
from app.runtime.copied_start import copied
from app.runtime.form_look import is_live
from app.runtime.start_form import (
    StartForm,
    look_at_start,
    start_by_form,
    start_form,
    upload_for_start,
)
from app.web import forms, respond
from app.web.form_view import cell_labels, context, shown_values
from app.web.i18n import pick, translate
from app.web.session import actor, engine, now

_BUSINESS_KEY: Final = lazy_gettext("Business key")


def catalogue() -> Response:
    """Show what the reader can start; htmx gets the tiles alone."""
    q = (request.args.get("q") or "").strip()
    startable = queries.startable(engine().db, actor())
    described = queries.descriptions(engine().db, startable)
    return respond.page(
        "runtime/catalogue.html",
        "runtime/catalogue_part.html",
        rows=[row for row in startable if _fits(row, described.get(row.id), q.casefold())],
        described=described,
        q=q,
        any=bool(startable),
        may_write=actor().can("process:write"),
    )


def form(definition_id: int) -> Response:
    """Show what has to be filled in to start a definition, perhaps as it was another time."""
    shown = start_form(engine(), actor(), definition_id, now=now())
    copied_from = request.args.get("copy", type=int)
    if copied_from:
        shown = copied(engine(), actor(), shown, copied_from, now=now())
    return _page(shown)


def begin(definition_id: int) -> Response:
    """Start it; what was typed is kept if anything of it is wrong."""
    shown = start_form(engine(), actor(), definition_id, now=now())
    raw, refused = forms.keep_uploads(forms.posted(), _keeper(definition_id))
    try:
        if refused is not None:
            raise refused
        row = start_by_form(
            engine(),
            actor(),
            definition_id,
            forms.with_zone(shown.fields, raw),
            business_key=forms.text("business_key").strip() or None,
            once=forms.sent_once(),
            now=now(),
        )
    except Invalid as error:
        return _page(shown, error, typed=raw)
    message = gettext("“%(title)s” is started.", title=row.title)
    return respond.redirect(url_for("runtime.instance", instance_id=row.id), message)


def again(shown: StartForm, raw: Mapping[str, Any]) -> Response:
    """Show a start form with what is filled in so far."""
    return _page(shown, typed=raw)


def _keeper(definition_id: int) -> Callable[[str, str, bytes], Mapping[str, Any]]:
    return lambda field, name, content: upload_for_start(
        engine(), actor(), definition_id, field, name, content, now=now()
    )


def _fits(row: DefinitionRow, description: Label | None, q: str) -> bool:
    words = (*_texts(row.names), row.key, *_texts(description))
    return any(q in text.casefold() for text in words)


def _texts(label: Label | None) -> Iterable[str]:
    return label.values() if isinstance(label, Mapping) else (label or "",)


def _page(
    shown: StartForm, error: Invalid | None = None, *, typed: Mapping[str, Any] | None = None
) -> Response:
    """Return the page of a start form, or for htmx what stands in it.

    Args:
        typed: what was posted; it stays in the form.
    """
    problems = forms.problems(error)
    look = look_at_start(engine(), actor(), shown, typed, now=now())
    number = shown.definition.id
    labels = {field["name"]: field.get("label") for field in shown.fields}
    labels |= cell_labels(shown.fields, problems.errors)
    answer = respond.page(
        "runtime/start.html",
        "runtime/start_part.html",
        status=error.status if error else 200,
        row=shown.definition,
        description=queries.descriptions(engine().db, [shown.definition]).get(shown.definition.id),
        name=pick(shown.definition.names, shown.definition.key),
        fields=[_in_words(field) for field in shown.fields] if shown.generated else shown.fields,
        values=shown_values(shown.fields, shown.values | dict(typed or {}), look),
        live=is_live(shown.fields),
        around=context(
            look,
            form=url_for("form.start_rows", definition_id=number),
            live=url_for("form.start_live", definition_id=number),
            files=url_for("form.start_files", definition_id=number),
        ),
        business_key=forms.text("business_key"),
        once=forms.ONCE,
        token=secrets.token_urlsafe(12),
        business_key_label=str(_BUSINESS_KEY),
        problems=problems,
        labels={**labels, "business_key": str(_BUSINESS_KEY)},
        prefix=forms.PREFIX,
    )
    if error and respond.wants_part():
        respond.retarget(answer, "#start", "innerHTML")
    return answer


def _in_words(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a generated field with its help in the reader's language."""
    return {**field, "help": translate(field["help"])} if field.get("help") else field
