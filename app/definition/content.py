"""What is kept beside a definition's source: checksum, plain labels, who may start it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from app.core.definition import Definition, Label
from app.core.findings import Finding
from app.db.tx import Tx
from app.errors import Phrase
from app.identity import names
from app.identity.queries import resolve

_canonical: Final = msgspec.json.Encoder(order="sorted", decimal_format="number")
_PREFIXES: Final = {"user": "u", "group": "g", "role": "r"}
_FEW: Final = 50
"""Options of a field that a list is given the labels of."""

_IN_ORDER: Final = frozenset({"set", "form", "columns", "variables"})
"""Maps whose order means something: what is set first, what is asked and shown first."""


def checksum_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document, whatever its layout and the order of other keys."""
    return hashlib.sha256(_canonical.encode(_ordered(document))).hexdigest()


def _ordered(value: Any, *, keep: bool = False) -> Any:
    """Return a value whose maps may be sorted: those in order are lists of pairs."""
    if isinstance(value, Mapping):
        inner = {name: _ordered(each, keep=name in _IN_ORDER) for name, each in value.items()}
        return [list(pair) for pair in inner.items()] if keep else inner
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def plain(label: Label | None) -> str | None:
    """Return a label in the first language given."""
    if label is None or isinstance(label, str):
        return label
    return next(iter(label.values()), None)


def starters_of(tx: Tx, definition: Definition) -> list[str]:
    """Return the candidate keys of ``start.who``."""
    return _keys(tx, definition.start.get("who") or ())


def viewers_of(tx: Tx, definition: Definition) -> list[str]:
    """Return the candidate keys of ``settings.viewers``."""
    return _keys(tx, definition.settings.get("viewers") or ())


def _keys(tx: Tx, named: Iterable[str]) -> list[str]:
    """Return the candidate keys of people, groups and roles.

    A plain name that means nobody yet keeps all its three meanings, so that it never
    turns into "everyone".
    """
    keys: dict[str, None] = {}
    for name in named:
        prefix, colon, rest = name.partition(":")
        if colon and prefix in _PREFIXES:
            rest = names.normal(rest) if prefix == "user" else rest.strip()
            found: tuple[str, ...] = (f"{_PREFIXES[prefix]}:{rest}",)
        else:
            found = resolve(tx, name).keys or tuple(
                f"{letter}:{name.strip()}" for letter in _PREFIXES.values()
            )
        keys.update(dict.fromkeys(found))
    return list(keys)


def summaries_of(definition: Definition) -> dict[str, list[dict[str, Any]]]:
    """Return what rows of tasks show, by step: ``{name, label, type, options, sensitive}``.

    Each is called as it is declared, else as the first form calls it that has it.
    """
    forms = [definition.start.get("form") or ()]
    forms += [step.config.get("form") or () for step in definition.steps]
    fields: dict[str, Mapping[str, Any]] = {}
    for field in (field for form in forms for field in form):
        fields.setdefault(field["name"], field)
    return {
        step.id: [_told(definition, fields, name) for name in step.config["summary"]]
        for step in definition.steps
        if step.type == "user_task" and step.config.get("summary")
    }


def _told(
    definition: Definition, fields: Mapping[str, Mapping[str, Any]], name: str
) -> dict[str, Any]:
    declared, field = definition.variables.get(name), fields.get(name, {})
    options = field.get("options")
    return {
        "name": name,
        "label": (declared.label if declared else None) or field.get("label", name),
        "type": declared.type if declared else field.get("type", "any"),
        "options": options if isinstance(options, list) and len(options) <= _FEW else None,
        "sensitive": name in definition.sensitive,
    }


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as JSON values; what they say is a ``Phrase``."""
    return [
        {
            "code": finding.code,
            "severity": finding.severity,
            "pointer": finding.pointer,
            "line": finding.line,
            "column": finding.column,
            "message": finding.text(),
            "hint": Phrase(finding.hint, **finding.hint_params or {}) if finding.hint else None,
            **({"witness": list(finding.witness)} if finding.witness else {}),
        }
        for finding in findings
    ]
