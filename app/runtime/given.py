"""The values that an instance is started with, judged by its definition."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.definition import Definition
from app.db.tx import Tx
from app.errors import FieldError
from app.identity.actor import Actor
from app.runtime.files import Place
from app.runtime.form_look import surroundings
from app.runtime.variables import by_start_form, variable_errors


def start_scope(definition: Definition, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what expressions of a start form see: declared defaults, who starts it, what."""
    defaults = {name: variable.default for name, variable in definition.variables.items()}
    return {**defaults, **facts}


def given_to_start(
    tx: Tx,
    actor: Actor,
    definition: Definition,
    place: Place,
    variables: Mapping[str, Any],
    facts: Mapping[str, Any],
    *,
    now: datetime,
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the variables to start with, and what is wrong with those that were given.

    Those of the start form are as its fields keep them (a file with its name and size), and
    without those that the form hides; all others are as they were given.
    """
    given = dict(variables)
    errors = {each.field: each for each in variable_errors(definition, given)}
    fields = definition.start.get("form") or ()
    if fields:
        named = {field["name"] for field in fields}
        others = {name: value for name, value in given.items() if name not in named}
        scope = {**start_scope(definition, {}), **others, **facts}
        seen = surroundings(tx, actor, place, fields, given, text=False, scope=scope, now=now)
        filled = by_start_form(definition, given, seen)
        for each in filled.errors:
            errors.setdefault(each.field, each)
        given = {name: value for name, value in given.items() if name not in filled.hidden}
        given |= filled.values
    return given, list(errors.values())
