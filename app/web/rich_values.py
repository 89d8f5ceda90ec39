"""Values of fields that are more than one text: amounts, choices, files, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from flask import url_for
from flask_babel import gettext
from markupsafe import Markup

from app.core.form import options_of, sums
from app.web.i18n import pick
from app.web.values import field_value as plain_field
from app.web.values import input_text, number, value

_KIB: Final = 1024


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    if count < _KIB:
        return str(gettext("%(count)s bytes", count=count))
    if count < _KIB * _KIB:
        return str(gettext("%(count)s KB", count=number(_rounded(count, _KIB))))
    return str(gettext("%(count)s MB", count=number(_rounded(count, _KIB * _KIB))))


def _rounded(count: int, unit: int) -> Decimal:
    exact = Decimal(count) / unit
    return exact.quantize(Decimal(1) if exact >= 10 else Decimal("0.1"))


def is_file(item: Any) -> bool:
    """Say whether a value is one of our files."""
    return isinstance(item, Mapping) and {"id", "name", "size", "sha256"} <= item.keys()


def typed_value(item: Any, kind: str | None = None) -> str:
    """Return a value as HTML by its type; what has none of the shapes below as any other."""
    if isinstance(item, Mapping) and item.keys() == {"amount", "currency"}:
        return _money(item)
    if is_file(item):
        return _files([item])
    if isinstance(item, list) and item and all(map(is_file, item)):
        return _files(item)
    return value(item, kind)


def option_pairs(field: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the options of a field as they are posted and as they are read."""
    return [
        (input_text(each["value"]), pick(each.get("label"), input_text(each["value"])))
        for each in options_of(field.get("options") or ())
    ]


def chosen(item: Any) -> list[str]:
    """Return what is ticked of a field for several options, as it is posted."""
    return [input_text(each) for each in item] if isinstance(item, list) else []


def field_value(item: Any, field: Mapping[str, Any]) -> str:
    """Return a value as HTML, by the form field that it is of."""
    kind = field.get("type")
    if kind == "multiselect" and isinstance(item, list) and item:
        return Markup.escape(gettext(", ").join(_option(one, field) for one in item))
    if kind == "rows" and isinstance(item, list) and item:
        return _table(item, field)
    if isinstance(item, Mapping | list):
        return typed_value(item, kind)
    return plain_field(item, field)


def _option(item: Any, field: Mapping[str, Any]) -> str:
    for option in field.get("options") or ():
        if isinstance(option, Mapping) and option["value"] == item:
            return pick(option.get("label"), str(item))
    return str(item)


def _money(item: Mapping[str, Any]) -> Markup:
    amount, currency = item["amount"], item["currency"]
    shown = number(amount) if isinstance(amount, int | Decimal) else str(amount)
    return Markup("{}\N{NO-BREAK SPACE}{}").format(shown, currency)


def _files(items: Iterable[Mapping[str, Any]]) -> Markup:
    rows = Markup().join(
        Markup('<li><a href="{}" download>{}</a> <span class="muted small">{}</span></li>').format(
            url_for("form.download", file_id=item["id"]), item["name"], size(int(item["size"]))
        )
        for item in items
    )
    return Markup('<ul class="files">{}</ul>').format(rows)


def _table(rows: list[Any], field: Mapping[str, Any]) -> Markup:
    columns = field["columns"]
    head = Markup().join(
        Markup('<th scope="col"{}>{}</th>').format(
            _aligned(column), pick(column.get("label"), column["name"])
        )
        for column in columns
    )
    body = Markup().join(
        Markup("<tr>{}</tr>").format(
            Markup().join(
                Markup('<td data-label="{}"{}>{}</td>').format(
                    pick(column.get("label"), column["name"]),
                    _aligned(column),
                    field_value(row.get(column["name"]), column),
                )
                for column in columns
            )
        )
        for row in rows
        if isinstance(row, Mapping)
    )
    return Markup(
        '<table class="grid"><thead><tr>{}</tr></thead><tbody>{}</tbody>{}</table>'
    ).format(head, body, _totals(rows, field))


def _totals(rows: list[Any], field: Mapping[str, Any]) -> Markup:
    """Return the row with the sums of the columns that have one; nothing if none has."""
    totals = sums([field], {field["name"]: rows}, text=False)
    if not totals:
        return Markup()
    cells = Markup().join(
        Markup('<td data-label="{}"{}>{}</td>').format(
            gettext("Sum of %(column)s", column=pick(column.get("label"), column["name"])),
            _aligned(column),
            number(totals[f"{field['name']}.{column['name']}"]),
        )
        if column.get("sum")
        else Markup("<td></td>")
        for column in field["columns"]
    )
    return Markup("<tfoot><tr>{}</tr></tfoot>").format(cells)


def _aligned(column: Mapping[str, Any]) -> Markup:
    numeric = column["type"] in ("number", "integer", "money")
    return Markup(' class="number"') if numeric else Markup()
