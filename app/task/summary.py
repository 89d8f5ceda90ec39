"""What a row of a list tells of the business behind a task: the step's ``summary``.

A definition's row keeps, by step, which variables these are and how they are called, so
that a list needs neither the document nor all the variables of an instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from app.identity.actor import Actor

# Where a query has the three tables, as lists of tasks do.
_EACH: Final = "jsonb_array_elements(process_definitions.summaries -> tasks.step) as said (field)"
_VALUES: Final = "process_instances.variables"

SHOWN: Final[sa.ColumnElement[Any]] = sa.literal_column(
    "(select jsonb_agg(said.field || jsonb_build_object("  # noqa: S608 - constants only
    f"'value', {_VALUES} -> (said.field ->> 'name'))) from {_EACH})"
)
"""A task's summary, ``[{name, label, type, options, sensitive, value}]``; null if it has none."""
# Of an amount its number and its currency, not what its members are called; of an option the
# label too. No further sets of rows: PostgreSQL would expect so many that it read all tasks.
_LABEL: Final = "jsonb_path_query_first(said.field, '$.options[*] ? (@.value == $v).label{}', {})"
_GIVEN: Final = "jsonb_build_object('v', v)"
READ_AS: Final = f"""(case when jsonb_typeof(v) = 'object' and v -> 'amount' is not null
       then concat_ws(' ', v ->> 'amount', v ->> 'currency') else v #>> '{{}}' end ilike :words
  or coalesce(said.field ->> 'options', '') ilike :words
     and concat_ws(' ', {_LABEL.format(' ? (@.type() == "string")', _GIVEN)} #>> '{{}}',
                   {_LABEL.format(".en", _GIVEN)} #>> '{{}}',
                   {_LABEL.format(".zh", _GIVEN)} #>> '{{}}') ilike :words)"""
"""Whether the value ``v`` of a summary's field ``said.field`` has ``words`` as it is read."""
MATCHES: Final = sa.text(
    "(process_definitions.summaries -> tasks.step is not null and"  # most have none: be quick
    f" exists (select from {_EACH} cross join lateral"
    f" (select {_VALUES} -> (said.field ->> 'name') as v) as given"
    f" where said.field ->> 'sensitive' = 'false' and {READ_AS}))"
)
"""Whether the summary has ``words``, a pattern, in a value that nobody has to hide."""


def told(actor: Actor, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a task's summary for a reader: without what is empty and what they may not see.

    Args:
        row: with a list's ``summary``, or ``summaries`` of its definition and ``variables``.
    """
    hidden = not actor.can("variable:read_sensitive")
    return [
        {name: field[name] for name in ("name", "label", "type", "options", "value")}
        for field in _fields(row)
        if field["value"] is not None and not (hidden and field["sensitive"])
    ]


def _fields(row: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if "summaries" not in row:
        listed: Iterable[Mapping[str, Any]] = row["summary"] or ()
        return listed
    named = row["summaries"].get(row["step"], ())
    return [field | {"value": row["variables"].get(field["name"])} for field in named]
