"""Correcting variables by a form: each declared one by its type, any other as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.core import form
from app.core.definition import Definition, Variable
from app.core.generated_form import AS_JSON, field_of
from app.core.jsontext import JsonError, read
from app.core.values import plain_text
from app.errors import Invalid
from app.runtime.start_form import not_json


@dataclass(frozen=True, slots=True)
class EditForm:
    """The variables of an instance as fields.

    Args:
        fields: of ``core.form``, declared ones first; none is required.
        values: what stands in them: plain values, or the text of JSON.
        json: the names of those that are written as JSON; with the types they must have.
    """

    fields: tuple[Mapping[str, Any], ...]
    values: Mapping[str, Any]
    json: Mapping[str, str]

    def read(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the new values; what is left empty becomes null.

        Args:
            raw: what was changed, by name, as a browser posts it.

        Raises:
            Invalid: one error per wrong value.
        """
        asked = [field for field in self.fields if field["name"] in raw]
        filled, errors = form.validate(asked, raw, text=True)
        found, values = list(errors), {}
        for name, value in filled.items():
            try:
                values[name] = self._as_declared(name, value)
            except JsonError as error:
                found.append(not_json(name, error))
        if found:
            raise Invalid("invalid_variables", "Correct the values.", errors=tuple(found))
        return values

    def _as_declared(self, name: str, value: Any) -> Any:
        if name not in self.json or value is None:
            return value
        try:
            return read(value).value
        except JsonError:
            if self.json[name] == "any":
                return value
            raise


def edit_form(
    definition: Definition, values: Mapping[str, Any], hidden: frozenset[str]
) -> EditForm:
    """Return the form in which the variables of an instance can be corrected.

    Args:
        hidden: names whose values the reader may not see, and so not correct either.
    """
    others = [name for name in values if name not in definition.variables]
    variables = [
        *definition.variables.values(),
        *(Variable(name, "any") for name in sorted(others)),
    ]
    shown = [variable for variable in variables if variable.name not in hidden]
    # An amount with its currency is an object: no control for a number can hold it.
    shown = [
        replace(each, type="object")
        if each.type == "money" and isinstance(values.get(each.name), Mapping)
        else each
        for each in shown
    ]
    json = {each.name: each.type for each in shown if each.type in AS_JSON and each.enum is None}
    return EditForm(
        tuple({**field_of(each), "required": False, "default": None} for each in shown),
        {each.name: _text(values.get(each.name), each.name in json) for each in shown},
        json,
    )


def _text(value: Any, as_json: bool) -> Any:
    """Return a value as its control begins with it."""
    return plain_text(value) if as_json and value is not None else value
