"""The definition format as a JSON Schema (2020-12), for editors.

It is made of the tables that the checker uses, so the two cannot drift: every key of every
step type, every list of words, every name of a table that has no kinds of its own. A
document that the checker accepts fits it; what it refuses the checker refuses as well. It
says nothing about references, expressions and durations: those are the checker's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

from app.core import form_check, kinds_flow, kinds_people, reminding, shape
from app.core.form import MAX_FIELDS
from app.core.form import TYPES as FIELD_TYPES
from app.core.form_values import MAX_FILE_SIZE, MAX_FILES
from app.core.keys import Key
from app.core.kinds import CONDITION, MAX_NAMED, OUTCOME, RETRY_KEYS, TARGET
from app.core.nodes.base import Node
from app.core.nodes.table import NODES
from app.core.retry import BACKOFFS
from app.core.values import TYPES
from app.core.verbs import VERBS
from app.core.working_calendar import DAYS
from app.core.working_calendar import KEYS as CALENDAR_KEYS

Schema = dict[str, Any]

ID: Final = "https://workflow-engine.invalid/definition.schema.json"
"""Only a name: nothing has to be fetched from there."""
_TEXT: Final[Schema] = {"type": "string", "pattern": r"\S"}
_FLAG: Final[Schema] = {"type": "boolean"}
_NAMES: Final[Schema] = {"type": "array", "items": {"type": "string", "minLength": 1}}
_TEXTS: Final[Schema] = {"type": "array", "items": {"type": "string"}}
_EXPRESSION: Final[Schema] = {"type": "string", "pattern": r"\$\{"}
_LABEL: Final[Schema] = {"$ref": "#/$defs/label"}
_DURATION: Final[Schema] = {"type": "string", "minLength": 2, "examples": ["30s", "2h", "3wd"]}
_DAYS: Final[Schema] = {"type": "array", "items": {"type": "string", "format": "date"}}
_CRON: Final[Schema] = {"type": "string", "examples": ["0 8 * * mon-fri"]}


def schema(types: Iterable[str] = ()) -> Schema:
    """Return the schema.

    Args:
        types: step types that were registered beside ours.
    """
    return _schema(tuple(sorted(types)))


@cache
def _schema(types: tuple[str, ...]) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Workflow Engine: process definition",
        **_object(shape.TOP, _TOP, required=("steps",)),
        "anyOf": [{"required": ["name"]}, {"required": ["key"]}],
        "$defs": {
            "label": {
                "description": "A text, or one per language.",
                "anyOf": [
                    _TEXT,
                    {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
                ],
            },
            "variable": _variable(),
            "form": _form(FIELD_TYPES, "field", MAX_FIELDS),
            "field": _field(),
            "columns": _form(form_check.COLUMN_TYPES, "column", form_check.MAX_COLUMNS),
            "column": _field(column=True),
            "target": {"anyOf": [{"type": "string"}, _keyed(TARGET)]},
            "boundary": {"type": "array", "items": _keyed(kinds_flow.BOUNDARY)},
            "multi": _keyed(kinds_flow.MULTI),
            "approval": _keyed(kinds_people.APPROVAL),
            "retry_policy": _object(RETRY_KEYS, _RETRY),
            "steps": {
                "type": "array",
                "minItems": 1,
                "maxItems": shape.MAX_STEPS,
                "items": {"$ref": "#/$defs/step"},
            },
            "step": _step(types),
        },
    }


def _object(
    keys: Iterable[str], known: Mapping[str, Schema], required: Iterable[str] = ()
) -> Schema:
    """Return the schema of an object whose keys the checker has as bare names.

    Raises:
        ValueError: the names are not those of ``known``: one was added or has gone.
    """
    if set(keys) != set(known):
        raise ValueError(f"no schema, or one too many: {sorted(set(keys) ^ set(known))}")
    return _closed({name: known[name] for name in sorted(keys)}, sorted(required))


def _closed(properties: Mapping[str, Schema], required: Iterable[str]) -> Schema:
    made: Schema = {
        "type": "object",
        "properties": dict(properties),
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }
    needed = list(required)
    return made | ({"required": needed} if needed else {})


def _keyed(keys: Iterable[Key]) -> Schema:
    """Return the schema of an object whose keys are said as data."""
    by_name = {key.name: key for key in keys}
    return _closed(
        {name: _value(key) for name, key in by_name.items()},
        (name for name, key in by_name.items() if key.required),
    )


def _value(key: Key) -> Schema:
    made = dict(KINDS[key.kind](key))
    return made | ({"description": key.doc} if key.doc else {})


def _variable() -> Schema:
    kind: Schema = {"enum": list(TYPES)}
    known: Mapping[str, Schema] = {
        "type": kind,
        "label": _LABEL,
        "required": _FLAG,
        "default": {},
        "enum": {"type": "array", "minItems": 1},
        "sensitive": _FLAG,
    }
    return {"anyOf": [kind, _object(shape.VARIABLE, known)]}


def _form(types: Iterable[str], field: str, most: int) -> Schema:
    """Return the schema of a list of fields, or of the columns of a table."""
    one: Schema = {"$ref": f"#/$defs/{field}"}
    return {
        "anyOf": [
            {
                "type": "object",
                "maxProperties": most,
                "patternProperties": {"^x-": True},
                "additionalProperties": {"anyOf": [{"enum": list(types)}, one]},
            },
            {"type": "array", "maxItems": most, "items": {**one, "required": ["name"]}},
        ]
    }


def _field(*, column: bool = False) -> Schema:
    """Return the schema of a field, or of a column of a table."""
    currency: Schema = {"type": "string", "pattern": "^[A-Z]{3}$"}
    size: Schema = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
    hint: Schema = {"anyOf": [_LABEL, {"const": ""}]}
    option = _closed(
        {"value": {"type": ["string", "number", "boolean"]}, "label": _LABEL}, ["value"]
    )
    bound: Schema = {"type": ["number", "string", "boolean", "null", "array", "object"]}
    known: Schema = {
        "name": _TEXT,
        "type": {"enum": list(FIELD_TYPES)},
        "label": hint,
        "help": hint,
        "placeholder": hint,
        "required": _FLAG,
        "default": {},
        "read_only": _FLAG,
        "sensitive": _FLAG,
        "span": {"enum": list(form_check.SPANS)},
        "show_if": {"type": "string"},
        "currency": {"anyOf": [currency, {"type": "array", "minItems": 1, "items": currency}]},
        "accept": {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _TEXT}]},
        "max_size": {"type": "integer", "minimum": 1, "maximum": MAX_FILE_SIZE},
        "max_files": {"type": "integer", "minimum": 1, "maximum": MAX_FILES},
        "columns": {"$ref": "#/$defs/columns"},
        "options": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {"anyOf": [{"type": ["string", "number", "boolean"]}, option]},
                },
            ]
        },
        "min": bound,
        "max": bound,
        "step": {"type": "number", "exclusiveMinimum": 0},
        "min_length": size,
        "max_length": size,
        "pattern": {"type": "string"},
        "pattern_message": _LABEL,
    }
    if not column:
        return _object(form_check.KEYS, known)
    known["type"] = {"enum": list(form_check.COLUMN_TYPES)}
    known["sum"] = _FLAG
    return _object(
        form_check.COLUMN_KEYS,
        {name: known[name] for name in known if name in form_check.COLUMN_KEYS},
    )


def _step(types: tuple[str, ...]) -> Schema:
    made = _object(shape.STEP, {**_STEP, "type": {"enum": [*NODES, *types]}}, ("id", "type"))
    return made | {"allOf": [_of_type(node) for node in NODES.values()]}


def _of_type(node: Node) -> Schema:
    """Return what holds for the steps of one type."""
    then: Schema = {"properties": {"config": _keyed(node.keys)}}
    if node.doc:
        then["description"] = node.doc
    if any(key.required for key in node.keys):
        then["required"] = ["config"]
    if not node.waits:
        then["properties"]["boundary"] = False
    if not node.repeats:
        then["properties"]["multi"] = False
    named: Schema = {"properties": {"type": {"const": node.type}}, "required": ["type"]}
    return {"if": named, "then": then}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "minItems": 1, "items": item}]}


_CALENDAR: Final[Mapping[str, Schema]] = {
    "hours": _closed({day: {"type": "string"} for day in DAYS}, ()),
    "holidays": _DAYS,
    "workdays": _DAYS,
}
_TOP: Final[Mapping[str, Schema]] = {
    "name": _LABEL,
    "key": {"type": "string", "pattern": r"\S"},
    "description": {"anyOf": [_LABEL, {"const": ""}]},
    "version": {"type": "string", "pattern": r"\S"},
    "variables": {
        "type": "object",
        "patternProperties": {"^x-": True},
        "additionalProperties": {"$ref": "#/$defs/variable"},
    },
    "start": _object(
        shape.START,
        {
            "form": {"$ref": "#/$defs/form"},
            "who": _NAMES,
            "title": {"type": "string"},
            "cron": _CRON,
            "message": _TEXT,
        },
    ),
    "settings": _object(
        shape.SETTINGS,
        {
            "max_visits": {"type": "integer", "minimum": 1, "maximum": 100_000},
            "strict_variables": _FLAG,
            "timezone": {"type": ["string", "null"]},
            "owners": _NAMES,
            "viewers": _NAMES,
            "initiator_may_terminate": _FLAG,
            "calendar": _object(CALENDAR_KEYS, _CALENDAR),
            "on_duplicate_business_key": {"enum": list(shape.DUPLICATES)},
            "withdraw": {"enum": list(shape.WITHDRAWALS)},
            "max_rounds": {"type": "integer", "minimum": 1, "maximum": 1_000},
            "approval": {"$ref": "#/$defs/approval"},
        },
    ),
    "steps": {"$ref": "#/$defs/steps"},
}
_STEP: Final[Mapping[str, Schema]] = {
    "id": {"type": "string", "pattern": r"^(?!@).*\S", "maxLength": 128},
    "name": _LABEL,
    "config": {"type": "object"},
    "next": {"type": "array", "items": {"$ref": "#/$defs/target"}},
    "description": {"anyOf": [_LABEL, {"const": ""}]},
    "on_error": {"type": "string"},
    "skip_when": {"type": "string"},
    "boundary": {"$ref": "#/$defs/boundary"},
    "multi": {"$ref": "#/$defs/multi"},
    "point_of_no_return": _FLAG,
}
_RETRY: Final[Mapping[str, Schema]] = {
    "max_attempts": {"type": "integer", "minimum": 1, "maximum": 1000},
    "backoff": {"enum": list(BACKOFFS)},
    "initial": _DURATION,
    "factor": {"type": "number", "minimum": 1, "maximum": 100},
    "max_interval": _DURATION,
    "jitter": _FLAG,
    "retry_on": _TEXTS,
    "do_not_retry": _TEXTS,
}
_EXPRESSIONS: Final[Schema] = {"type": "object"}
_NAMED: Final[Schema] = {"type": "array", "items": {"type": "string", "minLength": 1}}

KINDS: Final[Mapping[str, Callable[[Key], Schema]]] = {
    "text": lambda _: _TEXT,
    "label": lambda _: _LABEL,
    "flag": lambda _: _FLAG,
    "choice": lambda key: {"enum": list(key.choices)},
    "target": lambda _: {"type": "string"},
    "duration": lambda _: _DURATION,
    "due": lambda _: {"type": "string"},
    "priority": lambda _: {
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": 100}, _EXPRESSION]
    },
    "ratio": lambda _: {
        "anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, _EXPRESSION]
    },
    "field": lambda _: _TEXT,
    "names": lambda _: {"anyOf": [_NAMED, _EXPRESSION]},
    "expr_map": lambda _: _EXPRESSIONS,
    "variables": lambda _: _EXPRESSIONS,
    "form": lambda _: {"$ref": "#/$defs/form"},
    "retry": lambda _: {"$ref": "#/$defs/retry_policy"},
    "outcomes": lambda _: {"type": "array", "minItems": 1, "items": _keyed(OUTCOME)},
    "requires": lambda _: _TEXTS,
    "variable_names": lambda _: {**_TEXTS, "maxItems": MAX_NAMED},
    "verbs": lambda _: {"type": "array", "items": {"enum": list(VERBS)}},
    "conditions": lambda _: {"type": "array", "items": _keyed(CONDITION)},
    "condition": lambda _: {"type": "string"},
    "events": lambda _: {
        "type": "array",
        "minItems": 1,
        "items": _keyed(kinds_flow.EVENT),
    },
    "cron": lambda _: _CRON,
    "repeat": lambda _: {
        "anyOf": [{"const": True}, {"type": "integer", "minimum": 1, "maximum": 1000}]
    },
    "variable": lambda _: _TEXT,
    "any_expr": lambda _: {},
    "inputs": lambda _: {"type": "array", "minItems": 1, "items": {"type": "string"}},
    "rules": lambda _: {"type": "array", "minItems": 1, "items": _keyed(kinds_flow.RULE)},
    "cells": lambda _: {"type": "array"},
    "addresses": lambda _: _one_or_more(_TEXT),
    "statuses": lambda _: _one_or_more({"type": "integer", "minimum": 100, "maximum": 599}),
    "steps": lambda _: {"$ref": "#/$defs/steps"},
    "approval": lambda _: {"$ref": "#/$defs/approval"},
    "reminders": lambda _: {
        "type": "array",
        "minItems": 1,
        "maxItems": reminding.MAX_REMINDERS,
        "items": {"type": "string", "examples": ["-1h", "+1d"]},
    },
    "overdue": lambda _: _keyed(kinds_people.OVERDUE),
}
"""Kind of a key → the schema of its value; one for each checker of ``kinds.CHECKERS``."""
