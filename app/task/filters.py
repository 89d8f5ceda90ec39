"""What an inbox is narrowed by: the words of a filter, and the conditions they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa

from app.db.schema import process_instances as i
from app.db.schema import tasks as t
from app.definition.queries import versions_of
from app.errors import Malformed
from app.task.filter_data import OPS, Op, fits

Due = Literal["overdue", "today", "week"]
Priority = Literal["urgent", "normal", "low"]

DUES: Final[tuple[Due, ...]] = get_args(Due)
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
USUAL: Final = 50
"""The priority of a task that says none."""
MAX_LENGTH: Final = 255
"""Characters of a name that is filtered by."""
_DAYS: Final[Mapping[Due, int]] = {"today": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Filters:
    """What tasks have to be to be shown; None says nothing.

    Args:
        process: key of the definition, whatever its version.
        step: id of a step.
        group: name of a group that it is offered to.
        due: ``overdue``, or before the end of ``today`` or of seven days with it.
        priority: ``urgent`` above the usual one, ``low`` below.
        field: name of a variable that the step's ``summary`` tells; with ``value``.
        op: whether that ``is`` the value, or is at ``least`` or at ``most`` it; default ``is``.
        value: as a person writes it; see ``task.filter_data``.
    """

    process: str | None = None
    step: str | None = None
    group: str | None = None
    due: Due | None = None
    priority: Priority | None = None
    field: str | None = None
    op: Op | None = None
    value: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """Those that say something, by their names."""
        return {name: value for name, value in asdict(self).items() if value is not None}


NONE: Final = Filters()
NAMES: Final = tuple(asdict(NONE))


def read(given: Mapping[str, Any]) -> Filters:
    """Make filters of an address's or a body's members; empty ones say nothing.

    Raises:
        Malformed: code ``bad_filter``: a word that is none of those there are.
    """
    found = {name: (given.get(name) or "").strip() or None for name in NAMES}
    if not (found["field"] and found["value"]):
        found |= dict.fromkeys(("field", "op", "value"))
    for name, known in (("due", DUES), ("priority", PRIORITIES), ("op", OPS)):
        if found[name] is not None and found[name] not in known:
            raise Malformed(
                "bad_filter",
                "%(name)s must be one of: %(known)s.",
                name=name,
                known=", ".join(known),
            )
    for name, value in found.items():
        if value is not None and (len(value) > MAX_LENGTH or "\x00" in value):
            raise Malformed("bad_filter", "%(name)s is no name of anything.", name=name)
    return Filters(**found)  # type: ignore[arg-type]  # checked above


def conditions(
    filters: Filters,
    *,
    now: datetime,
    zone: tzinfo,
    among: sa.FromClause = t,
) -> list[sa.ColumnElement[bool]]:
    """Return what of a task's columns has to be true.

    Args:
        zone: of the reader, whose day it is that ends.
        among: the tasks, or a subquery with columns of the same names.
    """
    c = among.c
    found: list[sa.ColumnElement[bool]] = []
    if filters.process is not None:
        found.append(c.definition_id.in_(versions_of(filters.process)))
    if filters.step is not None:
        found.append(c.step == filters.step)
    if filters.group is not None:
        found.append(c.candidates.contains([f"g:{filters.group}"]))
    if filters.due is not None:
        found += _due(filters.due, c, now, zone)
    if filters.priority is not None:
        found.append(
            {
                "urgent": c.priority > USUAL,
                "normal": c.priority == USUAL,
                "low": c.priority < USUAL,
            }[filters.priority]
        )
    if filters.field is not None and filters.value is not None:
        found.append(fits(filters.field, filters.op or "is", filters.value, among))
    return found


def _due(
    due: Due, c: sa.ColumnCollection[str, Any], now: datetime, zone: tzinfo
) -> list[sa.ColumnElement[bool]]:
    before = c.due_at < bound(due, now, zone)
    if due != "overdue":
        return [before]
    # The clocks of a suspended instance stand: its tasks are late only if they were then.
    its = i.alias("its")
    stopped = sa.select(its.c.id).where(
        its.c.id == c.instance_id,
        its.c.status == sa.literal_column("'suspended'"),
        its.c.suspended_at <= c.due_at,
    )
    return [before, ~stopped.exists()]


def bound(due: Due, now: datetime, zone: tzinfo) -> datetime:
    """Return before when a task has to be due."""
    if due == "overdue":
        return now
    there = now.astimezone(zone).date() + timedelta(days=_DAYS[due])
    return datetime.combine(there, time.min, tzinfo=zone).astimezone(UTC)
