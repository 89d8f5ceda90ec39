"""The order "most urgent first", so that no index costs anything where nothing is urgent.

Nearly all tasks have the usual priority. Those that have not stand in a small index of their own;
between them the usual ones are read in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from app.db.paging import Sort
from app.db.schema import tasks as t
from app.task.filters import USUAL

# A number in the SQL, not a parameter: the planner proves with it that the partial index of
# unusual priorities applies.
_USUAL: Final[sa.ColumnElement[int]] = sa.literal_column(str(USUAL))


@dataclass(frozen=True, slots=True)
class Urgency(Sort):
    """The sort itself: the urgent ones, the usual ones, the others; in each the newest first."""

    def behind(self, position: Sequence[Any] | None) -> tuple[sa.ColumnElement[bool], ...]:
        """Return the conditions for the rows behind ``position``, one for each of the parts."""
        urgent, usual, low = (
            t.c.priority > _USUAL,
            t.c.priority == _USUAL,
            t.c.priority < _USUAL,
        )
        if position is None:
            return urgent, usual, low
        value, row_id = position
        later = sa.tuple_(t.c.priority, t.c.id) < sa.tuple_(
            sa.literal(value, t.c.priority.type), sa.literal(row_id, t.c.id.type)
        )
        if value > USUAL:
            return sa.and_(urgent, later), usual, low
        if value == USUAL:
            return sa.and_(usual, t.c.id < row_id), low
        return (sa.and_(low, later),)


def make() -> Urgency:
    """Return the sort."""
    return Urgency(t.c.priority, t.c.id, int, "priority", descending=True)
