"""Narrowing by declared business data: what a step's ``summary`` tells, compared by its type."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal, cast, get_args

import sqlalchemy as sa

from app.core.form_values import plain_number
from app.core.values import read_number
from app.db.paging import like
from app.task.summary import READ_AS

Op = Literal["is", "least", "most"]
OPS: Final[tuple[Op, ...]] = get_args(Op)

_AMOUNT: Final = """case jsonb_typeof(v) when 'number' then (v #>> '{}')::numeric
    when 'object' then case when jsonb_typeof(v -> 'amount') = 'number'
                            then (v ->> 'amount')::numeric end end"""
# A date is compared as text: the days of ISO 8601 stand in their order, and of a point in time
# as many characters count as are asked for.
_BEGIN: Final = """case when jsonb_typeof(v) = 'string'
    then left(v #>> '{}', length(cast(:data_value as text))) end"""
_COMPARED: Final[Mapping[Op, str]] = {
    "is": f"case when {_AMOUNT} is not null and cast(:data_number as numeric) is not null"
    f" then {_AMOUNT} = cast(:data_number as numeric) else {READ_AS} end",
    "least": f"case when {_AMOUNT} is not null then {_AMOUNT} >= cast(:data_number as numeric)"
    f" else {_BEGIN} >= cast(:data_value as text) end",
    "most": f"case when {_AMOUNT} is not null then {_AMOUNT} <= cast(:data_number as numeric)"
    f" else {_BEGIN} <= cast(:data_value as text) end",
}
# What is sensitive is not compared, whoever asks: as it is with searching.
_FITS: Final = """exists (
select from process_instances held
  join process_definitions made on made.id = held.definition_id
 cross join lateral jsonb_array_elements(made.summaries -> {tasks}.step) as said (field)
 cross join lateral (select held.variables -> (said.field ->> 'name') as v) as given
 where held.id = {tasks}.instance_id and said.field ->> 'name' = :data_field
   and said.field ->> 'sensitive' = 'false' and {compared})"""


def fits(field: str, op: Op, value: str, among: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a value of a task's summary is, or is at least or at most, this.

    Args:
        field: name of the variable.
        value: as a person writes it; compared with numbers and amounts if it is a number.
        among: the tasks, or a subquery with columns of the same names.
    """
    value = value.replace("\0", "")
    number = read_number(plain_number(value, (",", ".")))
    # Beside it the same list may be searched for other words.
    compared = _COMPARED[op].replace(":words", ":data_words")
    sql = _FITS.format(tasks=among.description, compared=compared)
    params = {
        "data_field": field,
        "data_number": None if number is None else Decimal(number),
        "data_words": like(value),
        "data_value": value,
    }
    used = {name: item for name, item in params.items() if f":{name}" in sql}
    return cast("sa.ColumnElement[bool]", sa.text(sql).bindparams(**used))
