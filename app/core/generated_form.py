"""The form that is made of a definition's variables, for want of a start form of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.core.definition import Variable
from app.core.values import plain_text

AS_JSON: Final[Mapping[str, str]] = {
    "object": 'Written as JSON: an object, like {"city": "Ulm"}.',
    "array": "Written as JSON: a list, like [1, 2, 3].",
    "file": "Written as JSON: an object, or a list of objects.",
    "any": "A text, a number, or anything else written as JSON.",
}
"""Types of variables that no control fits, with the help below their text area."""
_CONTROLS: Final[Mapping[str, str]] = {
    "text": "text",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "money": "number",
    **dict.fromkeys(AS_JSON, "text"),
}
"""Type of a variable → type of its field; any other is a line of text."""


def field_of(variable: Variable) -> dict[str, Any]:
    """Make the field in which a declared variable is filled in."""
    field: dict[str, Any] = {
        "name": variable.name,
        "type": _CONTROLS.get(variable.type, "string"),
        "label": variable.label or variable.name,
        "required": variable.required,
        "default": variable.default,
    }
    if variable.enum is not None:
        options = [{"value": one, "label": plain_text(one)} for one in variable.enum]
        return {**field, "type": "select", "options": options}
    if variable.type in AS_JSON:
        field["help"] = AS_JSON[variable.type]
    return field


def fields_again(variables: Iterable[Variable]) -> list[dict[str, Any]]:
    """Make the fields of the form that opens again what an instance was started with.

    What is written as JSON is left out: it stays as it is. There are no defaults: whoever has
    left something empty has meant it.
    """
    shown = (each for each in variables if each.type not in AS_JSON or each.enum is not None)
    fields = [{**field_of(each), "sensitive": each.sensitive} for each in shown]
    return [{key: given for key, given in field.items() if key != "default"} for field in fields]
