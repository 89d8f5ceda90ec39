"""How a form stands while it is filled in: what is hidden, what is wrong, what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.form import Seen, fill, mentioned, sums
from app.db.tx import Tx
from app.errors import FieldError
from app.identity.actor import Actor
from app.identity.queries import active_among
from app.runtime import files
from app.runtime.files import Place


@dataclass(frozen=True, slots=True)
class Look:
    """A form as it is filled in so far.

    Args:
        hidden: names of the fields that ``show_if`` hides.
        errors: what would be refused.
        sums: of columns of tables, by ``rows.column``.
        files: those that were filled in, by id: ``{id, name, size, type, sha256}``.
    """

    hidden: frozenset[str] = frozenset()
    errors: tuple[FieldError, ...] = ()
    sums: Mapping[str, Decimal | int] = field(default_factory=dict)
    files: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def is_live(fields: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether anything of a form depends on what is filled in."""
    return any("show_if" in each or each["type"] in ("rows", "file") for each in fields)


def surroundings(
    tx: Tx,
    actor: Actor,
    place: Place,
    fields: Sequence[Mapping[str, Any]],
    raw: Mapping[str, Any],
    *,
    text: bool,
    scope: Mapping[str, Any],
    now: datetime,
    kept: frozenset[str] = frozenset(),
    hidden: frozenset[str] = frozenset(),
) -> Seen:
    """Look up what a form is judged against; asks the database only for what it names.

    Args:
        text: ``raw`` is what a browser posts.
        scope: what ``show_if`` sees beside the form.
        kept: see ``core.form_seen``.
        hidden: names of what the actor may not see.
    """
    users, ids = mentioned(fields, raw, text=text)
    return Seen(
        scope=scope,
        now=now,
        users=active_among(tx, users) if users else frozenset(),
        files=files.known(tx, actor, place, ids, hidden) if ids else {},
        kept=kept,
    )


def look(
    fields: Sequence[Mapping[str, Any]], raw: Mapping[str, Any], seen: Seen, *, text: bool
) -> Look:
    """Return how a form stands with what was filled in so far."""
    filled = fill(fields, raw, text=text, seen=seen)
    return Look(
        hidden=filled.hidden,
        errors=filled.errors,
        sums=sums(fields, raw, text=text),
        files=seen.files or {},
    )
