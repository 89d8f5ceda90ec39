"""A start form that begins with the values of another instance."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.identity.actor import Actor
from app.identity.sensitive import hidden_names
from app.runtime import queries
from app.runtime.ports import Engine
from app.runtime.start_form import StartForm


def copied(
    engine: Engine, actor: Actor, shown: StartForm, instance_id: int, *, now: datetime
) -> StartForm:
    """Return a start form with the values of an instance as what it begins with.

    Files, and what the actor may not read, are left out: these belong to the other instance.

    Raises:
        NotFound: there is no such instance, or the actor may not see it.
    """
    seen = queries.seen(engine.db, actor, instance_id, now=now)
    hidden = hidden_names(seen.definition, actor)
    known = {name: value for name, value in seen.body["variables"].items() if name not in hidden}
    fields = tuple(
        {**field, "default": known[field["name"]]}
        if known.get(field["name"]) is not None and field["type"] not in ("file", "note")
        else field
        for field in shown.fields
    )
    return replace(shown, fields=fields)
